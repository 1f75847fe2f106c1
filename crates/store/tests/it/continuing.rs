//! Ids and business time continue from those of earlier processes, even if the machine's clock was
//! set back meanwhile, and even if the newest rows do not show how far they came.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{
    CardProfile, Clock, EnterpriseId, IdGenerator, ProfileId, SystemTime, TimeSource, Timestamp,
};
use store::{Holder, Location, Store};
use testkit::database::Database;
use tokio::sync::watch;

use crate::both_engines;
use crate::samples::{found, profile};

const WAIT: Duration = Duration::from_secs(60);

/// A machine whose clock is an hour ahead.
struct Ahead;

impl TimeSource for Ahead {
    fn real_now(&self) -> Timestamp {
        SystemTime.real_now().plus_seconds(3_600)
    }

    fn elapsed(&self) -> Duration {
        SystemTime.elapsed()
    }
}

/// Opens the store on such a machine.
pub async fn open_ahead(database: &Database) -> Store {
    let clock = Clock::new(Arc::new(Ahead), 0);
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = match database {
        Database::Embedded(directory) => Location::Sqlite(directory.path().join("store.db")),
        Database::Server { .. } => Location::Postgres(database.url().into()),
    };
    Store::open(location, clock, ids).await.unwrap()
}

both_engines!(what_no_row_tells_is_saved_at_the_end, |_store, database| {
    let ahead = open_ahead(database).await;
    let (id, then) = (ahead.ids().next(), ahead.clock().now());
    ahead.close().await;

    let later = database.open().await;
    assert!(later.ids().next() > id);
    later.continue_business_time().await.unwrap();
    assert!(later.clock().now() >= then);
    later.close().await;
});

both_engines!(what_no_row_tells_is_saved_while_a_process_runs, |_store, database| {
    let ahead = open_ahead(database).await;
    let (stop, stopped) = watch::channel(false);
    let running = ahead.clone();
    let keeping = tokio::spawn(async move { running.keep_progress(stopped).await });
    // Drawn again and again: ids drawn before the first look do not count as a change.
    let began = Instant::now();
    let mut first = None;
    let (id, then) = loop {
        let reached = (ahead.ids().next(), ahead.clock().now());
        let first = *first.get_or_insert(reached);
        let saved = ahead.setting("highest_id").await.unwrap();
        if saved.is_some_and(|it| i64::from_be_bytes(it.try_into().unwrap()) >= first.0) {
            break first;
        }
        assert!(began.elapsed() < WAIT, "nothing is saved");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    stop.send_replace(true);
    keeping.await.unwrap();

    // As after a kill: nobody closed the store.
    let later = database.open().await;
    assert!(later.ids().next() > id);
    later.continue_business_time().await.unwrap();
    assert!(later.clock().now() >= then);
    later.close().await;
});

both_engines!(ids_that_stand_with_their_enterprise_are_found, |store, database| {
    let enterprise_id = EnterpriseId::from_i64(store.ids().next());
    found(&store, enterprise_id, None).await;
    let ahead = open_ahead(database).await;
    let profile_id = ProfileId::from_i64(ahead.ids().next());
    let made = CardProfile { enterprise_id, profile_id, ..profile() };
    ahead.create_profile(made).await.unwrap();

    // As after a kill: nothing was saved.
    let later = database.open().await;
    assert!(later.ids().next() > profile_id.as_i64());
    later.close().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_go_on_from_what_the_last_holder_of_a_number_stored() {
    let database = Database::on_server().await;
    // Opened while another process has the number and goes on meanwhile.
    let successor = database.open().await;
    let ahead = open_ahead(&database).await;
    let holder = |identity: &str| Holder { name: "one".to_owned(), identity: identity.to_owned() };
    ahead.take_number(&holder("a")).await.unwrap();
    let enterprise_id = EnterpriseId::from_i64(ahead.ids().next());
    found(&ahead, enterprise_id, None).await;
    ahead.close().await;

    successor.take_number(&holder("b")).await.unwrap();
    assert!(successor.ids().next() > enterprise_id.as_i64());
    successor.close().await;
    database.drop().await;
}
