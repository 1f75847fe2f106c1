//! Webhooks piled up at one destination cost the others nothing, counted in rows that are read, not
//! in times.

use std::time::Duration;

use domain::{EnterpriseId, Timestamp, WebhookId};
use store::{Attempt, AttemptOutcome, Store};
use testkit::database::Database;

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, claim_for, found, tell};

const DEAD: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_009);
const PILED: i64 = 49_000;
const ROUNDS: i64 = 20;
/// Rows of webhooks that one round may read, index entries and dead rows included: a round adds,
/// claims and finishes one webhook. One scan of the pile would exceed the limit of all rounds.
const MAX_ROWS_A_ROUND: i64 = 400;

async fn finish(store: &Store, now: Timestamp, outcome: AttemptOutcome) -> WebhookId {
    let delivery = claim_for(store, now, 60_000, 1).await.remove(0);
    let attempt = Attempt {
        at: now,
        status: Some(200),
        latency_ms: 1,
        excerpt: String::new(),
        refusal: None,
    };
    assert!(store.finish_attempt(&delivery, attempt, outcome).await.unwrap());
    delivery.event.webhook_id
}

/// Since `before` the server read some rows, but no more than the rounds may read.
async fn assert_read_little(database: &Database, before: i64) {
    if matches!(database, Database::Embedded(_)) {
        return;
    }
    for _ in 0..1_000 {
        let read = database.rows_read("webhook").await - before;
        assert!(read <= ROUNDS * MAX_ROWS_A_ROUND, "{read} rows read");
        if read >= ROUNDS {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server counted nothing");
}

both_engines!(a_pile_of_one_objects_webhooks_costs_nobody_anything, |store, database| {
    found(&store, ENTERPRISE, Some("https://hook.example")).await;
    found(&store, DEAD, Some("https://dead.example")).await;
    let head = tell(&store, DEAD, 7).await;
    let later = NOW.plus_seconds(300);
    assert_eq!(finish(&store, NOW, AttemptOutcome::RetryAt(later)).await, head);
    let piled = "INSERT INTO webhook (enterprise_id, webhook_id, webhook_type, sub_type, \
        business_id, packed, created_at, status, tries, next_attempt_at, leased_until, vm_app_id, \
        seq, is_first) SELECT w.enterprise_id, w.webhook_id + n.n, w.webhook_type, w.sub_type, \
        w.business_id, w.packed, w.created_at, 'PENDING', 0, w.created_at, NULL, 0, 1 + n.n, 0 \
        FROM webhook w CROSS JOIN n";
    let numbers = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {PILED})"
    );
    database.tamper(&format!("{numbers} {piled} WHERE w.webhook_id = {head}; ANALYZE;")).await;
    assert_eq!(store.delivery_counts().await.unwrap().0, 1 + PILED.unsigned_abs());

    // Another enterprise's webhooks are added and delivered.
    let fresh = database.open_as(2).await;
    let before = database.rows_read("webhook").await;
    for number in 0..ROUNDS {
        let told = tell(&fresh, ENTERPRISE, number).await;
        assert_eq!(finish(&fresh, NOW, AttemptOutcome::Delivered).await, told);
        assert_eq!(fresh.next_delivery_due().await.unwrap(), Some(later));
    }
    fresh.close().await;
    assert_read_little(database, before).await;

    // The receiver is back: its webhooks go one after another, each at once and as cheaply.
    let fresh = database.open_as(3).await;
    let before = database.rows_read("webhook").await;
    for number in 0..ROUNDS {
        let delivered = finish(&fresh, later, AttemptOutcome::Delivered).await;
        assert_eq!(delivered.as_i64(), head.as_i64() + number);
    }
    fresh.close().await;
    assert_read_little(database, before).await;
    assert_eq!(store.delivery_counts().await.unwrap().0, (1 + PILED - ROUNDS).unsigned_abs());
});
