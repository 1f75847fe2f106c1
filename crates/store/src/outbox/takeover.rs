//! Webhooks that were pending before migration V15, which added `seq`, are all delivered after it,
//! in order.

use std::sync::Arc;

use domain::{
    Clock, EnterpriseId, IdGenerator, SealedUrl, Timestamp, WebhookEvent, WebhookId,
    WebhookSubType, WebhookType,
};

use super::{Attempt, AttemptOutcome, Delivery, Grant, insert_events};
use crate::migrations::old;
use crate::{EnterprisePatch, Location, Store};

/// The last version of the schema without `webhook.seq`.
const OLD: i32 = 14;
const NOW: Timestamp = Timestamp::from_micros(1_760_000_000_000_000);
const PENDING: usize = 300;

/// Enterprise 1 has a URL. Its object 7 has one delivered, one parked and `PENDING` pending
/// webhooks, the first of them with an expired lease; object 8 has one pending. Enterprise 2 has no
/// URL and two pending webhooks of object 9.
fn old_rows() -> String {
    let mut sql = String::new();
    for (id, url) in [(1, "'https://hook.example'"), (2, "NULL")] {
        sql += &format!(
            "INSERT INTO enterprise (enterprise_id, name, webhook_url, ip_allowlist, \
             redirect_hosts, page_origins, pci, auth_deadline_ms, rsa_padding, created_at) \
             VALUES ({id}, 'old', {url}, '', '', '', 0, 2000, 'PKCS1', 0);"
        );
    }
    let mut webhook = |owner: i64, id: usize, object: i64, status: &str, leased: &str| {
        sql += &format!(
            "INSERT INTO webhook (enterprise_id, webhook_id, webhook_type, sub_type, business_id, \
             body, created_at, status, tries, next_attempt_at, leased_until, vm_app_id) VALUES \
             ({owner}, {id}, 'CARD', 'UPDATE', {object}, '{{}}', 0, '{status}', 0, {id}, \
             {leased}, 0);"
        );
    };
    webhook(1, 1, 7, "DELIVERED", "NULL");
    webhook(1, 2, 7, "DEAD", "NULL");
    for id in 3..3 + PENDING {
        webhook(1, id, 7, "PENDING", if id == 3 { "5" } else { "NULL" });
    }
    webhook(1, 1_000, 8, "PENDING", "NULL");
    webhook(2, 1_001, 9, "PENDING", "NULL");
    webhook(2, 1_002, 9, "PENDING", "NULL");
    sql
}

/// Claims and acknowledges deliveries until none is due; returns them in the order claimed.
async fn drained(store: &Store) -> Vec<Delivery> {
    let mut delivered = Vec::new();
    loop {
        let due = store.due_destinations(NOW, 10).await.unwrap();
        let grants = due.into_iter().map(|due| Grant { due, places: 8 }).collect();
        let claimed = store.claim_deliveries(NOW, 60_000, grants).await.unwrap();
        if claimed.is_empty() {
            return delivered;
        }
        for delivery in claimed {
            let attempt = Attempt {
                at: NOW,
                status: Some(200),
                latency_ms: 1,
                excerpt: String::new(),
                refusal: None,
            };
            let outcome = AttemptOutcome::Delivered;
            assert!(store.finish_attempt(&delivery, attempt, outcome).await.unwrap());
            delivered.push(delivery);
        }
    }
}

fn ids_of(deliveries: &[Delivery], object: i64) -> Vec<(i64, u32)> {
    let of_object = deliveries.iter().filter(|it| it.event.business_id == object);
    of_object.map(|it| (it.event.webhook_id.as_i64(), it.seq)).collect()
}

async fn all_are_delivered_in_order(location: Location) {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let store = Store::open(location, clock, ids).await.unwrap();
    // An event inserted after the migration queues behind those that were already pending.
    let event = WebhookEvent {
        enterprise_id: EnterpriseId::from_i64(1),
        vm_app_id: None,
        webhook_id: WebhookId::from_i64(store.ids().next()),
        webhook_type: WebhookType::Card,
        sub_type: WebhookSubType::Update,
        business_id: 7,
        body: b"{}".to_vec(),
        created_at: NOW,
    };
    let last = event.webhook_id.as_i64();
    store
        .write(move |tx| {
            let event = event.clone();
            Box::pin(async move { insert_events(tx, &[event]).await })
        })
        .await
        .unwrap();
    let delivered = drained(&store).await;
    // The migration numbers undelivered webhooks from 1; the parked one took 1.
    let mut expected: Vec<(i64, u32)> = (3_i64..).zip(2..).take(PENDING).collect();
    expected.push((last, u32::try_from(PENDING).unwrap() + 2));
    assert_eq!(ids_of(&delivered, 7), expected);
    assert_eq!(ids_of(&delivered, 8), [(1_000, 1)]);
    assert_eq!(delivered.len(), PENDING + 2);
    // Enterprise 2's webhooks wait until it has a URL.
    let url = Some(Some(SealedUrl::from_sealed(vec![1])));
    let patch = EnterprisePatch { webhook_url: url, ..EnterprisePatch::default() };
    store.patch_enterprise(EnterpriseId::from_i64(2), patch).await.unwrap();
    assert_eq!(ids_of(&drained(&store).await, 9), [(1_001, 1), (1_002, 2)]);
    // Nothing is pending; the parked one stays parked.
    assert_eq!(store.delivery_counts().await.unwrap(), (0, 1));
    store.close().await;
}

#[tokio::test]
async fn what_was_pending_in_an_embedded_store_is_delivered_in_order() {
    let directory = tempfile::tempdir().unwrap();
    all_are_delivered_in_order(old::on_file(
        &directory,
        OLD,
        &old_rows().replace("'{}'", "x'7b7d'"),
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_pending_on_a_server_is_delivered_in_order() {
    old::on_server("store_takeover", (OLD, &old_rows()), all_are_delivered_in_order).await;
}
