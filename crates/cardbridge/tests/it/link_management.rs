//! What operators do with links: sign-on, sign-off, echo, drain and resume.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management, message};
use crate::links::{Bed, configured, is, table};
use crate::server::{cardbridge, run};

/// The operator's call; a refusal as its text.
async fn call(bed: &Bed, action: &str) -> Result<Value, String> {
    let path = format!("/admin/v1/links/a/{action}");
    bed.world.operator.post(&path, &json!({})).await.map_err(|error| error.to_string())
}

/// Connection and code of each answer.
fn codes(answers: &Value) -> Vec<(u64, Option<&str>)> {
    let items = answers["items"].as_array().unwrap();
    assert!(items.iter().all(|it| it["elapsedMs"].is_u64()), "{answers}");
    items
        .iter()
        .map(|it| (it["connection"].as_u64().unwrap(), it["responseCode"].as_str()))
        .collect()
}

/// A peer whose connection the platform has taken.
async fn admitted(address: &str) -> Peer {
    let mut peer = Peer::connect(address).await;
    assert_eq!(peer.outcome(&management("301")).await, accepted());
    peer
}

async fn bed() -> (Bed, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("a", ""));
    (Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await, directory)
}

#[tokio::test]
async fn operators_sign_on_and_off_and_test_every_connection() {
    let (bed, _directory) = bed().await;
    for action in ["sign-on", "sign-off", "echo"] {
        let refused = call(&bed, action).await.unwrap_err();
        assert!(refused.contains("409") && refused.contains("no connection"), "{refused}");
    }
    let missing = bed.world.operator.post("/admin/v1/links/b/echo", &json!({})).await.unwrap_err();
    assert!(missing.to_string().contains("404"), "{missing}");

    let address = bed.address("a");
    let (mut first, mut second) = (admitted(&address).await, admitted(&address).await);
    let (answers, ..) = tokio::join!(
        call(&bed, "sign-on"),
        first.answer_management("001", "00"),
        second.answer_management("001", "91"),
    );
    assert_eq!(codes(&answers.unwrap()), [(1, Some("00")), (2, Some("91"))]);
    assert_eq!(first.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(second.outcome(&bed.purchase(2)).await, is("0110", "91"), "it did not agree");
    let link = bed.link("a").await;
    let states = [&link["connections"][0]["state"], &link["connections"][1]["state"]];
    assert_eq!(states, ["SIGNED_ON", "CONNECTED"]);

    let (answers, ..) = tokio::join!(
        call(&bed, "echo"),
        first.answer_management("301", "00"),
        second.answer_management("301", "00"),
    );
    assert_eq!(codes(&answers.unwrap()), [(1, Some("00")), (2, Some("00"))]);

    // Our sign-off counts although one peer refuses it.
    let (answers, ..) = tokio::join!(
        call(&bed, "sign-off"),
        first.answer_management("002", "91"),
        second.answer_management("002", "00"),
    );
    assert_eq!(codes(&answers.unwrap()), [(1, Some("91")), (2, Some("00"))]);
    assert_eq!(first.outcome(&bed.purchase(3)).await, is("0110", "91"));
    let link = bed.link("a").await;
    assert_eq!(
        (&link["state"], &link["connections"][0]["state"]),
        (&json!("DOWN"), &json!("SIGNED_OFF"))
    );
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_shown_as_silent() {
    let (bed, _directory) = bed().await;
    let mut silent = Peer::signed_on(&bed.address("a")).await;
    let refused = call(&bed, "echo").await.unwrap_err();
    assert!(refused.contains("504") && refused.contains("within 10 s"), "{refused}");
    assert_eq!(silent.receive().await.unwrap().text(70), Some("301"));
    let mut other = Peer::signed_on(&bed.address("a")).await;
    let (answers, _) = tokio::join!(call(&bed, "echo"), other.answer_management("301", "00"));
    assert_eq!(codes(&answers.unwrap()), [(1, None), (2, Some("00"))]);
}

#[tokio::test]
async fn a_drained_link_takes_no_requests_until_it_is_resumed() {
    let (bed, _directory) = bed().await;
    let mut peer = Peer::signed_on(&bed.address("a")).await;
    assert_eq!(call(&bed, "drain").await.unwrap()["state"], "DRAINING");
    assert_eq!(peer.outcome(&management("301")).await, accepted());
    while bed.link("a").await["connections"][0]["state"] != "DRAINING" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "91"));
    // A fact is not answered at all: the peer repeats it elsewhere.
    let mut advice = bed.purchase(2);
    advice.set_mti(message("0120", &[]).mti());
    peer.send(&advice).await;
    assert_eq!(peer.outcome(&management("301")).await, accepted());
    let mut late = Peer::connect(&bed.address("a")).await;
    assert_eq!(late.outcome(&management("001")).await, is("0810", "91"), "it drains too");

    let link = call(&bed, "resume").await.unwrap();
    assert!(["UP", "DOWN"].contains(&link["state"].as_str().unwrap()), "{link}");
    crate::link_connecting::until_state(&bed, "a", "UP").await;
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "00"));
    assert_eq!(late.outcome(&management("001")).await, accepted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_reach_links() {
    let (bed, _directory) = bed().await;
    let data = bed.world.data_dir();
    let command = |words: &[&str]| {
        let mut command = cardbridge();
        command.arg("link").args(words).arg("--data-dir").arg(&data);
        tokio::task::spawn_blocking(move || run(&mut command))
    };
    let mut peer = admitted(&bed.address("a")).await;
    for (word, code) in [("sign-on", "001"), ("echo", "301"), ("sign-off", "002")] {
        let (ran, _) = tokio::join!(command(&[word, "a"]), peer.answer_management(code, "00"));
        let (exit, stdout, stderr) = ran.unwrap();
        assert_eq!(exit, Some(0), "{word}: {stderr}");
        let answers: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(codes(&answers), [(1, Some("00"))]);
    }
    for (words, wanted) in [
        (&["list"][..], "SIGNED_OFF"),
        (&["show", "a"], "SIGNED_OFF"),
        (&["drain", "a"], "DRAINING"),
        (&["resume", "a"], "\"a\""),
    ] {
        let (exit, stdout, stderr) = command(words).await.unwrap();
        assert!(exit == Some(0) && stdout.contains(wanted), "{words:?}: {stdout} {stderr}");
    }
    for (words, exit, wanted) in [
        (&["show", "b"][..], 1, "404"),
        (&["show", "../b"], 2, "name: should be"),
        (&["drain"], 2, "NAME"),
    ] {
        let (code, _, stderr) = command(words).await.unwrap();
        assert!(code == Some(exit) && stderr.contains(wanted), "{words:?}: {stderr}");
    }
}
