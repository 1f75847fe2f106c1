//! A hold whose commit outlives its process.

use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use testkit::database::{END_HANG, HANG, HANGING_COMMITS};

use crate::crash::{authorisations, keyed};
use crate::engine::Engine;
use crate::server::http;
use crate::world::{WAIT, World, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_whose_commit_ends_after_the_next_start_is_declined_as_well() {
    let engine = Engine::postgres().await;
    let mut world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    engine.tamper(HANGING_COMMITS).await;
    let session = engine.connect().await;
    session.batch_execute(HANG).await.unwrap();
    let (operator, body) = (world.operator.clone(), keyed(&card_id, 1));
    let buying =
        tokio::spawn(async move { operator.post("/sandbox/v1/authorisations", &body).await });
    let hanging = "SELECT pid FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event = 'advisory'";
    while session.query(hanging, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The start looks for undecided authorisations, and then waits for the deposit's row.
    let waiting = "SELECT pid FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event = 'transactionid'";
    let releasing = tokio::spawn(async move {
        while session.query(waiting, &[]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        session.batch_execute(END_HANG).await.unwrap();
    });
    tokio::task::block_in_place(|| world.crash());
    assert!(buying.await.unwrap().is_err());
    releasing.await.unwrap();
    let began = Instant::now();
    loop {
        let stored = authorisations(&world.operator, &card_id).await;
        if stored.values().any(|it| it["status"] == "DECLINED") {
            break;
        }
        assert!(began.elapsed() < WAIT, "{stored:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        (world.available().await.as_str(), world.enterprise.notice_count()),
        ("100000.00", 0)
    );
    world.verify_ledger().await;
}

/// Nobody knows yet what came of the commit, so the network is to repeat its message: it is charged
/// for once at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_whose_commit_is_in_doubt_is_to_be_repeated() {
    let engine = Engine::postgres().await;
    let world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    engine.tamper(HANGING_COMMITS).await;
    let session = engine.connect().await;
    session.batch_execute(HANG).await.unwrap();
    let url = format!("{}/sandbox/v1/authorisations", text(&world.sandbox(), "admin_url"));
    let request = http().post(url).bearer_auth(text(&world.sandbox(), "admin_token"));
    let answer = request.json(&keyed(&card_id, 1)).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key(RETRY_AFTER));
    session.batch_execute(END_HANG).await.unwrap();
    let (began, path) = (Instant::now(), "/sandbox/v1/authorisations");
    let approved = loop {
        let again = world.operator.post(path, &keyed(&card_id, 1)).await;
        if let Ok(again) = again {
            break again["approved"] == true;
        }
        assert!(began.elapsed() < WAIT, "{again:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(authorisations(&world.operator, &card_id).await.len(), 1);
    assert_eq!(world.available().await, if approved { "99999.00" } else { "100000.00" });
    world.verify_ledger().await;
}
