//! The outbox: order within an object, leases, retries, parking, resending.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{
    CardEvent, CardId, DeliveryStatus, EnterpriseId, Timestamp, WebhookEvent, WebhookId,
    WebhookSubType, WebhookType,
};
use store::{
    Attempt, AttemptOutcome, CardChange, Delivery, DeliveryFilter, EnterprisePatch, Grant, Store,
};

use crate::both_engines;
use crate::cards::card;
use crate::samples::{ENTERPRISE, NOW, claim_for, found, sealed, tell, tell_as};

const LEASE_MS: i64 = 60_000;
const OTHER: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_009);

pub async fn ready(store: &Store) {
    found(store, ENTERPRISE, Some("https://hook.example")).await;
}

pub async fn claim(store: &Store, now: Timestamp, limit: u32) -> Vec<Delivery> {
    claim_for(store, now, LEASE_MS, limit).await
}

fn ids(deliveries: &[Delivery]) -> Vec<WebhookId> {
    deliveries.iter().map(|it| it.event.webhook_id).collect()
}

fn attempt(status: Option<u16>) -> Attempt {
    Attempt { at: NOW, status, latency_ms: 12, excerpt: "ok".to_owned(), refusal: None }
}

pub async fn finish(store: &Store, delivery: &Delivery, outcome: AttemptOutcome) -> bool {
    store.finish_attempt(delivery, attempt(Some(200)), outcome).await.unwrap()
}

both_engines!(webhooks_of_one_object_go_one_after_another, |store| {
    ready(&store).await;
    let first = tell(&store, ENTERPRISE, 1).await;
    let second = tell(&store, ENTERPRISE, 1).await;
    let other = tell(&store, ENTERPRISE, 2).await;
    let claimed = claim(&store, NOW, 10).await;
    assert_eq!(ids(&claimed), [first, other]);
    assert_eq!(claim(&store, NOW, 10).await, []);
    assert!(finish(&store, &claimed[0], AttemptOutcome::Delivered).await);
    assert_eq!(ids(&claim(&store, NOW, 10).await), [second]);
});

both_engines!(a_retry_holds_back_the_later_ones_and_a_parked_one_does_not, |store| {
    ready(&store).await;
    let first = tell(&store, ENTERPRISE, 1).await;
    let second = tell(&store, ENTERPRISE, 1).await;
    let claimed = claim(&store, NOW, 10).await;
    let later = NOW.plus_seconds(5);
    assert!(finish(&store, &claimed[0], AttemptOutcome::RetryAt(later)).await);
    assert_eq!(claim(&store, NOW, 10).await, []);
    assert_eq!(store.next_delivery_due().await.unwrap(), Some(later));
    let again = claim(&store, later, 10).await;
    assert_eq!((ids(&again), again[0].tries), (vec![first], 1));
    assert!(finish(&store, &again[0], AttemptOutcome::Dead).await);
    assert_eq!(ids(&claim(&store, later, 10).await), [second]);
    assert_eq!(store.delivery_counts().await.unwrap(), (1, 1));
});

both_engines!(what_a_dead_worker_held_is_due_once_its_lease_is_over, |store| {
    ready(&store).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    let now = store.clock().now();
    assert_eq!(ids(&claim_for(&store, now, -2_000, 1).await), [id]);
    let due_at = store.next_delivery_due().await.unwrap().unwrap();
    assert!(due_at <= store.clock().now());
    assert_eq!(ids(&claim(&store, now, 1).await), [id]);
    assert_eq!(store.next_delivery_due().await.unwrap(), None);
});

both_engines!(a_lost_lease_settles_nothing, |store| {
    ready(&store).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    let dead = claim_for(&store, NOW, 0, 1).await.remove(0);
    let heir = claim(&store, NOW, 1).await.remove(0);
    assert_eq!(heir.event, dead.event);
    assert!(!finish(&store, &dead, AttemptOutcome::Dead).await);
    assert!(finish(&store, &heir, AttemptOutcome::Delivered).await);
    assert!(!finish(&store, &heir, AttemptOutcome::Dead).await);
    let view = store.delivery(id).await.unwrap().unwrap();
    assert_eq!((view.status, view.attempts.len()), (DeliveryStatus::Delivered, 1));
    assert_eq!((view.event, view.next_attempt_at), (heir.event, None));
    assert_eq!(view.attempts, [attempt(Some(200))]);
});

