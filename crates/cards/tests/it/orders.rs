//! The scenarios of an order.

use std::sync::Arc;
use std::time::Duration;
use store::PanRecord;

use domain::{Card, CardStatus, CardType, ErrorCode, OrderStatus};
use schedule::Schedule;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::bed::{Bed, statuses};

#[tokio::test]
async fn an_order_reports_its_five_states_and_ends_with_an_active_card() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    assert_eq!(placed.status, OrderStatus::Pending);
    bed.advance(1).await;

    let order = bed.order(&placed).await;
    assert_eq!(order.status, OrderStatus::Succeed);
    let card =
        bed.store.find::<Card>((bed.enterprise_id, order.card_id.unwrap())).await.unwrap().unwrap();
    assert_eq!((card.status, card.card_type), (CardStatus::Activated, CardType::Virtual));
    assert_eq!(card.customer_id, placed.customer_id);
    let expected_end = card.created_at.utc8_month_start_after(49);
    assert_eq!(card.valid_until, expected_end);

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
    for webhook in &delivered[..4] {
        assert!(webhook["data"]["cardId"].is_null());
    }
    assert_eq!(delivered[4]["data"]["cardId"], card.card_id.to_string());
    assert_eq!(statuses(&bed.webhooks(card.card_id.as_i64()).await), ["ACTIVATED CREATE"]);
}

#[tokio::test]
async fn the_pan_is_sealed_and_the_application_wiped() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    let sealed = bed.store.order_application(bed.enterprise_id, placed.order_id).await.unwrap();
    assert!(sealed.is_some());
    bed.advance(1).await;

    let card_id = bed.order(&placed).await.card_id.unwrap();
    let card = bed.store.find::<Card>((bed.enterprise_id, card_id)).await.unwrap().unwrap();
    let record =
        bed.store.find::<PanRecord>((bed.enterprise_id, card.pan_id)).await.unwrap().unwrap();
    let pan = bed.vault.open_pan(bed.enterprise_id, card.pan_id, &record.sealed_pan).unwrap();
    assert!(pan.expose().starts_with("411111"));
    assert_eq!((pan.first6(), pan.last4()), (&*card.pan_first6, &*card.pan_last4));
    assert_eq!(bed.vault.fingerprint(&pan), record.fingerprint);
    let wiped = bed.store.order_application(bed.enterprise_id, placed.order_id).await.unwrap();
    assert_eq!(wiped, None);
}

#[tokio::test]
async fn a_failing_scenario_ends_in_its_state_and_issues_nothing() {
    let bed = Bed::new().await;
    for (token, earlier, code) in [
        ("fail-customer", 1, ErrorCode::CardOrderCustomerInfoInvalid),
        ("fail", 2, ErrorCode::CardOrderKycVerifyFailed),
        ("fail-channel-create", 3, ErrorCode::ChannelCustomerCreateFailed),
        ("fail-channel-card", 4, ErrorCode::CardOrderChannelCardInvalid),
    ] {
        let placed = bed.place(&format!("ord-{earlier}"), token).await;
        bed.advance(1).await;
        let order = bed.order(&placed).await;
        assert_eq!(order.status, OrderStatus::Failed, "{token}");
        assert_eq!(order.card_id, None);
        let webhooks = bed.webhooks(order.order_id.as_i64()).await;
        assert_eq!(webhooks.len(), earlier + 1, "{token}");
        let last = &webhooks[earlier];
        assert_eq!(last["webhookSubType"], "UPDATE");
        assert_eq!(last["data"]["status"], "FAILED");
        assert_eq!(last["data"]["errorCode"], code.as_str());
        assert!(last["data"]["errorReason"].is_string());
        let cards = bed.store.cards_of_customer(bed.enterprise_id, order.customer_id).await;
        assert_eq!(cards.unwrap(), []);
    }
}

#[tokio::test]
async fn an_edd_order_waits_for_evidence_and_not_for_time() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "edd-1").await;
    bed.advance(3600).await;
    let order = bed.order(&placed).await;
    assert_eq!((order.status, order.need_edd_file), (OrderStatus::CustomerPass, true));
    let due = bed.store.next_job_due(store::JobKind::OrderStep).await.unwrap();
    assert_eq!(due, None);
    let delivered = bed.webhooks(order.order_id.as_i64()).await;
    assert_eq!(statuses(&delivered), ["PENDING CREATE", "CUSTOMER_PASS UPDATE"]);
    assert_eq!(delivered[1]["data"]["needEddFile"], true);
}

#[tokio::test]
async fn a_slow_order_takes_five_seconds_per_step() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "slow-1").await;
    bed.advance(4).await;
    assert_eq!(bed.order(&placed).await.status, OrderStatus::Pending);
    bed.advance(2).await;
    assert_eq!(bed.order(&placed).await.status, OrderStatus::CustomerPass);
    bed.advance(15).await;
    assert_eq!(bed.order(&placed).await.status, OrderStatus::Succeed);
}

#[tokio::test]
async fn in_the_background_an_order_takes_its_four_steps_in_real_time() {
    let bed = Bed::new().await;
    let schedule = Schedule::new(bed.store.clone(), vec![Arc::new(bed.worker())]);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(schedule.run(stopped));
    let started = Instant::now();
    let placed = bed.place("ord-1", "share-1").await;
    while !bed.order(&placed).await.status.is_final() {
        assert!(started.elapsed() < Duration::from_secs(180), "the order hangs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(started.elapsed() >= Duration::from_millis(800));
    assert_eq!(bed.order(&placed).await.status, OrderStatus::Succeed);
    stop.send_replace(true);
    running.await.unwrap();
}
