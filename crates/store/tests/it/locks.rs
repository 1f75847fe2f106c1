//! Rows that another session holds, transactions that cannot be serialised, and servers that
//! take no writes.

use std::time::{Duration, Instant};

use domain::{Currency, EnterpriseId, ResponseCode, VmFunding};
use store::{
    BeginAuthorisation, BeginOutcome, DecideOutcome, MoneyError, Store, StoreError, VmCardOperation,
};
use testkit::database::Database;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::money::{ENTERPRISE, NOW, assert_ledger, balances, decision, fund, purchase, usd};
use crate::vm_cards;

const OTHER: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_077);
/// Shorter than any wait for a lock of a session that nobody ends, but long for a busy machine.
const DEADLINE: Duration = Duration::from_secs(8);
/// The longest wait for a change that happens by itself.
const WAIT: Duration = Duration::from_secs(60);

fn purchase_of_other(store: &Store) -> BeginAuthorisation {
    let mut request = purchase(store.ids(), usd(1), None);
    request.authorisation.enterprise_id = OTHER;
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_another_session_holds_keeps_only_its_own_money_waiting() {
    let database = Database::on_server().await;
    let store = database.open().await;
    fund(&store, 10_000).await;
    store.deposit(OTHER, usd(10_000), "start".to_owned(), NOW).await.unwrap();
    let begun = store.begin_authorisation(purchase(store.ids(), usd(7), None)).await.unwrap();
    let BeginOutcome::Held(held) = begun else { panic!("not held") };

    let session = database.connect().await;
    let of = format!("ledger_account WHERE enterprise_id = {}", ENTERPRISE.as_i64());
    session.batch_execute(&format!("BEGIN; SELECT 1 FROM {of} FOR UPDATE")).await.unwrap();
    let waiting = store.clone();
    let approval = decision(held.auth_id, ResponseCode::Approved);
    let deciding = tokio::spawn(async move { waiting.decide_authorisation(approval).await });
    let mut refused = JoinSet::new();
    for _ in 0..8 {
        let waiting = store.clone();
        let request = purchase(store.ids(), usd(1), None);
        refused.spawn(async move { waiting.begin_authorisation(request).await });
    }
    for round in 0..5 {
        let mut others = JoinSet::new();
        for _ in 0..10 {
            let (store, request) = (store.clone(), purchase_of_other(&store));
            others
                .spawn(async move { timeout(DEADLINE, store.begin_authorisation(request)).await });
        }
        for outcome in others.join_all().await {
            let outcome = outcome.expect("decided within the deadline").unwrap();
            assert!(matches!(outcome, BeginOutcome::Held(_)), "round {round}: {outcome:?}");
        }
    }
    // Purchases that wait are refused in time; a command with more patience waits on, and succeeds.
    for outcome in timeout(DEADLINE, refused.join_all()).await.expect("refused in time") {
        assert!(matches!(outcome, Err(MoneyError::Store(StoreError::Locked(_)))), "{outcome:?}");
    }
    assert!(!deciding.is_finished());
    session.batch_execute("ROLLBACK").await.unwrap();
    let decided = deciding.await.unwrap().unwrap();
    assert!(matches!(decided, DecideOutcome::Decided(_)), "{decided:?}");

    assert_eq!(balances(&store).await, (9_993, 7, 0));
    let other = store.account(OTHER, Currency::USD).await.unwrap().unwrap();
    assert_eq!((other.available_minor, other.held_minor), (9_950, 50));
    // Then the account can be used like any other.
    let begun = store.begin_authorisation(purchase(store.ids(), usd(1), None)).await.unwrap();
    assert!(matches!(begun, BeginOutcome::Held(_)));
    assert_ledger(&store).await;
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_that_cannot_be_serialised_are_tried_again_as_a_whole() {
    const PURCHASES: i64 = 60;
    for isolation in ["repeatable read", "serializable"] {
        let database = Database::on_server().await;
        database.set("default_transaction_isolation", &format!("'{isolation}'")).await;
        let stores = [database.open_as(1).await, database.open_as(2).await];
        fund(&stores[0], 10_000).await;
        for _ in 0..PURCHASES / 2 {
            let purchases = stores.each_ref().map(|store| {
                let store = store.clone();
                tokio::spawn(async move {
                    let request = purchase(store.ids(), usd(1), None);
                    store.begin_authorisation(request).await
                })
            });
            for purchase in purchases {
                let outcome = purchase.await.unwrap();
                assert!(matches!(outcome, Ok(BeginOutcome::Held(_))), "{isolation}: {outcome:?}");
            }
        }
        assert_eq!(balances(&stores[0]).await, (10_000 - PURCHASES, PURCHASES, 0));
        assert_ledger(&stores[0]).await;
        for store in stores {
            store.close().await;
        }
        database.drop().await;
    }
}

async fn until_ready(store: &Store, is_ready: bool) {
    let began = Instant::now();
    while store.check_ready().await.is_ok() != is_ready {
        assert!(began.elapsed() < WAIT, "readiness stays {}", !is_ready);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_a_server_that_takes_no_writes_is_not_ready_and_heals() {
    let database = Database::on_server().await;
    let store = database.open().await;
    fund(&store, 100).await;
    until_ready(&store, true).await;
    database.set("default_transaction_read_only", "on").await;
    // As a switch to another server would: every connection is a new one.
    database.end_connections().await;
    until_ready(&store, false).await;
    assert!(store.begin_authorisation(purchase(store.ids(), usd(1), None)).await.is_err());
    // The switch back ends no connection; those found to be read-only are given up.
    database.set("default_transaction_read_only", "off").await;
    until_ready(&store, true).await;
    let began = Instant::now();
    loop {
        let begun = store.begin_authorisation(purchase(store.ids(), usd(1), None)).await;
        match begun {
            Ok(_) => break,
            Err(error) => assert!(began.elapsed() < WAIT, "{error}"),
        }
    }
    assert_eq!(balances(&store).await, (99, 1, 0));
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_store_that_cannot_write_is_not_ready_and_heals() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let database = Database::Embedded(directory);
    let store = database.open().await;
    until_ready(&store, true).await;
    let session = rusqlite::Connection::open(path).unwrap();
    session.execute_batch("BEGIN IMMEDIATE").unwrap();
    until_ready(&store, false).await;
    session.execute_batch("ROLLBACK").unwrap();
    until_ready(&store, true).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn locked_money_of_cards_leaves_connections_to_everybody_else() {
    let database = Database::on_server().await;
    let store = database.open().await;
    vm_cards::prepare(&store, 10_000).await;
    let opening = vm_cards::opening(&store, 1, VmFunding::Prepaid, 2_000);
    store.open_vm_card(opening).await.unwrap();
    let session = database.connect().await;
    session.batch_execute("BEGIN; SELECT 1 FROM ledger_account FOR UPDATE").await.unwrap();
    let mut recharges = JoinSet::new();
    for _ in 0..48 {
        let store = store.clone();
        recharges.spawn(async move {
            vm_cards::operation(&store, 1, VmCardOperation::Recharge(usd(1_000))).await
        });
    }
    let waiting = "SELECT COUNT(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
        WHERE NOT granted AND datname = current_database()";
    let looking = database.connect().await;
    let began = Instant::now();
    while looking.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) < 2 {
        assert!(began.elapsed() < WAIT, "none waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Far more callers than connections, and these are served at once.
    for number in 0..20_u8 {
        let served = timeout(DEADLINE, store.put_setting("example", &[number])).await;
        served.expect("served while money waits").unwrap();
    }
    while let Some(refused) = timeout(WAIT, recharges.join_next()).await.expect("refused in time") {
        refused.unwrap().unwrap_err();
    }
    session.batch_execute("ROLLBACK").await.unwrap();
    vm_cards::operation(&store, 1, VmCardOperation::Recharge(usd(1_000))).await.unwrap();
    assert_eq!(vm_cards::card_minor(&store, 1).await, 3_000);
    assert_ledger(&store).await;
    store.close().await;
    database.drop().await;
}
