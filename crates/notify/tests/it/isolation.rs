//! A slow receiver takes its own share and nobody else's.

use std::time::Duration;

use domain::DeliveryStatus;
use tokio::time::Instant;

use crate::bed::Bed;
use crate::receiver::Receiver;

/// The share of one enterprise in the deliveries under way.
const MAX_PER_ENTERPRISE: usize = 16;
/// What a slow receiver has to take: five rounds of its share, 3 s each, which a quick one
/// does not wait for.
const SLOW_WEBHOOKS: usize = 80;

#[tokio::test]
async fn a_slow_receiver_does_not_delay_another_enterprise() {
    let mut bed = Bed::new().await;
    let slow = Receiver::slow(Duration::from_secs(3)).await;
    let quick = Receiver::answering(&[]).await;
    let slow_enterprise = bed.add_enterprise(Some(&slow.url)).await;
    let quick_enterprise = bed.add_enterprise(Some(&quick.url)).await;
    bed.add_key(slow_enterprise).await;
    bed.add_key(quick_enterprise).await;
    for _ in 0..SLOW_WEBHOOKS {
        bed.place(slow_enterprise).await;
    }
    bed.run();
    slow.wait_for(MAX_PER_ENTERPRISE).await;
    let order = bed.place(quick_enterprise).await;
    bed.finish(&order).await;
    bed.wait_until_told(&order).await;
    assert!(slow.seen().len() < SLOW_WEBHOOKS, "the quick one waited for all of the slow one's");
    assert_eq!(quick.seen().len(), 5);
    assert_eq!(slow.most_at_once(), MAX_PER_ENTERPRISE);
    bed.stop().await;
}

#[tokio::test]
async fn an_answer_after_five_seconds_is_no_answer() {
    let bed = Bed::new().await;
    let receiver = Receiver::slow(Duration::from_secs(120)).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    let started = Instant::now();
    bed.schedule.advance(0).await.unwrap();
    assert!((5..120).contains(&started.elapsed().as_secs()), "took {:?}", started.elapsed());
    let view = &bed.deliveries(&order).await[0];
    assert_eq!(view.status, DeliveryStatus::Pending);
    assert_eq!(view.attempts[0].status, None);
    assert!(view.attempts[0].latency_ms >= 5_000);
}

#[tokio::test]
async fn many_webhooks_are_delivered_quickly_and_once() {
    let mut bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(enterprise_id).await;
    let mut orders = Vec::new();
    for _ in 0..200 {
        orders.push(bed.place(enterprise_id).await);
    }
    bed.run();
    for order in &orders {
        bed.wait_until_told(order).await;
    }
    bed.stop().await;
    let mut ids: Vec<_> = receiver.seen().iter().map(|s| s.field("webhookId")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), receiver.seen().len()), (200, 200));
}
