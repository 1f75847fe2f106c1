//! `cardbridge listen` plays the sandbox's enterprise and restores the previous settings.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::listener::Listener;
use crate::server::{cardbridge, run};
use crate::world::{World, purchase, text};

const SETTINGS: [&str; 3] = ["authUrl", "webhookUrl", "externalPublicKey"];

async fn settings(world: &World) -> Value {
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    let enterprise = world.operator.get(&path).await.unwrap();
    SETTINGS.iter().map(|name| ((*name).to_owned(), enterprise[*name].clone())).collect()
}

async fn patch(world: &World, change: Value) {
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    world.operator.patch(&path, &change).await.unwrap();
}

async fn buy(world: &World, card_id: &str, amount: &str) -> Value {
    let body = purchase(card_id, amount);
    world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn purchases_are_answered_and_shown_and_the_settings_come_back() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("order-1").await;
    // Gives a busy machine as much time as possible.
    patch(&world, json!({"authDeadlineMs": 3000})).await;
    let before = settings(&world).await;
    for (decide, word, approved) in
        [("approve", "approved (00)", true), ("decline", "declined (01)", false)]
    {
        let listener = Listener::start(&world.data_dir(), decide);
        assert_ne!(settings(&world).await, before);
        let answer = buy(&world, &card_id, "15.50").await;
        assert_eq!(answer["approved"], approved, "{answer}");
        let auth_id = text(&answer, "authId");
        let notice = listener.says(&format!("notice   {auth_id}"));
        assert!(notice.contains("OUTGOING NORMAL R 15.50 USD"), "{notice}");
        assert!(notice.contains(&card_id) && notice.ends_with(word), "{notice}");
        let shown = listener.says(&format!("webhook  AUTHORISATION_RESULT CREATE {auth_id}"));
        let flag = if approved { "approveFlag=A" } else { "approveFlag=D" };
        assert!(shown.contains(flag), "{shown}");
        assert!(listener.ended().success());
        assert_eq!(settings(&world).await, before);
        assert!(!world.data_dir().join("listen.json").exists());
    }
    // The original enterprise is asked again.
    assert_eq!(buy(&world, &card_id, "1.00").await["approved"], true);
    assert_eq!(world.enterprise.notice_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scheme_that_the_operator_sets_is_spoken() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("order-1").await;
    for (padding, hash, signed) in
        [("OAEP_SHA256", "SHA512", "RAW"), ("PKCS1", "SHA1", "TEXT"), ("PKCS1", "SHA256", "RAW")]
    {
        let scheme = json!({"rsaPadding": padding, "rsaHash": hash, "rsaSignedBytes": signed,
            "authDeadlineMs": 3000});
        patch(&world, scheme).await;
        let listener = Listener::start(&world.data_dir(), "approve");
        let answer = buy(&world, &card_id, "15.50").await;
        assert_eq!(answer["approved"], true, "{answer}");
        let path = format!("/admin/v1/authorisations/{}", text(&answer, "authId"));
        let notice = &world.operator.get(&path).await.unwrap()["notice"];
        assert_eq!(notice["rsaHash"], hash);
        assert_eq!(notice["rsaSignedBytes"], signed);
        assert!(listener.ended().success());
    }
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    for wrong in [json!({"rsaHash": "MD5"}), json!({"rsaSignedBytes": "BOTH"})] {
        let refused = world.operator.patch(&path, &wrong).await.unwrap_err().to_string();
        assert!(refused.contains("422"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_of_a_killed_listener_are_restored_by_the_next() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let before = settings(&world).await;
    let mut killed = Listener::start(&world.data_dir(), "approve");
    let mut second = cardbridge();
    second.args(["listen", "--data-dir"]).arg(world.data_dir());
    let (code, _, stderr) = run(&mut second);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("another `cardbridge listen`"), "{stderr}");

    killed.kill();
    let left = settings(&world).await;
    assert_ne!(left, before);
    let next = Listener::start(&world.data_dir(), "approve");
    assert_ne!(settings(&world).await, left);
    // Settings that somebody else changed meanwhile are not mistaken for the listener's.
    patch(&world, json!({"webhookUrl": "http://127.0.0.1:9/of-somebody-else"})).await;
    assert!(next.ended().success());
    let mut expected = before;
    expected["webhookUrl"] = json!("http://127.0.0.1:9/of-somebody-else");
    assert_eq!(settings(&world).await, expected);
}

#[tokio::test]
async fn the_sandboxes_enterprise_has_what_published_clients_ask_for() {
    let world = World::new(&Engine::embedded(), &[]).await;
    for currency in ["702", "840", "978", "344", "458"] {
        let balance =
            world.client.balance(domain::Currency::parse(currency).unwrap()).await.unwrap();
        assert_eq!(balance.currency, currency);
        assert_eq!(balance.available_amount.as_str(), "100000.00");
    }
}

/// Runs a listener that should exit by itself; returns its one line.
fn refusal(world: &World, expected_code: i32) -> String {
    let mut command = cardbridge();
    command.args(["listen", "--data-dir"]).arg(world.data_dir());
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, stdout.as_str()), (Some(expected_code), ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_not_reported_as_silence() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let file = world.data_dir().join("sandbox.json");
    let before = std::fs::read_to_string(&file).unwrap();
    let sandbox = world.sandbox();
    let token = text(&sandbox, "admin_token");
    std::fs::write(&file, before.replace(&token, &"0".repeat(token.len()))).unwrap();
    let line = refusal(&world, 1);
    assert!(line.contains("refuses the admin_token") && line.contains("HTTP 401"), "{line}");
    let gone = before.replace(&world.enterprise_id(), "4538700000000000001");
    std::fs::write(&file, gone).unwrap();
    let line = refusal(&world, 1);
    assert!(line.contains("the sandbox refuses: HTTP 404"), "{line}");
    let nobody = before.replace(&text(&sandbox, "admin_url"), "http://127.0.0.1:1");
    std::fs::write(&file, nobody).unwrap();
    let line = refusal(&world, 1);
    assert!(line.contains("does not answer"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_of_a_deleted_enterprise_locks_nobody_out() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let before = settings(&world).await;
    let nothing = json!({"authUrl": null, "webhookUrl": null, "externalPublicKey": null});
    let note = json!({"enterpriseId": "4538700000000000001", "before": nothing, "set": nothing});
    let file = world.data_dir().join("listen.json");
    std::fs::write(&file, note.to_string()).unwrap();
    let listener = Listener::start(&world.data_dir(), "approve");
    let own: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(text(&own, "enterpriseId"), world.enterprise_id());
    assert!(listener.ended().success());
    assert_eq!(settings(&world).await, before);
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_that_cannot_be_read_is_never_overwritten() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let before = settings(&world).await;
    let file = world.data_dir().join("listen.json");
    // Nobody can follow it, whatever their rights, but it could be overwritten.
    std::os::unix::fs::symlink(&file, &file).unwrap();
    let line = refusal(&world, 2);
    assert!(line.contains("listen.json should be a file that can be read"), "{line}");
    assert!(std::fs::symlink_metadata(&file).unwrap().is_symlink());
    assert_eq!(settings(&world).await, before);
}

#[test]
fn without_a_sandbox_the_listener_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = cardbridge();
    command.args(["listen", "--data-dir"]).arg(directory.path());
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("cardbridge serve") && stderr.lines().count() == 1, "{stderr}");
}
