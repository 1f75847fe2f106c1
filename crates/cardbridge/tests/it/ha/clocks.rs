//! Clocks that differ: webhooks arrive in the order of the commits, not of anybody's clock.

use std::time::{Duration, Instant};

use sdk::Client;
use sim::Webhook;
use wire::cardbridge::card::Freeze;

use super::given;
use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::server::{Server, http};
use crate::world::{WAIT, World, text};

/// How far the second process's clock is behind: less than what makes a process not ready.
const BEHIND_S: &str = "-0.1";
/// How often the card is frozen and unfrozen.
const PAIRS: usize = 40;
/// The states that webhooks tell.
const STATES: [&str; 2] = ["FROZEN", "ACTIVATED"];
/// How far the clock must be seen to be behind, in seconds.
const SEEN_S: f64 = 0.05;
const LOOK: Duration = Duration::from_millis(200);

/// Waits until the process says that its clock is not the database's.
async fn until_behind(server: &Server) {
    let (began, url) = (Instant::now(), format!("{}/metrics", server.admin_url));
    loop {
        let metrics = http().get(&url).send().await.unwrap().text().await.unwrap();
        let mut gauges = metrics.lines();
        let skew = gauges.find_map(|it| it.strip_prefix("cardbridge_clock_skew_seconds "));
        if skew.is_some_and(|it| it.parse::<f64>().unwrap() > SEEN_S) {
            return;
        }
        assert!(began.elapsed() < WAIT, "its clock is as the others: {skew:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The states that the webhooks tell of a card, in the order of their arrival, once all are there.
fn told(webhooks: &[Webhook], card_id: &str) -> Option<Vec<String>> {
    let about = webhooks.iter().filter(|it| it.business_id() == card_id);
    let told = about.map(|it| it.text("/data/status").to_owned());
    // A new card is told before.
    let told: Vec<_> = told.skip_while(|state| state != STATES[0]).collect();
    (told.len() >= 2 * PAIRS).then_some(told)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test --ha"]
async fn webhooks_arrive_in_the_order_of_the_commits() {
    let engine = Engine::postgres().await;
    let world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let mut behind = another(&engine, &world, &own, &[]);
    behind.env("LD_PRELOAD", given("CARDBRIDGE_TEST_FAKETIME")).env("FAKETIME", BEHIND_S);
    behind.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let behind = spawn(behind, &own);
    until_behind(&behind).await;
    let own = &world.sandbox()["enterprise"];
    let (api_key, secret_key) = (text(own, "apiKey"), text(own, "secretKey"));
    let second = Client::new(&behind.public_url, &api_key, &secret_key).unwrap();
    for _ in 0..PAIRS {
        for (client, freeze) in [(&world.client, true), (&second, false)] {
            let request = Freeze { card_id: card_id.clone(), freeze, freeze_reason: None };
            client.freeze(&request).await.unwrap();
        }
    }
    let told = world.enterprise.wait_for(WAIT, |webhooks| told(webhooks, &card_id)).await;
    let told = told.expect("every change is told");
    let expected: Vec<_> = STATES.into_iter().cycle().take(2 * PAIRS).collect();
    assert_eq!(told, expected);
}
