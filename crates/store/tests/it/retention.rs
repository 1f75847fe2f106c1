//! Authorisations at rest are exported and deleted, and every balance can still be derived.

use domain::{AuthId, BusinessDay, ResponseCode, Timestamp, WebhookId};
use store::{ClearAuthorisation, ExportState, ExportedFile, Forgotten, Store};

use crate::both_engines;
use crate::money::{approved, assert_ledger, balances, decision, fund, purchase, usd};
use crate::samples::{ENTERPRISE, NOW};

/// Long after everything that tests do.
const LATER: Timestamp = Timestamp::from_micros(4_000_000_000_000_000);

fn file() -> ExportedFile {
    ExportedFile {
        month: BusinessDay::from_i64(20_000),
        part: 1,
        sha256: [7; 32],
        size_bytes: 8,
        authorisations: 9,
        state: ExportState::Written,
    }
}

async fn clear(store: &Store, auth_id: AuthId) {
    let request =
        ClearAuthorisation { auth_id, acquirer_amount_minor: None, is_final: true, webhooks: None };
    store.clear_authorisation(request).await.unwrap();
}

async fn at_rest(store: &Store, before: Timestamp) -> Vec<(AuthId, [u8; 32])> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.at_rest(ENTERPRISE, before, after).await.unwrap();
        found.extend(page.found.iter().map(|it| (it.auth_id, it.digest())));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

async fn forget(store: &Store, exported: Vec<(AuthId, [u8; 32])>, before: Timestamp) -> usize {
    let forgotten = Forgotten { enterprise_id: ENTERPRISE, exported, before };
    store.forget(forgotten).await.unwrap()
}

/// Deletes everything that is at rest; returns how many authorisations that were.
pub async fn retire(store: &Store) -> usize {
    store.begin_forgetting(&file(), LATER).await.unwrap();
    let exported = at_rest(store, LATER).await;
    let count = exported.len();
    assert_eq!(forget(store, exported, LATER).await, count);
    count
}

// An export has the text of a webhook, wherever its row has it.
both_engines!(an_export_has_the_bodies_of_webhooks_unpacked, |store, database| {
    fund(&store, 10_000).await;
    let auth_id = approved(&store, usd(100)).await.auth_id;
    clear(&store, auth_id).await;
    database.tamper("UPDATE webhook SET status = 'DELIVERED'").await;
    let told = database.ids("SELECT webhook_id FROM webhook WHERE body IS NULL").await;
    let page = store.at_rest(ENTERPRISE, LATER, None).await.unwrap();
    let webhooks = page.found[0].tables.iter().find(|it| it.table == "webhook").unwrap();
    let body = webhooks.columns.iter().position(|column| *column == "body").unwrap();
    assert!(!told.is_empty());
    assert_eq!(webhooks.rows.len(), told.len());
    for (row, webhook_id) in webhooks.rows.iter().zip(told) {
        assert_eq!(row.len(), webhooks.columns.len());
        let view = store.delivery(WebhookId::from_i64(webhook_id)).await.unwrap().unwrap();
        assert_eq!(row[body], view.event.body.into());
    }
});

both_engines!(only_what_is_at_rest_is_forgotten, |store, database| {
    fund(&store, 10_000).await;
    let closed = approved(&store, usd(100)).await.auth_id;
    clear(&store, closed).await;
    let told = approved(&store, usd(50)).await.auth_id;
    clear(&store, told).await;
    let open = approved(&store, usd(200)).await.auth_id;
    let begun = purchase(store.ids(), usd(300), None);
    let pending = begun.authorisation.auth_id;
    store.begin_authorisation(begun).await.unwrap();
    let begun = purchase(store.ids(), usd(400), None);
    let declined = begun.authorisation.auth_id;
    store.begin_authorisation(begun).await.unwrap();
    store.decide_authorisation(decision(declined, ResponseCode::NoResponse)).await.unwrap();
    database.tamper("UPDATE webhook SET status = 'DELIVERED'").await;
    let waits = format!("UPDATE webhook SET status = 'PENDING' WHERE business_id = {told}");
    database.tamper(&waits).await;

    let ids = |found: &[(AuthId, [u8; 32])]| found.iter().map(|it| it.0).collect::<Vec<_>>();
    assert_eq!(ids(&at_rest(&store, NOW).await), []);
    let waiting = database.ids("SELECT business_id FROM webhook WHERE status = 'PENDING'").await;
    let found = at_rest(&store, LATER).await;
    let expected =
        if waiting.is_empty() { vec![closed, told, declined] } else { vec![closed, declined] };
    assert_eq!(ids(&found), expected);

    // Whatever changes after it was exported stays.
    store.record_late_answer(ENTERPRISE, declined, "{}".to_owned()).await.unwrap();
    let before = balances(&store).await;
    store.begin_forgetting(&file(), LATER).await.unwrap();
    assert_eq!(forget(&store, found.clone(), NOW).await, 0, "not at rest then");
    assert_eq!(forget(&store, found.clone(), LATER).await, expected.len() - 1);
    assert_eq!(forget(&store, found, LATER).await, 0, "once");
    assert_eq!(balances(&store).await, before);
    assert_eq!(store.retained_from().await.unwrap(), Some(LATER));
    assert!(store.authorisation_view(closed).await.unwrap().is_none());
    for kept in [open, pending, declined] {
        assert!(store.authorisation_view(kept).await.unwrap().is_some());
    }
    let theirs = |table: &str| format!("SELECT auth_id FROM {table} WHERE auth_id = {closed}");
    for table in ["ledger_transfer", "posting", "receipt", "network_message", "authorisation"] {
        assert_eq!(database.ids(&theirs(table)).await, [0_i64; 0], "{table}");
    }
    let report = store.verify_ledger().await.unwrap();
    assert_eq!(report.violations, []);
    assert!(report.carried_transfers >= 2);
    // What was carried forward counts.
    database.tamper("UPDATE carried_forward SET posted_minor = posted_minor + 1").await;
    assert!(!store.verify_ledger().await.unwrap().violations.is_empty());
    database.tamper("UPDATE carried_forward SET posted_minor = posted_minor - 1").await;

    // What is left goes on as before.
    clear(&store, open).await;
    store.decide_authorisation(decision(pending, ResponseCode::Approved)).await.unwrap();
    assert_ledger(&store).await;
});

both_engines!(a_file_goes_one_way, |store| {
    store.add_exported_file(file()).await.unwrap();
    store.drop_exported_file(&file()).await.unwrap();
    let month = file().month;
    assert_eq!(store.exported_files(month).await.unwrap(), []);
    store.add_exported_file(file()).await.unwrap();
    store.begin_forgetting(&file(), LATER).await.unwrap();
    // Some of its rows may be gone.
    store.drop_exported_file(&file()).await.unwrap();
    let state = async || store.exported_files(month).await.unwrap()[0].state;
    assert_eq!(state().await, ExportState::Deleting);
    store.end_exported_file(&file()).await.unwrap();
    store.begin_forgetting(&file(), NOW).await.unwrap();
    assert_eq!(state().await, ExportState::Deleted);
    assert_eq!(store.retained_from().await.unwrap(), Some(LATER), "it never goes back");
});
