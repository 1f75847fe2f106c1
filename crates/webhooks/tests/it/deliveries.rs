//! Order, retries, parking and resending.

use domain::DeliveryStatus;
use store::{DeliveryView, Grant};
use wire::cardbridge::signature::webhook_signature_matches;
use wire::cardbridge::standard_webhooks;

use crate::bed::Bed;
use crate::receiver::Receiver;

fn statuses(view: &DeliveryView) -> Vec<Option<u16>> {
    view.attempts.iter().map(|attempt| attempt.status).collect()
}

#[tokio::test]
async fn five_webhooks_of_an_order_arrive_signed_and_in_order() {
    let mut bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    let (_, secret) = bed.add_key(enterprise_id).await;
    bed.run();
    let order = bed.place(enterprise_id).await;
    bed.finish(&order).await;
    bed.wait_until_told(&order).await;
    bed.stop().await;

    let seen = receiver.seen();
    let ids: Vec<_> = seen.iter().map(|s| s.field("webhookId")).collect();
    let stored: Vec<_> = bed.deliveries(&order).await;
    assert_eq!(ids, stored.iter().map(|v| v.event.webhook_id.to_string()).collect::<Vec<_>>());
    assert_eq!(seen.len(), 5);
    let now_seconds = bed.store.clock().real_now().as_millis() / 1_000;
    for request in &seen {
        assert_eq!(request.header("content-type"), "application/json");
        let signature = request.header("x-signature");
        assert!(webhook_signature_matches(secret.expose(), &request.body, signature));
        let verified = standard_webhooks::verify(
            secret.expose(),
            request.header("webhook-id"),
            request.header("webhook-timestamp"),
            request.header("webhook-signature"),
            &request.body,
            now_seconds,
        );
        assert_eq!(verified, Ok(()));
        assert_eq!(request.header("webhook-id"), request.field("webhookId"));
    }
    let places: Vec<_> = seen.iter().map(|it| it.header("webhook-sequence").to_owned()).collect();
    assert_eq!(places, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_failed_first_webhook_holds_back_its_object_and_no_other() {
    let bed = Bed::new().await;
    let receiver = Receiver::answering(&[500]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    bed.finish(&order).await;
    bed.schedule.advance(0).await.unwrap();
    assert_eq!(receiver.seen().len(), 1);
    let other = bed.place(enterprise_id).await;
    bed.schedule.advance(5).await.unwrap();
    assert_eq!(receiver.seen().len(), 2);
    assert_eq!(receiver.seen()[1].field("businessId"), other.order_id.to_string());

    bed.schedule.advance(6).await.unwrap();
    let seen = receiver.seen();
    assert_eq!(seen.len(), 7);
    assert_eq!(seen[2].body, seen[0].body);
    assert_eq!(seen[2].header("x-signature"), seen[0].header("x-signature"));
    let ids: Vec<_> = seen[2..].iter().map(|s| s.field("webhookId")).collect();
    assert!(ids.is_sorted());
    assert_eq!(statuses(&bed.deliveries(&order).await[0]), [Some(500), Some(200)]);
}

#[tokio::test]
async fn a_webhook_is_parked_after_four_tries_and_frees_its_object() {
    let bed = Bed::new().await;
    let receiver = Receiver::answering(&[201, 302, 500, 404]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    bed.finish(&order).await;
    for (seconds, requests) in [(0, 1), (9, 1), (2, 2), (58, 2), (3, 3), (297, 3)] {
        bed.schedule.advance(seconds).await.unwrap();
        assert_eq!(receiver.seen().len(), requests, "after {seconds} s more");
    }
    bed.schedule.advance(5).await.unwrap();
    let views = bed.deliveries(&order).await;
    assert_eq!(views[0].status, DeliveryStatus::Dead);
    assert_eq!(statuses(&views[0]), [Some(201), Some(302), Some(500), Some(404)]);
    let seen = receiver.seen();
    assert_eq!(seen.len(), 8);
    assert!(seen[..4].iter().all(|request| request.body == seen[0].body));
    assert!(views[1..].iter().all(|view| view.status == DeliveryStatus::Delivered));
}

#[tokio::test]
async fn an_advance_runs_every_retry_to_the_end() {
    let bed = Bed::new().await;
    let receiver = Receiver::answering(&[500; 4]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    bed.schedule.advance(400).await.unwrap();
    assert_eq!(bed.deliveries(&order).await[0].status, DeliveryStatus::Dead);
    assert_eq!(receiver.seen().len(), 4);
}

#[tokio::test]
async fn a_parked_webhook_is_resent_by_hand_to_the_present_url() {
    let bed = Bed::new().await;
    let dead_end = Receiver::answering(&[500; 4]).await;
    let enterprise_id = bed.add_enterprise(Some(&dead_end.url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    bed.schedule.advance(400).await.unwrap();
    let parked = &bed.deliveries(&order).await[0];
    assert_eq!(parked.status, DeliveryStatus::Dead);

    let new_receiver = Receiver::answering(&[500]).await;
    bed.set_url(enterprise_id, &new_receiver.url).await;
    let now = bed.store.clock().now();
    assert!(bed.store.resend_delivery(parked.event.webhook_id, now).await.unwrap().is_some());
    // A resend is a new round: it fails once here and is retried.
    bed.schedule.advance(11).await.unwrap();
    let view = &bed.deliveries(&order).await[0];
    assert_eq!(view.status, DeliveryStatus::Delivered);
    assert_eq!(dead_end.seen().len(), 4);
    let bodies: Vec<_> = new_receiver.seen().iter().map(|request| request.body.clone()).collect();
    assert_eq!(bodies, [dead_end.seen()[0].body.clone(), dead_end.seen()[0].body.clone()]);
}

#[tokio::test]
async fn what_a_dead_worker_held_is_delivered_once_its_lease_is_over() {
    let mut bed = Bed::new().await;
    let receiver = Receiver::answering(&[]).await;
    let enterprise_id = bed.add_enterprise(Some(&receiver.url)).await;
    bed.add_key(enterprise_id).await;
    let order = bed.place(enterprise_id).await;
    let now = bed.store.clock().now();
    let due = bed.store.due_destinations(now, 1).await.unwrap();
    let grants = due.into_iter().map(|due| Grant { due, places: 1 }).collect();
    assert_eq!(bed.store.claim_deliveries(now, 100, grants).await.unwrap().len(), 1);
    // Nothing else is due, and nothing happens that would wake the worker.
    bed.run();
    bed.wait_until_told(&order).await;
    assert_eq!(receiver.seen().len(), 1);
    bed.stop().await;
}
