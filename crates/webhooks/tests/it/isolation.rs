//! A slow receiver uses up its own share and nobody else's.

use std::time::Duration;

use domain::{DeliveryStatus, SealedUrl};
use store::EnterprisePatch;
use testkit::front::front_ending_kept_connections;
use tokio::time::Instant;

use crate::bed::Bed;
use crate::receiver::Receiver;

/// Most deliveries under way to a receiver that answers slowly.
const MAX_TO_SLOW: usize = 4;
/// Webhooks that a slow receiver has to take and that a quick one must not wait for.
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
    slow.wait_for(1).await;
    let order = bed.place(quick_enterprise).await;
    bed.finish(&order).await;
    bed.wait_until_told(&order).await;
    assert!(slow.seen().len() < SLOW_WEBHOOKS, "the quick one waited for all of the slow one's");
    assert_eq!(quick.seen().len(), 5);
    assert!(slow.most_at_once() <= MAX_TO_SLOW, "{} at once", slow.most_at_once());
    bed.stop().await;
}

/// Many receivers that accept connections and never answer, each with a backlog of webhooks that
/// are older than anybody else's.
#[tokio::test]
async fn hanging_receivers_delay_nobody_however_many_there_are() {
    const HANGING: usize = 24;
    let mut bed = Bed::new().await;
    let hanging = Receiver::slow(Duration::from_secs(3_600)).await;
    let quick = Receiver::answering(&[]).await;
    let mut backlog = Vec::new();
    for _ in 0..HANGING {
        let enterprise_id = bed.add_enterprise(Some(&hanging.url)).await;
        bed.add_key(enterprise_id).await;
        for _ in 0..8 {
            backlog.push(bed.place(enterprise_id).await);
        }
    }
    let quick_enterprise = bed.add_enterprise(Some(&quick.url)).await;
    bed.add_key(quick_enterprise).await;
    bed.run();
    hanging.wait_for(HANGING).await;
    for _ in 0..5 {
        let order = bed.place(quick_enterprise).await;
        bed.wait_until_told(&order).await;
    }
    assert_eq!(quick.seen().len(), 5);
    let mut tried = 0;
    for order in &backlog {
        tried += bed.deliveries(order).await.iter().filter(|it| !it.attempts.is_empty()).count();
    }
    // A receiver that waited for the backlog would see nearly all of it tried first.
    assert!(tried <= 3 * HANGING, "{tried} of the backlog were tried first");
    bed.stop().await;
}

#[tokio::test]
async fn a_receiver_that_cannot_be_read_delays_no_other() {
    let mut bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let broken = bed.add_enterprise(Some(&receiver.url)).await;
    let whole = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(broken).await;
    bed.add_key(whole).await;
    let url = SealedUrl::from_sealed(vec![1; 64]);
    let patch = EnterprisePatch { webhook_url: Some(Some(url)), ..EnterprisePatch::default() };
    bed.store.patch_enterprise(broken, patch).await.unwrap();
    let lost = bed.place(broken).await;
    let order = bed.place(whole).await;
    bed.run();
    bed.wait_until_told(&order).await;
    assert_eq!(receiver.seen().len(), 1);
    assert_eq!(bed.deliveries(&lost).await[0].status, DeliveryStatus::Pending);
    bed.stop().await;
}

#[tokio::test]
async fn an_answer_after_five_seconds_does_not_count() {
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

#[tokio::test]
async fn a_kept_connection_that_ends_as_the_webhook_goes_out_costs_no_try() {
    let mut bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let front = front_ending_kept_connections(&receiver.url).await;
    let enterprise_id = bed.add_enterprise(Some(&front)).await;
    bed.add_key(enterprise_id).await;
    bed.run();
    for count in 1..=4 {
        let order = bed.place(enterprise_id).await;
        bed.wait_until_told(&order).await;
        let delivery = bed.deliveries(&order).await.remove(0);
        assert_eq!(delivery.status, DeliveryStatus::Delivered);
        assert_eq!(delivery.attempts.len(), 1, "{:?}", delivery.attempts);
        assert_eq!(receiver.seen().len(), count);
    }
    bed.stop().await;
}
