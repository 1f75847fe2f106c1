//! Links that connect to their peers, and sign-ons of the platform.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management};
use crate::links::{Bed, configured, is, shows};
use crate::world::WAIT;

/// The platform's sign-on and sign-off, and what a peer answers.
const SIGN_ON: &str = "001";
const SIGN_OFF: &str = "002";
const ACCEPTED: &str = "00";

/// A link that keeps one connection to this address, and signs on.
pub fn connecting(name: &str, address: &str, keys: &str) -> String {
    format!(
        "[[links]]\nname = '{name}'\nmode = 'connect'\nconnect = ['{address}']\n\
         connections = 1\nsign-on = 'us'\n{keys}\n"
    )
}

/// Waits until a link has this state; returns it.
pub async fn until_state(bed: &Bed, name: &str, state: &str) -> Value {
    let is_so = async {
        loop {
            let link = bed.link(name).await;
            if link["state"] == state {
                return link;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(WAIT, is_so).await.unwrap_or_else(|_| panic!("{name} is never {state}"))
}

async fn a_link_connects_signs_on_and_comes_back(engine: Engine) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    // The name is resolved at each try.
    let target = address.replace("127.0.0.1", "localhost");
    let file = configured(&directory, &connecting("a", &target, "terminal = 'CARDBRDG'"));
    let mut bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = Peer::accept(&listener).await;
    let sign_on = peer.answer_management(SIGN_ON, ACCEPTED).await;
    assert_eq!(sign_on.text(41), Some("CARDBRDG"));

    let link = until_state(&bed, "a", "UP").await;
    assert_eq!((&link["mode"], &link["address"]), (&json!("connect"), &Value::Null));
    assert_eq!(link["targets"], json!([target]));
    assert_eq!(link["connections"][0]["peer"], json!(address));
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(peer.outcome(&management("301")).await, accepted());
    assert_eq!(bed.world.sandbox()["links"], Value::Null, "nothing listens");

    drop((peer, listener));
    until_state(&bed, "a", "DOWN").await;
    let listener = TcpListener::bind(&address).await.unwrap();
    let mut peer = Peer::accept(&listener).await;
    peer.answer_management(SIGN_ON, ACCEPTED).await;
    until_state(&bed, "a", "UP").await;
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "00"));

    bed.world.terminate();
    peer.answer_management(SIGN_OFF, ACCEPTED).await;
    peer.expect_end().await;
    bed.world.ended().await;
}

#[tokio::test]
async fn a_link_connects_signs_on_and_comes_back_on_sqlite() {
    a_link_connects_signs_on_and_comes_back(Engine::embedded()).await;
}

#[tokio::test]
async fn a_link_connects_signs_on_and_comes_back_on_postgresql() {
    a_link_connects_signs_on_and_comes_back(Engine::postgres().await).await;
}

/// Three sign-ons that are refused close a connection; the next one begins again.
#[tokio::test]
async fn a_refused_sign_on_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &connecting("a", &address, ""));
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut peer = Peer::accept(&listener).await;
    for _ in 0..3 {
        peer.answer_management(SIGN_ON, "91").await;
    }
    peer.expect_end().await;
    shows(&bed.world, "cardbridge_link_closed_total{link=\"a\",reason=\"no_sign_on\"} 1").await;
    let mut peer = Peer::accept(&listener).await;
    peer.answer_management(SIGN_ON, ACCEPTED).await;
    until_state(&bed, "a", "UP").await;
}

/// A peer that signs on first needs no sign-on of the platform.
#[tokio::test]
async fn a_listening_link_signs_on_too_and_the_peer_may_sign_off() {
    let directory = tempfile::tempdir().unwrap();
    let table = "[[links]]\nname = 'a'\nlisten = '127.0.0.1:0'\nsign-on = 'us'\n";
    let file = configured(&directory, table);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let mut peer = Peer::connect(&bed.address("a")).await;
    peer.answer_management(SIGN_ON, ACCEPTED).await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(peer.outcome(&management("002")).await, accepted());
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "91"), "signed off");
    assert_eq!(peer.outcome(&management("001")).await, accepted());
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "00"));
}