both_engines!(without_a_url_webhooks_wait_until_there_is_one, |store| {
    found(&store, ENTERPRISE, None).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    assert_eq!(store.next_delivery_due().await.unwrap(), None);
    assert_eq!(claim(&store, NOW, 10).await, []);
    let patch = EnterprisePatch {
        webhook_url: Some(Some(sealed("https://hook.example"))),
        ..EnterprisePatch::default()
    };
    store.patch_enterprise(ENTERPRISE, patch).await.unwrap();
    assert_eq!(store.next_delivery_due().await.unwrap(), Some(NOW));
    assert_eq!(ids(&claim(&store, NOW, 10).await), [id]);
});

both_engines!(a_resend_starts_a_new_round_and_keeps_the_tries, |store| {
    ready(&store).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    assert!(store.resend_delivery(id, NOW).await.unwrap().is_none());
    let claimed = claim(&store, NOW, 1).await.remove(0);
    let body = claimed.event.body.clone();
    store.finish_attempt(&claimed, attempt(None), AttemptOutcome::Dead).await.unwrap();
    let later = NOW.plus_seconds(9);
    assert!(store.resend_delivery(id, later).await.unwrap().is_some());
    assert_eq!(store.next_delivery_due().await.unwrap(), Some(later));
    let again = claim(&store, later, 1).await.remove(0);
    assert_eq!((again.tries, again.event.body.clone()), (0, body));
    assert!(finish(&store, &again, AttemptOutcome::Delivered).await);
    let view = store.delivery(id).await.unwrap().unwrap();
    assert_eq!(view.attempts, [attempt(None), attempt(Some(200))]);
    assert!(store.resend_delivery(WebhookId::from_i64(1), NOW).await.unwrap().is_none());
});

both_engines!(
    a_claim_takes_something_of_each_destination_whatever_lies_at_another,
    |store, database| {
        ready(&store).await;
        found(&store, OTHER, Some("https://other.example")).await;
        let mut told = Vec::new();
        for number in 0..6 {
            let owner = if number < 5 { ENTERPRISE } else { OTHER };
            told.push(tell(&store, owner, number).await);
            let due_at = NOW.plus_seconds(number).as_micros();
            let sql = "UPDATE webhook SET next_attempt_at =";
            database
                .tamper(&format!("{sql} {due_at} WHERE webhook_id = {}", told.last().unwrap()))
                .await;
        }
        let later = NOW.plus_seconds(100);
        let mut first = claim(&store, later, 2).await;
        first.sort_by_key(|it| it.event.webhook_id);
        assert_eq!(ids(&first), [told[0], told[1], told[5]]);
        // All places of this destination are taken: it is not even looked at until one comes free.
        assert_eq!(store.due_destinations(later, 10).await.unwrap(), []);
        assert!(finish(&store, &first[0], AttemptOutcome::Delivered).await);
        let now = store.clock().now();
        assert_eq!(ids(&claim(&store, now, 1).await), [told[2]]);
    }
);

both_engines!(a_destination_without_a_place_keeps_no_other_from_its_turn, |store| {
    ready(&store).await;
    found(&store, OTHER, Some("https://other.example")).await;
    tell(&store, ENTERPRISE, 1).await;
    let other = tell(&store, OTHER, 2).await;
    let due = store.due_destinations(NOW, 10).await.unwrap();
    assert_eq!(due.len(), 2);
    let places = |owner| if owner == OTHER { 1 } else { 0 };
    let grants =
        due.into_iter().map(|due| Grant { due, places: places(due.destination.enterprise_id) });
    let claimed = store.claim_deliveries(NOW, LEASE_MS, grants.collect()).await.unwrap();
    assert_eq!(ids(&claimed), [other]);
    assert_eq!(store.due_destinations(NOW, 10).await.unwrap(), []);
});

both_engines!(what_becomes_due_during_a_claim_is_not_forgotten_by_it, |store| {
    ready(&store).await;
    let first = tell(&store, ENTERPRISE, 1).await;
    let due = store.due_destinations(NOW, 10).await.unwrap();
    let second = tell(&store, ENTERPRISE, 2).await;
    let grants: Vec<_> = due.into_iter().map(|due| Grant { due, places: 1 }).collect();
    let claimed = store.claim_deliveries(NOW, LEASE_MS, grants).await.unwrap();
    assert_eq!(ids(&claimed), [first]);
    assert_eq!(store.next_delivery_due().await.unwrap(), Some(NOW));
    assert_eq!(ids(&claim(&store, NOW, 10).await), [second]);
});

