//! Tests that the outbox reads only through the indexes of what is due.

use std::sync::Arc;

use domain::{Clock, IdGenerator};

use super::{claim, queue};
use crate::engine::Value;
use crate::{Location, Store};

async fn plan(store: &Store, sql: &'static str) -> String {
    let explained = format!(
        "EXPLAIN QUERY PLAN {}",
        sql.replace(" FOR UPDATE", "").replace(" SKIP LOCKED", "")
    );
    let rows = store
        .read(move |tx| {
            let explained = explained.clone();
            Box::pin(async move {
                let used = |place: &usize| explained.contains(&format!("${place}"));
                let params = vec![Value::Int(1); (1..10).filter(used).count()];
                tx.all::<(i64, i64, i64, String)>(&explained, &params).await
            })
        })
        .await
        .unwrap();
    rows.into_iter().map(|(.., step)| step).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn every_read_of_the_outbox_is_a_search_of_its_own_index() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = Location::Sqlite(directory.path().join("store.db"));
    let store = Store::open(location, clock, ids).await.unwrap();
    for (sql, index) in [
        (claim::NEXT_DUE, "destination_by_due"),
        (claim::NEXT_LOOK, "destination_by_look"),
        (claim::DUE, "destination_by_due"),
        (claim::LOOKS_OVER, "destination_by_look"),
        (claim::sendable_sql(), "webhook_due"),
        (claim::NEXT_SENDABLE, "webhook_due"),
        (claim::LEASES, "webhook_due"),
        (queue::LAST, "webhook_seq_once"),
        (queue::FIRST_PENDING, "webhook_waiting"),
    ] {
        let plan = plan(&store, sql).await;
        assert!(
            plan.contains(&format!("INDEX {index} ")) || plan.ends_with(&format!("INDEX {index}")),
            "{sql}: {plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        assert!(!plan.contains("; "), "{sql}: {plan}");
    }
    store.close().await;
}
