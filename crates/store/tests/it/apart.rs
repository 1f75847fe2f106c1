//! What stands apart from the rows of authorisations: receipts, and which of them are open.

use domain::{AuthId, ResponseCode, Timestamp};
use store::{ClearAuthorisation, DecideOutcome, Store};
use testkit::database::Database;

use crate::both_engines;
use crate::money::{approved, decision, fund, purchase, usd};
use crate::samples::{ENTERPRISE, NOW};

const FIRST: AuthId = AuthId::from_i64(0);
/// No ids.
const NONE: [i64; 0] = [];
const LAST: AuthId = AuthId::from_i64(i64::MAX);

async fn clear(store: &Store, auth_id: AuthId) {
    let request =
        ClearAuthorisation { auth_id, acquirer_amount_minor: None, is_final: true, webhooks: None };
    store.clear_authorisation(request).await.unwrap();
}

async fn receipt(store: &Store, auth_id: AuthId) -> String {
    store.authorisation_view(auth_id).await.unwrap().unwrap().receipt
}

async fn undecided(store: &Store) -> Vec<AuthId> {
    store.undecided_authorisations(FIRST, LAST, 10).await.unwrap()
}

async fn expired(store: &Store, now: Timestamp) -> Vec<AuthId> {
    let expired = store.expired_holds(now, 10).await.unwrap();
    expired.into_iter().map(|it| it.unwrap().auth_id).collect()
}

both_engines!(a_receipt_stands_apart_once_and_packed, |store, database| {
    fund(&store, 10_000).await;
    let begun = purchase(store.ids(), usd(5), None);
    let auth_id = begun.authorisation.auth_id;
    store.begin_authorisation(begun).await.unwrap();
    let so_far = receipt(&store, auth_id).await;
    assert_eq!(so_far, "{}");
    assert_eq!(database.ids("SELECT auth_id FROM receipt").await, NONE);
    store.decide_authorisation(decision(auth_id, ResponseCode::Approved)).await.unwrap();
    assert_eq!(receipt(&store, auth_id).await, "{\"decided\":true}");
    store.record_late_answer(ENTERPRISE, auth_id, "{}".to_owned()).await.unwrap();
    clear(&store, auth_id).await;
    assert_eq!(receipt(&store, auth_id).await, "{\"decided\":true}");
    assert_eq!(database.ids("SELECT auth_id FROM receipt").await, [auth_id.as_i64()]);
    let elsewhere = "SELECT auth_id FROM undecided UNION SELECT auth_id FROM open_hold \
        UNION SELECT auth_id FROM authorisation WHERE receipt <> ''";
    assert_eq!(database.ids(elsewhere).await, NONE);
});

// A binary of the version before writes receipts into rows, and knows no other table.
both_engines!(what_an_older_binary_writes_is_found, |store, database| {
    fund(&store, 10_000).await;
    let closed = approved(&store, usd(1)).await.auth_id;
    clear(&store, closed).await;
    let open = approved(&store, usd(2)).await;
    let begun = purchase(store.ids(), usd(3), None);
    let pending = begun.authorisation.auth_id;
    store.begin_authorisation(begun).await.unwrap();
    for sql in [
        "UPDATE authorisation SET by_older = 1, receipt = '{\"older\":true}'",
        "DELETE FROM receipt",
        "DELETE FROM undecided",
        "DELETE FROM open_hold",
    ] {
        database.tamper(sql).await;
    }
    assert_eq!(undecided(&store).await, [pending]);
    assert_eq!(store.adopt_older().await.unwrap(), 2);
    assert_eq!(store.adopt_older().await.unwrap(), 0);
    assert_eq!(store.next_hold_expiry().await.unwrap(), open.hold_expires_at);
    assert_eq!(expired(&store, open.hold_expires_at.unwrap()).await, [open.auth_id]);
    let outcome = store.decide_authorisation(decision(pending, ResponseCode::Approved)).await;
    assert!(matches!(outcome.unwrap(), DecideOutcome::Decided(_)));
    assert_eq!(undecided(&store).await, []);
    assert_eq!(receipt(&store, pending).await, "{\"decided\":true}");
    assert_eq!(receipt(&store, open.auth_id).await, "{\"older\":true}");
    assert_eq!(store.adopt_older().await.unwrap(), 1);
    assert_eq!(database.ids("SELECT auth_id FROM open_hold").await.len(), 2);
    assert!(store.verify_ledger().await.unwrap().violations.is_empty());
});

both_engines!(what_an_older_binary_ends_is_ended, |store, database| {
    fund(&store, 10_000).await;
    let cleared = approved(&store, usd(1)).await;
    let later = approved(&store, usd(2)).await;
    let begun = purchase(store.ids(), usd(3), None);
    let declined = begun.authorisation.auth_id;
    store.begin_authorisation(begun).await.unwrap();
    let due = cleared.hold_expires_at.unwrap();
    let set = |change: &str, auth_id: AuthId| {
        format!("UPDATE authorisation SET {change} WHERE auth_id = {auth_id}")
    };
    database.tamper(&set("hold_state = 'POSTED'", cleared.auth_id)).await;
    database.tamper(&set("hold_expires_at = hold_expires_at + 5", later.auth_id)).await;
    database.tamper(&set("status = 'DECLINED'", declined)).await;
    assert_eq!(expired(&store, due).await, []);
    let due = later.hold_expires_at.unwrap().as_micros() + 5;
    assert_eq!(store.next_hold_expiry().await.unwrap(), Some(Timestamp::from_micros(due)));
    assert_eq!(store.adopt_older().await.unwrap(), 0);
    assert_eq!(undecided(&store).await, []);
});

both_engines!(a_postponed_hold_is_due_later, |store| {
    fund(&store, 10_000).await;
    let open = approved(&store, usd(1)).await;
    let again = NOW.plus_seconds(1_000_000_000);
    store.postpone_expiry(ENTERPRISE, open.auth_id, again).await.unwrap();
    assert_eq!(store.next_hold_expiry().await.unwrap(), Some(again));
    assert_eq!(expired(&store, again.plus_millis(-1)).await, []);
    assert_eq!(expired(&store, again).await, [open.auth_id]);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_of_an_authorisation_touches_an_index() {
    const PURCHASES: i64 = 100;
    let database = Database::on_server().await;
    let store = database.open().await;
    fund(&store, 100_000).await;
    for _ in 0..PURCHASES {
        let auth_id = approved(&store, usd(1)).await.auth_id;
        clear(&store, auth_id).await;
    }
    // The server counts what a session did when that ends.
    store.close().await;
    let sql = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables \
        WHERE relname = 'authorisation'";
    let client = database.connect().await;
    let mut counted = (0, 0);
    for _ in 0..600 {
        let row = client.query_one(sql, &[]).await.unwrap();
        counted = (row.get(0), row.get(1));
        if counted.0 >= 2 * PURCHASES {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let (changes, hot) = counted;
    assert_eq!(changes, 2 * PURCHASES);
    // A page that is full at the wrong moment sends one to another page.
    assert!(hot * 100 >= changes * 98, "{hot} of {changes}");
    drop(client);
    database.drop().await;
}