both_engines!(a_place_that_comes_free_during_a_claim_is_not_overlooked_by_it, |store| {
    ready(&store).await;
    tell(&store, ENTERPRISE, 1).await;
    let under_way = claim(&store, NOW, 1).await;
    let behind = tell(&store, ENTERPRISE, 2).await;
    // A worker has no free place there, and claims after one came free.
    let due = store.due_destinations(NOW, 10).await.unwrap();
    let grants: Vec<_> = due.into_iter().map(|due| Grant { due, places: 0 }).collect();
    assert_eq!(grants.len(), 1);
    assert!(finish(&store, &under_way[0], AttemptOutcome::Delivered).await);
    assert_eq!(store.claim_deliveries(NOW, LEASE_MS, grants).await.unwrap(), []);
    assert_eq!(store.next_delivery_due().await.unwrap(), Some(NOW));
    assert_eq!(ids(&claim(&store, NOW, 10).await), [behind]);
});

both_engines!(places_in_an_objects_queue_follow_the_commits_and_no_clock, |store, database| {
    ready(&store).await;
    // This process draws its ids by a clock that is far behind.
    let behind = database.open_as(2).await;
    let ahead = tell(&store, ENTERPRISE, 1).await;
    let late = tell_as(&behind, ENTERPRISE, 1, WebhookId::from_i64(5)).await;
    let mut told = Vec::new();
    for now in [NOW, NOW] {
        let claimed = claim(&behind, now, 10).await;
        told.extend(claimed.iter().map(|it| (it.event.webhook_id, it.seq)));
        assert!(finish(&store, &claimed[0], AttemptOutcome::Delivered).await);
    }
    assert_eq!(told, [(ahead, 1), (late, 2)]);
    let third = tell(&behind, ENTERPRISE, 1).await;
    assert_eq!(claim(&store, NOW, 1).await[0].seq, 3);
    assert_eq!(store.delivery(third).await.unwrap().unwrap().seq, 3);
    behind.close().await;
});

both_engines!(one_sent_again_goes_before_those_behind_it, |store| {
    ready(&store).await;
    let first = tell(&store, ENTERPRISE, 1).await;
    let claimed = claim(&store, NOW, 1).await.remove(0);
    assert!(finish(&store, &claimed, AttemptOutcome::Delivered).await);
    let second = tell(&store, ENTERPRISE, 1).await;
    let third = tell(&store, ENTERPRISE, 1).await;
    assert!(store.resend_delivery(first, NOW).await.unwrap().is_some());
    for expected in [first, second, third] {
        let claimed = claim(&store, NOW, 10).await;
        assert_eq!(ids(&claimed), [expected]);
        assert!(finish(&store, &claimed[0], AttemptOutcome::Delivered).await);
    }
    assert_eq!(store.delivery_counts().await.unwrap(), (0, 0));
});

both_engines!(a_webhook_that_cannot_be_read_holds_up_no_other, |store, database| {
    ready(&store).await;
    let bad = tell(&store, ENTERPRISE, 1).await;
    let good = tell(&store, ENTERPRISE, 2).await;
    let sql = "UPDATE webhook SET webhook_type = 'OF_ANOTHER_AGE' WHERE webhook_id =";
    database.tamper(&format!("{sql} {bad}")).await;
    assert_eq!(ids(&claim(&store, NOW, 1).await), []);
    assert_eq!(ids(&claim(&store, NOW, 10).await), [good]);
});

// The versions of its row are then small, and what is sent again has the same bytes.
both_engines!(a_body_is_kept_packed_and_sent_as_it_was, |store, database| {
    ready(&store).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    let packed = "SELECT webhook_id FROM webhook WHERE body IS NULL AND LENGTH(packed) > 0";
    assert_eq!(database.ids(packed).await, [id.as_i64()]);
    let first = claim(&store, NOW, 1).await.remove(0);
    assert!(!first.event.body.is_empty());
    assert!(finish(&store, &first, AttemptOutcome::Delivered).await);
    assert!(store.resend_delivery(id, NOW).await.unwrap().is_some());
    let again = claim(&store, NOW, 1).await.remove(0);
    assert_eq!((again.event, again.seq), (first.event, first.seq));
});

// A binary of the version before fills the other column.
both_engines!(a_body_that_an_older_binary_wrote_is_sent, |store, database| {
    ready(&store).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    // The packed bytes are as good as any: they are to be sent as they stand.
    database.tamper("UPDATE webhook SET body = packed, packed = NULL").await;
    let claimed = claim(&store, NOW, 1).await.remove(0);
    let kept = database.ids("SELECT CAST(LENGTH(body) AS BIGINT) FROM webhook").await;
    assert_eq!(kept, [i64::try_from(claimed.event.body.len()).unwrap()]);
    assert!(claimed.event.body[0] <= 1, "a form of packing, and no text");
    assert!(finish(&store, &claimed, AttemptOutcome::Dead).await);
    assert!(store.resend_delivery(id, NOW).await.unwrap().is_some());
});

