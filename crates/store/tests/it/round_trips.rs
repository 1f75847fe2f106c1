//! What a group of money commands costs in round trips to the server, by a line that counts them.

use std::time::Duration;

use domain::ResponseCode;
use futures_util::future::join_all;
use store::{BeginOutcome, Store};
use testkit::counting_line::CountingLine;
use testkit::database::Database;

use crate::money::{decision, fund, purchase, usd};
use crate::samples::{ENTERPRISE, tell};

/// Long enough for all callers to ask while the first group is under way.
const ONE_WAY: Duration = Duration::from_millis(100);
const CALLERS: usize = 120;
/// The bound of decision 020.
const BOUND: usize = 6;

async fn begin(store: &Store) -> domain::AuthId {
    let begun = store.begin_authorisation(purchase(store.ids(), usd(1), None)).await.unwrap();
    let BeginOutcome::Held(held) = begun else { panic!("not held") };
    held.auth_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_takes_six_round_trips_at_most_whatever_its_size() {
    let database = Database::on_server().await;
    let line = CountingLine::before(database.server_address(), ONE_WAY).await;
    let store = database.open_through(line.address).await;
    fund(&store, 1_000_000).await;
    // The connection plans its statements once.
    for size in [1, 2, 4, 8, 16, 32, 32] {
        let begun = join_all((0..size).map(|_| begin(&store))).await;
        let decided = begun.into_iter().map(|auth_id| decision(auth_id, ResponseCode::Approved));
        for decided in join_all(decided.map(|it| store.decide_authorisation(it))).await {
            decided.unwrap();
        }
    }

    let began = line.round_trips();
    let one = begin(&store).await;
    let begun = line.round_trips() - began;
    store.decide_authorisation(decision(one, ResponseCode::Approved)).await.unwrap();
    let decided = line.round_trips() - began - begun;
    eprintln!("a group of one: {begun} round trips to begin, {decided} to decide");
    assert!(begun <= BOUND && decided <= BOUND);

    // The first caller's group is alone; all others make the second.
    let began = line.round_trips();
    let many = join_all((0..CALLERS).map(|_| begin(&store))).await;
    let begun = line.round_trips() - began;
    let decisions = many.into_iter().map(|auth_id| decision(auth_id, ResponseCode::Approved));
    let began = line.round_trips();
    for decided in join_all(decisions.map(|it| store.decide_authorisation(it))).await {
        decided.unwrap();
    }
    let decided = line.round_trips() - began;
    eprintln!("two groups of {CALLERS}: {begun} round trips to begin, {decided} to decide");
    assert!(begun <= 2 * BOUND && decided <= 2 * BOUND);
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_of_events_take_two_round_trips_however_many_there_are() {
    let database = Database::on_server().await;
    let line = CountingLine::before(database.server_address(), Duration::from_millis(5)).await;
    let store = database.open_through(line.address).await;
    let mut counts = Vec::new();
    for events in [1, 40, 1, 40, 1, 40, 1, 40] {
        for object in 0..events {
            tell(&store, ENTERPRISE, object).await;
        }
        let began = line.round_trips();
        let numbered = store.number_events().await.unwrap();
        counts.push(line.round_trips() - began);
        assert_eq!(numbered.events, usize::try_from(events).unwrap());
    }
    let began = line.round_trips();
    assert_eq!(store.number_events().await.unwrap().events, 0);
    let idle = line.round_trips() - began;
    eprintln!("numbers: {counts:?} round trips, {idle} if there are none");
    // A new connection plans its statements.
    assert!(counts.iter().min().is_some_and(|least| *least <= 2) && idle <= 1);
    store.close().await;
    database.drop().await;
}
