//! A write that was begun under a lease which has run out since is not committed: by then another
//! process may have the number and draw the same ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{AuthorisationStatus, Clock, IdGenerator, ResponseCode, TimeSource, Timestamp};
use store::{BeginOutcome, Holder, Location, MoneyError, Store, StoreError};
use testkit::database::Database;

use crate::money::{ENTERPRISE, decision, fund, purchase, usd};

/// Longer than a lease that was not renewed is trusted.
const LEASE_LOST_S: u64 = 13;
const WAIT: Duration = Duration::from_secs(60);

/// The machine's clock, whose elapsed time can be moved forward.
#[derive(Default)]
struct Passing {
    seconds: AtomicU64,
    /// How far its wall clock is ahead.
    ahead_ms: AtomicI64,
}

impl TimeSource for Passing {
    fn real_now(&self) -> Timestamp {
        domain::SystemTime.real_now().plus_millis(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        let passed = Duration::from_secs(self.seconds.load(Ordering::SeqCst));
        domain::SystemTime.elapsed() + passed
    }
}

/// Waits until so many sessions wait for a lock.
async fn until_waiting(session: &tokio_postgres::Client, count: i64) {
    let sql = "SELECT COUNT(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid) \
        WHERE NOT granted AND datname = current_database()";
    let began = Instant::now();
    while session.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) < count {
        assert!(began.elapsed() < WAIT, "nothing waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_committed_once_the_node_numbers_lease_is_not_trusted() {
    let database = Database::on_server().await;
    let source = Arc::new(Passing::default());
    let clock = Clock::new(Arc::clone(&source) as Arc<dyn TimeSource>, 0);
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let store = Store::open(Location::Postgres(database.url().into()), clock, ids).await.unwrap();
    fund(&store, 1_000).await;
    let holder = Holder { name: "this one".to_owned(), identity: "a".to_owned() };
    store.take_number(&holder).await.unwrap();

    store.put_setting("example", b"early").await.unwrap();
    let begun = store.begin_authorisation(purchase(store.ids(), usd(7), None)).await.unwrap();
    let BeginOutcome::Held(held) = begun else { panic!("not held") };

    let (rows, lease) = (database.connect().await, database.connect().await);
    let account = format!("ledger_account WHERE enterprise_id = {}", ENTERPRISE.as_i64());
    for table in [account.as_str(), "setting"] {
        rows.batch_execute(&format!("BEGIN; SELECT 1 FROM {table} FOR UPDATE")).await.unwrap();
    }
    let (deciding, setting) = (store.clone(), store.clone());
    let approval = decision(held.auth_id, ResponseCode::Approved);
    let decided = tokio::spawn(async move { deciding.decide_authorisation(approval).await });
    let set = tokio::spawn(async move { setting.put_setting("example", b"late").await });
    until_waiting(&rows, 2).await;
    // No renewal comes between the loss of the lease and the writes.
    lease.batch_execute("BEGIN; SELECT 1 FROM process FOR UPDATE").await.unwrap();
    source.seconds.store(LEASE_LOST_S, Ordering::SeqCst);
    rows.batch_execute("ROLLBACK").await.unwrap();
    let (decided, set) = (decided.await.unwrap(), set.await.unwrap());
    let said = "node number 1 may no longer be used";
    let is_lost =
        |error: &StoreError| matches!(error, StoreError::Away(text) if text.contains(said));
    assert!(matches!(&decided, Err(MoneyError::Store(error)) if is_lost(error)), "{decided:?}");
    assert!(set.as_ref().is_err_and(is_lost), "{set:?}");

    let successor = database.open_as(2).await;
    let view = successor.authorisation_view(held.auth_id).await.unwrap().unwrap();
    assert_eq!(view.authorisation.status, AuthorisationStatus::Pending);
    assert_eq!(successor.setting("example").await.unwrap(), Some(b"early".to_vec()));
    successor.close().await;
    lease.batch_execute("ROLLBACK").await.unwrap();
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_far_from_the_servers_makes_a_process_not_ready() {
    let database = Database::on_server().await;
    let source = Arc::new(Passing::default());
    let clock = Clock::new(Arc::clone(&source) as Arc<dyn TimeSource>, 0);
    let ids = Arc::new(IdGenerator::new(clock.clone(), 0));
    let store = Store::open(Location::Postgres(database.url().into()), clock, ids).await.unwrap();
    let holder = Holder { name: "this one".to_owned(), identity: "a".to_owned() };
    store.take_any_number(&holder).await.unwrap();
    let until = async |is_ready: bool| {
        let began = Instant::now();
        loop {
            let ready = store.check_ready().await;
            if ready.is_ok() == is_ready {
                return ready;
            }
            assert!(began.elapsed() < WAIT, "{ready:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    until(true).await.unwrap();
    for ahead_ms in [-2_000, 2_000] {
        source.ahead_ms.store(ahead_ms, Ordering::SeqCst);
        let refused = until(false).await.unwrap_err().to_string();
        assert!(refused.contains("set it"), "{refused}");
        source.ahead_ms.store(0, Ordering::SeqCst);
        until(true).await.unwrap();
    }
    store.close().await;
    database.drop().await;
}
