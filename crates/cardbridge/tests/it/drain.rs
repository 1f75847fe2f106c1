//! A stop in two steps: first others are told to go elsewhere, then nothing more is taken.

use std::time::{Duration, Instant};

use sdk::Operator;

use crate::engine::Engine;
use crate::links::{Bed, ISO_LISTEN};
use crate::server::http;
use crate::world::{WAIT, purchase, text};

/// The longest that is permitted, in seconds, so that a slow machine looks meanwhile.
const DRAIN: [&str; 2] = ["--drain", "15"];
const LOOK: Duration = Duration::from_millis(20);

async fn drains(engine: Engine) {
    let mut bed = Bed::new(&engine, &[&ISO_LISTEN[..], &DRAIN].concat()).await;
    let mut peer = bed.signed_on().await;
    let admin_url = text(&bed.world.sandbox(), "admin_url");
    let ready = format!("{admin_url}/readyz");
    let client = http();
    bed.world.terminate();
    let began = Instant::now();
    loop {
        let answer = client.get(&ready).send().await.expect("requests are still taken");
        let (status, headers) = (answer.status(), answer.headers().clone());
        // On a busy machine the store may not answer in time.
        if answer.text().await.unwrap().contains("the process stops") {
            assert_eq!((status.as_u16(), &headers["connection"]), (503, &"close".parse().unwrap()));
            break;
        }
        assert!(began.elapsed() < WAIT, "it stays ready");
        tokio::time::sleep(LOOK).await;
    }
    // The link has stopped, and what comes over HTTP is carried out.
    assert!(peer.receive().await.is_none(), "the connection of the link ends");
    let token = text(&bed.world.sandbox(), "admin_token");
    let operator = Operator::new(&admin_url, &token).unwrap();
    let body = purchase(&bed.card_id, "1.00");
    let bought = operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    assert_eq!(bought["approved"], true, "{bought}");
    bed.world.ended().await;
    assert!(client.get(&ready).send().await.is_err(), "nobody listens");
    bed.world.start_again();
    assert_eq!(bed.world.available().await, "99999.00");
    bed.world.verify_ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_drains_first_on_sqlite() {
    drains(Engine::embedded()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_drains_first_on_postgresql() {
    drains(Engine::postgres().await).await;
}