/// Freezes or unfreezes a card; false if that is already its state.
async fn turn(store: &Store, card_id: CardId, event: CardEvent) -> bool {
    let change = CardChange {
        enterprise_id: ENTERPRISE,
        card_id,
        event,
        invalidate_reason: None,
        now: NOW,
        tell: |card, webhook_id, now| WebhookEvent {
            enterprise_id: card.enterprise_id,
            vm_app_id: None,
            webhook_id,
            webhook_type: WebhookType::Card,
            sub_type: WebhookSubType::Update,
            business_id: card.card_id.as_i64(),
            body: card.status.as_str().as_bytes().to_vec(),
            created_at: now,
        },
    };
    store.change_card(change).await.is_ok()
}

both_engines!(
    processes_that_tell_and_deliver_at_once_lose_and_mix_up_nothing,
    |store, database| {
        const EACH: usize = 12;
        ready(&store).await;
        let card_id = card(&store).await.card_id;
        let other = database.open_as(2).await;
        let turning = [(&store, CardEvent::Freeze), (&other, CardEvent::Unfreeze)];
        let turning = turning.map(|(store, event)| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut turned = 0;
                while turned < EACH {
                    turned += usize::from(turn(&store, card_id, event).await);
                    tokio::task::yield_now().await;
                }
            })
        });
        let told = Arc::new(Mutex::new(Vec::new()));
        let delivering = [&store, &other].map(|store| {
            let (store, told) = (store.clone(), Arc::clone(&told));
            tokio::spawn(async move {
                while told.lock().unwrap().len() < 2 * EACH {
                    for delivery in claim(&store, store.clock().now(), 4).await {
                        if delivery.event.business_id == card_id.as_i64() {
                            let status = String::from_utf8(delivery.event.body.clone()).unwrap();
                            told.lock().unwrap().push((delivery.seq, status));
                        }
                        assert!(finish(&store, &delivery, AttemptOutcome::Delivered).await);
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            })
        });
        for task in turning.into_iter().chain(delivering) {
            task.await.unwrap();
        }
        let told = told.lock().unwrap().clone();
        let places: Vec<_> = told.iter().map(|(seq, _)| *seq as usize).collect();
        assert_eq!(places, (1..=2 * EACH).collect::<Vec<_>>());
        for (index, (_, status)) in told.iter().enumerate() {
            assert_eq!(status, if index % 2 == 0 { "FROZEN" } else { "ACTIVATED" });
        }
        other.close().await;
    }
);

both_engines!(workers_at_once_never_share_a_delivery, |store| {
    ready(&store).await;
    for business_id in 0..12 {
        tell(&store, ENTERPRISE, business_id).await;
    }
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                // A task that takes all places leaves none to the others until it has finished
                // some.
                while store.next_delivery_due().await.unwrap().is_some() {
                    for delivery in claim(&store, store.clock().now(), 4).await {
                        assert!(finish(&store, &delivery, AttemptOutcome::Delivered).await);
                        claimed.push(delivery.event.webhook_id);
                    }
                }
                claimed
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap());
    }
    claimed.sort();
    let all = claimed.len();
    claimed.dedup();
    assert_eq!((claimed.len(), all), (12, 12));
});

both_engines!(deliveries_are_listed_by_what_is_asked, |store| {
    ready(&store).await;
    let first = tell(&store, ENTERPRISE, 1).await;
    let second = tell(&store, ENTERPRISE, 2).await;
    let third = tell(&store, OTHER, 3).await;
    let claimed = claim(&store, NOW, 1).await.remove(0);
    finish(&store, &claimed, AttemptOutcome::Dead).await;
    let list = async |filter: DeliveryFilter| {
        let views = store.deliveries(filter).await.unwrap();
        views.iter().map(|view| view.event.webhook_id).collect::<Vec<_>>()
    };
    let all = DeliveryFilter { limit: 10, ..DeliveryFilter::default() };
    assert_eq!(list(all.clone()).await, [first, second, third]);
    assert_eq!(list(DeliveryFilter { limit: 1, ..all.clone() }).await, [first]);
    assert_eq!(list(DeliveryFilter { cursor: Some(second), ..all.clone() }).await, [third]);
    let dead = Some(DeliveryStatus::Dead);
    assert_eq!(list(DeliveryFilter { status: dead, ..all.clone() }).await, [first]);
    assert_eq!(list(DeliveryFilter { business_id: Some(2), ..all.clone() }).await, [second]);
    assert_eq!(list(DeliveryFilter { enterprise_id: Some(OTHER), ..all }).await, [third]);
});
