//! Settings, the clock's offset, rates, and the memory of requests.

use std::time::Duration;

use domain::{BusinessDay, Currency, FxRate};
use store::{ServedRequest, Store};
use testkit::database::Database;

use crate::both_engines;
use crate::continuing::open_ahead;

both_engines!(a_setting_keeps_its_last_value, |store| {
    assert_eq!(store.setting("check").await.unwrap(), None);
    store.put_setting("check", &[0, 255]).await.unwrap();
    store.put_setting("check", &[7]).await.unwrap();
    assert_eq!(store.setting("check").await.unwrap(), Some(vec![7]));
});

both_engines!(the_clocks_offset_never_goes_back, |store| {
    assert_eq!(store.clock_offset_us().await.unwrap(), 0);
    for (saved, kept) in [(5, 5), (3, 5), (-1, 5), (256, 256), (255, 256), (1 << 40, 1 << 40)] {
        store.save_clock_offset_us(saved).await.unwrap();
        assert_eq!(store.clock_offset_us().await.unwrap(), kept, "after {saved}");
    }
});

both_engines!(business_time_reaches_another_day_only_when_nothing_is_under_way, |store| {
    let clock = store.clock().clone();
    let next = BusinessDay::of(clock.now()).end();
    let under_way = store.open_day().await;
    // Within the day nothing waits; near its end there is no moment left to move to.
    let soon = clock.now().plus_millis(1);
    if soon < next {
        store.move_clock(soon).await.unwrap();
        assert!(clock.now() >= soon);
    }
    let moving = store.clone();
    let moved = tokio::spawn(async move { moving.move_clock(next.plus_seconds(3_600)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!moved.is_finished() && clock.now() < next.plus_seconds(60));
    drop(under_way);
    moved.await.unwrap().unwrap();
    assert!(clock.now() >= next.plus_seconds(3_600));
    assert_eq!(store.clock_offset_us().await.unwrap(), clock.offset_us());
});

both_engines!(rates_are_replaced_as_a_whole, |store| {
    let jpy = Currency::parse("JPY").unwrap();
    let rate = |from, to, rate: &str| FxRate { from, to, rate: rate.parse().unwrap() };
    let first = [rate(Currency::USD, Currency::SGD, "1.3225"), rate(jpy, Currency::USD, "0.0067")];
    store.replace_fx_rates(first.to_vec()).await.unwrap();
    let second = vec![
        rate(Currency::USD, Currency::SGD, "1.30"),
        rate(Currency::USD, Currency::SGD, "1.31"),
    ];
    store.replace_fx_rates(second).await.unwrap();
    let rates = store.fx_table().await.unwrap().rates();
    assert_eq!(rates, [rate(Currency::USD, Currency::SGD, "1.31")]);
    let one = store.fx_rate(Currency::USD, Currency::SGD).await.unwrap().rates();
    assert_eq!(one, rates);
    assert!(store.fx_rate(Currency::SGD, Currency::USD).await.unwrap().rates().is_empty());
});

/// A request of this moment.
fn request(store: &Store, number: u8) -> ServedRequest {
    let signed_at = store.clock().real_now();
    let window_ends = signed_at.plus_seconds(5);
    ServedRequest { digest: [number; 32], signed_at, window_ends }
}

both_engines!(a_request_is_remembered_until_its_window_is_over, |store| {
    let signed = request(&store, 1);
    assert!(store.remember_request(signed).await.unwrap());
    assert!(!store.remember_request(signed).await.unwrap());
    // A request whose window is over by one clock may still be open by another.
    let over = signed.signed_at.plus_seconds(-20);
    let over = ServedRequest { digest: [2; 32], signed_at: over, window_ends: over };
    assert!(store.remember_request(over).await.unwrap());
    assert!(store.remember_request(request(&store, 3)).await.unwrap());
    assert!(!store.remember_request(over).await.unwrap());
});

both_engines!(what_is_remembered_of_others_costs_a_request_nothing, |store, database| {
    const OTHERS: u8 = 200;
    let before = database.rows_read("request_memory").await;
    for number in 10..10 + OTHERS {
        assert!(store.remember_request(request(&store, number)).await.unwrap());
    }
    store.close().await;
    // The server counts late, but publishes all counts of a connection at once.
    let began = std::time::Instant::now();
    while database.rows_written("request_memory").await < i64::from(OTHERS) {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "it counts nothing");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // A scan of the others would read a hundred on average for each request.
    let read = database.rows_read("request_memory").await - before;
    assert!(read < 10 * i64::from(OTHERS), "{read} rows were read");
});

both_engines!(a_later_store_knows_the_requests_of_an_earlier_one, |store, database| {
    let signed = request(&store, 1);
    let later = signed.signed_at.plus_seconds(4);
    let ahead = ServedRequest { digest: [2; 32], signed_at: later, window_ends: later };
    assert!(store.remember_request(signed).await.unwrap());
    assert!(store.remember_request(ahead).await.unwrap());
    assert!(!store.may_have_forgotten(signed.signed_at.plus_seconds(-60)));
    store.close().await;
    let store = database.open().await;
    assert!(!store.remember_request(signed).await.unwrap());
    assert!(!store.remember_request(ahead).await.unwrap());
    // So no request is refused for being dated before the start.
    assert!(!store.may_have_forgotten(signed.signed_at));
    store.close().await;
});

#[tokio::test]
async fn what_was_signed_before_a_start_that_remembers_nothing_may_have_been_served() {
    let database = Database::embedded();
    let store = database.open().await;
    let signed = request(&store, 1);
    assert!(store.remember_request(signed).await.unwrap());
    let Database::Embedded(directory) = &database else { unreachable!() };
    store.close().await;
    std::fs::remove_file(directory.path().join("store.db-requests")).unwrap();

    let store = database.open().await;
    assert!(store.may_have_forgotten(signed.signed_at));
    assert!(!store.may_have_forgotten(store.clock().real_now().plus_seconds(1)));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_clock_is_ahead_makes_no_other_forget() {
    let database = Database::on_server().await;
    let store = database.open().await;
    let signed = request(&store, 1);
    assert!(store.remember_request(signed).await.unwrap());
    let ahead = open_ahead(&database).await;
    for number in 10..20 {
        assert!(ahead.remember_request(request(&ahead, number)).await.unwrap());
    }
    assert!(!store.remember_request(signed).await.unwrap());
    ahead.close().await;
    store.close().await;
    database.drop().await;
}

both_engines!(of_two_equal_requests_at_once_one_is_new, |store| {
    let signed = request(&store, 3);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.remember_request(signed).await.unwrap() })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += usize::from(task.await.unwrap());
    }
    assert_eq!(new, 1);
});

both_engines!(a_claimed_setting_keeps_its_first_value_for_all, |store| {
    let claims = (0_u8..8).map(|value| {
        let store = store.clone();
        tokio::spawn(async move { store.claim_setting("mode", &[value]).await.unwrap() })
    });
    let mut seen = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        seen.push(claim.await.unwrap());
    }
    let stored = store.setting("mode").await.unwrap().unwrap();
    assert!(seen.iter().all(|value| *value == stored), "{seen:?}");
});
