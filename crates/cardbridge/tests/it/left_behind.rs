//! What a process leaves behind that does not come back: another one brings it to an end.

use std::time::{Duration, Instant};

use domain::ResponseCode;
use serde_json::{Value, json};
use sim::Behaviour;

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::link_messages::listed;
use crate::link_processes::{Pair, repeated};
use crate::link_reversals::notices;
use crate::links::{Bed, ISO_LISTEN, is};
use crate::server::http;
use crate::world::{WAIT, text};

/// Purchases that are under way at the process that ends.
const UNDER_WAY: usize = 10;
/// Longest wait for what takes 20 s on an idle machine.
const ABANDONED_WAIT: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(100);

/// Sends purchases to the second process and waits until the enterprise is asked about all.
async fn under_way(pair: &mut Pair) {
    pair.bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    for stan in 1..=UNDER_WAY {
        pair.peers[1].send(&pair.bed.purchase(u32::try_from(stan).unwrap())).await;
    }
    notices(&pair.bed, UNDER_WAY).await;
}

/// Waits until nothing is held.
async fn released(bed: &Bed) {
    let began = Instant::now();
    while bed.world.available().await != "100000.00" {
        assert!(began.elapsed() < ABANDONED_WAIT, "the holds of a dead process stay");
        tokio::time::sleep(LOOK).await;
    }
}

/// All purchases, declined: on a slow machine some for lack of an answer, before their process
/// ended.
async fn declined(bed: &Bed) -> Vec<Value> {
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let all: Vec<_> = all.into_values().collect();
    for it in &all {
        assert_eq!((&it["status"], &it["holdState"]), (&json!("DECLINED"), &json!("VOIDED")));
    }
    assert!(all.iter().any(|it| it["detail"] == "abandoned"), "{all:?}");
    bed.world.verify_ledger().await;
    all
}

/// Each authorisation is told once, as declined.
async fn told_once(bed: &Bed, all: &[Value]) {
    let ids: Vec<_> = all.iter().map(|it| text(it, "authId")).collect();
    let results = |webhooks: &[sim::Webhook]| {
        let result = |it: &&sim::Webhook| it.webhook_type() == "AUTHORISATION_RESULT";
        let told = webhooks.iter().filter(result).map(|it| it.business_id().to_owned());
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        (told.len() >= ids.len()).then_some(told)
    };
    let told = bed.world.enterprise.wait_for(WAIT, results).await.expect("every result");
    let mut ids = ids.clone();
    ids.sort_unstable();
    assert_eq!(told, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_leaves_undecided_is_declined_by_another() {
    let mut pair = Pair::new().await;
    under_way(&mut pair).await;
    pair.second.kill();
    released(&pair.bed).await;
    let all = declined(&pair.bed).await;
    assert_eq!(all.len(), UNDER_WAY);
    told_once(&pair.bed, &all).await;
    let again = pair.peers[0].ask(&repeated(pair.bed.purchase(1))).await;
    assert_eq!((again.outcome().0, again.text(38)), ("0110".to_owned(), None), "a decline");
    let began = Instant::now();
    while !listed(&pair.bed, "delivery=PENDING").await.is_empty() {
        assert!(began.elapsed() < ABANDONED_WAIT, "answers of a dead process stay PENDING");
        tokio::time::sleep(LOOK).await;
    }
    assert!(!listed(&pair.bed, "delivery=UNKNOWN").await.is_empty());
}

/// A process that was only paused finds its work decided, and approves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_wakes_up_finds_its_work_declined() {
    let mut pair = Pair::new().await;
    under_way(&mut pair).await;
    pair.second.signal("STOP");
    released(&pair.bed).await;
    (0..UNDER_WAY).for_each(|_| pair.bed.world.enterprise.release());
    pair.second.signal("CONT");
    let began = Instant::now();
    let ready = format!("{}/readyz", pair.second.admin_url);
    while !http().get(&ready).send().await.is_ok_and(|it| it.status().is_success()) {
        assert!(began.elapsed() < ABANDONED_WAIT, "it holds its number again");
        tokio::time::sleep(LOOK).await;
    }
    let all = declined(&pair.bed).await;
    assert_eq!(all.len(), UNDER_WAY);
    told_once(&pair.bed, &all).await;
}

/// The age of an authorisation is a column in the server's time, not the time in its id.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_time_says_how_old_an_authorisation_is() {
    let engine = Engine::postgres().await;
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let mut peer = bed.signed_on().await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    let began = Instant::now();
    for stan in 1.. {
        assert!(began.elapsed() < ABANDONED_WAIT, "what began long ago is left alone");
        peer.send(&bed.purchase(stan)).await;
        notices(&bed, stan as usize).await;
        engine.tamper("UPDATE undecided SET begun_at = begun_at - 16000000").await;
        // On a slow machine the enterprise's time ends before anybody looks.
        if peer.receive().await.unwrap().outcome() == is("0110", "96") {
            declined(&bed).await;
            return;
        }
    }
}
