//! Workers that die, and workers that race: an order issues exactly one card.

use domain::{CardOrder, CardStatus, CardType, OrderStatus};
use schedule::Worker;
use store::JobKind;
use wire::cardbridge::replacement::{Replace, VirtualToPhysical};

use crate::bed::{Bed, statuses};

#[tokio::test]
async fn an_order_survives_a_crash_between_any_two_steps() {
    let mut bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    let mut steps = 0;
    while !bed.order(&placed).await.status.is_final() {
        let later = bed.store.clock().now().plus_seconds(60);
        // One process dies while it holds the job; the next one makes a single step.
        let leased = bed.store.lease_jobs(JobKind::OrderStep, later, 10_000, 10).await.unwrap();
        assert_eq!(leased.len(), 1);
        bed = bed.restarted().await;
        let worker = bed.worker();
        assert_eq!(worker.start_due(later).await.unwrap(), 1);
        worker.settled().await;
        drop(worker);
        bed = bed.restarted().await;
        steps += 1;
    }
    assert_eq!(steps, 4);
    assert_one_card(&bed, &placed).await;
}

/// Lets one process after another die while it holds the order's job, each followed by one that
/// makes a single step, until the order is final.
async fn crash_through(mut bed: Bed, placed: &CardOrder) -> (Bed, u32) {
    let mut steps = 0;
    while !bed.order(placed).await.status.is_final() {
        let later = bed.store.clock().now().plus_seconds(60);
        let leased = bed.store.lease_jobs(JobKind::OrderStep, later, 10_000, 10).await.unwrap();
        assert_eq!(leased.len(), 1);
        bed = bed.restarted().await;
        let worker = bed.worker();
        assert_eq!(worker.start_due(later).await.unwrap(), 1);
        worker.settled().await;
        drop(worker);
        bed = bed.restarted().await;
        steps += 1;
    }
    (bed, steps)
}

#[tokio::test]
async fn orders_in_place_of_a_card_survive_a_crash_between_any_two_steps() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    bed.advance(2).await;
    let source = bed.order(&placed).await.card_id.unwrap();
    let body = serde_json::json!({"cardOrderRef": "v2p-1", "replaceCardId": source.to_string(),
        "virtualToPhysicalInfo": {"countryCode": "SG", "embossingName": "TEST USER",
            "cardLayoutCode": "MGEBP"}});
    let request = VirtualToPhysical::parse(body.to_string().as_bytes()).unwrap();
    let twin = bed.cards.order_physical(bed.enterprise_id, &request).await.unwrap();
    let (bed, steps) = crash_through(bed, &twin).await;
    assert_eq!(steps, 2);
    let request = Replace { card_order_ref: "rep-1".into(), replace_card_id: source.to_string() };
    let replacement = bed.cards.order_replacement(bed.enterprise_id, &request).await.unwrap();
    let (bed, steps) = crash_through(bed, &replacement).await;
    assert_eq!(steps, 1);
    let cards = bed.store.cards_of_customer(bed.enterprise_id, placed.customer_id).await.unwrap();
    let states: Vec<_> = cards.iter().map(|card| (card.card_type, card.status)).collect();
    assert_eq!(
        states,
        [
            (CardType::Virtual, CardStatus::Invalid),
            (CardType::Physical, CardStatus::Invalid),
            (CardType::Virtual, CardStatus::Activated),
        ]
    );
    assert_eq!(bed.webhooks(twin.order_id.as_i64()).await.len(), 3);
    assert_eq!(bed.webhooks(replacement.order_id.as_i64()).await.len(), 2);
}

#[tokio::test]
async fn workers_that_race_issue_one_card() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    let (one, other) = (bed.worker(), bed.worker());
    for _ in 0..20 {
        let later = bed.store.clock().now().plus_seconds(60);
        let (started, started_too) = tokio::join!(one.start_due(later), other.start_due(later));
        assert!(started.unwrap() + started_too.unwrap() <= 1);
        tokio::join!(one.settled(), other.settled());
    }
    assert_one_card(&bed, &placed).await;
}

#[tokio::test]
async fn a_worker_whose_lease_ran_out_changes_nothing() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    let later = bed.store.clock().now().plus_seconds(60);
    // The first worker's lease ends at once, and it comes back after the others.
    let late = bed.store.lease_jobs(JobKind::OrderStep, later, 0, 1).await.unwrap().remove(0);
    let worker = bed.worker();
    let before = bed.order(&placed).await;
    assert_eq!(worker.start_due(later).await.unwrap(), 1);
    worker.settled().await;
    let step = store::OrderStep {
        expected_status: before.status,
        order: domain::CardOrder { status: OrderStatus::CustomerPass, ..before },
        job: late,
        next_due_at: None,
        issued: None,
        events: Vec::new(),
    };
    let outcome = bed.store.advance_order(step).await.unwrap();
    assert_eq!(outcome, store::OrderStepOutcome::Stale);
    bed.advance(120).await;
    assert_one_card(&bed, &placed).await;
}

async fn assert_one_card(bed: &Bed, placed: &domain::CardOrder) {
    let order = bed.order(placed).await;
    assert_eq!(order.status, OrderStatus::Succeed);
    let cards = bed.store.cards_of_customer(bed.enterprise_id, order.customer_id).await.unwrap();
    assert_eq!(cards.iter().map(|c| Some(c.card_id)).collect::<Vec<_>>(), [order.card_id]);
    let delivered = bed.webhooks(order.order_id.as_i64()).await;
    assert_eq!(
        statuses(&delivered),
        [
            "PENDING CREATE",
            "CUSTOMER_PASS UPDATE",
            "KYC_PASS UPDATE",
            "CHANNEL_CUSTOMER_PASS UPDATE",
            "SUCCEED UPDATE"
        ]
    );
    let ids: Vec<_> =
        delivered.iter().map(|w| w["webhookId"].as_str().unwrap().to_owned()).collect();
    assert!(ids.is_sorted());
    assert_eq!(bed.webhooks(cards[0].card_id.as_i64()).await.len(), 1);
}
