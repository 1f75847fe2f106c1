//! The outbox: order within an object, leases, retries, parking, resending.

use domain::{DeliveryStatus, Destination, EnterpriseId, Timestamp, WebhookId};
use store::{Attempt, AttemptOutcome, Delivery, DeliveryFilter, EnterprisePatch, Store};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, found, tell};

const LEASE_MS: i64 = 60_000;
const OTHER: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_009);

async fn ready(store: &Store) {
    found(store, ENTERPRISE, Some("https://hook.example")).await;
}

async fn claim(store: &Store, now: Timestamp, limit: u32) -> Vec<Delivery> {
    store.claim_deliveries(now, LEASE_MS, limit, &[]).await.unwrap()
}

fn ids(deliveries: &[Delivery]) -> Vec<WebhookId> {
    deliveries.iter().map(|it| it.event.webhook_id).collect()
}

fn attempt(status: Option<u16>) -> Attempt {
    Attempt { at: NOW, status, latency_ms: 12, excerpt: "ok".to_owned() }
}

async fn finish(store: &Store, delivery: &Delivery, outcome: AttemptOutcome) -> bool {
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

both_engines!(a_lost_lease_settles_nothing, |store| {
    ready(&store).await;
    let id = tell(&store, ENTERPRISE, 1).await;
    let dead = store.claim_deliveries(NOW, 0, 1, &[]).await.unwrap().remove(0);
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
        webhook_url: Some(Some("https://hook.example".to_owned())),
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

both_engines!(a_claim_takes_the_earliest_of_all_enterprises, |store, database| {
    ready(&store).await;
    found(&store, OTHER, Some("https://other.example")).await;
    let mut told = Vec::new();
    for number in 0..6 {
        let owner = if number % 3 == 0 { OTHER } else { ENTERPRISE };
        told.push(tell(&store, owner, number).await);
        let due_at = NOW.plus_seconds(number).as_micros();
        let sql = "UPDATE webhook SET next_attempt_at =";
        database
            .tamper(&format!("{sql} {due_at} WHERE webhook_id = {}", told.last().unwrap()))
            .await;
    }
    let later = NOW.plus_seconds(100);
    assert_eq!(ids(&claim(&store, later, 4).await), told[..4]);
    let passed = store
        .claim_deliveries(later, LEASE_MS, 4, &[Destination::enterprise(ENTERPRISE)])
        .await
        .unwrap();
    assert_eq!(passed, []);
    assert_eq!(ids(&claim(&store, later, 4).await), told[4..]);
});

both_engines!(workers_at_once_never_share_a_delivery, |store| {
    ready(&store).await;
    for business_id in 0..12 {
        tell(&store, ENTERPRISE, business_id).await;
    }
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { ids(&claim(&store, NOW, 4).await) })
        })
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap());
    }
    claimed.extend(ids(&claim(&store, NOW, 12).await));
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
