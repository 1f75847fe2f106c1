//! One process from its ready line to its exit.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use domain::ResponseCode;
use serde_json::json;
use sim::Behaviour;

use crate::engine::Engine;
use crate::server::{Server, cardbridge, run, sandbox_json};
use crate::world::{World, purchase, text};

#[test]
fn the_ready_line_is_all_there_is_on_stdout() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(&directory.path().join("data"), &[]);
    assert!(server.public_url.starts_with("http://127.0.0.1:"));
    assert!(server.admin_url.starts_with("http://127.0.0.1:"));
    assert_ne!(server.public_url, server.admin_url);
    server.terminate();
    let (status, rest) = server.ended();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rest, "");
}

#[test]
fn later_starts_keep_the_identities_and_refresh_the_urls() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::start(&data, &[]);
    let first = sandbox_json(&data);
    assert_eq!(text(&first, "public_url"), server.public_url);
    assert_eq!(text(&first, "admin_url"), server.admin_url);
    drop(server);
    let server = Server::start(&data, &["--public-url", "https://cards.test"]);
    let second = sandbox_json(&data);
    assert_eq!(first["enterprise"], second["enterprise"]);
    assert_eq!(first["vm_app"], second["vm_app"]);
    assert_eq!(first["admin_token"], second["admin_token"]);
    assert_eq!(text(&second, "public_url"), "https://cards.test");
    assert_eq!(text(&second, "admin_url"), server.admin_url);
}

#[test]
fn sandbox_json_holds_what_the_contract_says_and_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::start(&data, &[]);
    let json = sandbox_json(&data);
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&json), ["admin_token", "admin_url", "enterprise", "public_url", "vm_app"]);
    assert_eq!(
        keys(&json["enterprise"]),
        ["apiKey", "enterpriseId", "platformPublicKey", "profileId", "secretKey"]
    );
    let app = &json["vm_app"];
    assert_eq!(keys(app), ["app_id", "app_secret", "platform_public_key", "product_codes"]);
    assert_eq!(keys(&app["product_codes"]), ["save", "share"]);
    assert!(text(app, "platform_public_key").starts_with("-----BEGIN PUBLIC KEY-----\n"));
    let key = text(&json["enterprise"], "platformPublicKey");
    assert!(key.starts_with("MIIBIjANBgkqhkiG9w0BAQEF") && !key.contains('\n'), "{key}");
    assert_eq!(text(&json["enterprise"], "enterpriseId").len(), 19);
    for name in ["sandbox.json", "master.key", "admin.token"] {
        let mode = fs::metadata(data.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn the_sandbox_begins_with_the_deposits_and_the_profile_of_the_contract() {
    let world = World::new(&Engine::embedded(), &[]).await;
    for currency in ["702", "840"] {
        let code = domain::Currency::parse(currency).unwrap();
        let balance = world.client.balance(code).await.unwrap();
        assert_eq!(balance.available_amount.as_str(), "100000.00", "{currency}");
    }
    let profiles = world.operator.get("/admin/v1/card-profiles").await.unwrap().to_string();
    let profile_id = text(&world.sandbox()["enterprise"], "profileId");
    for part in [&*profile_id, "MGEBP", "5000.00", "50000.00", "200000.00", "10000", "100000"] {
        assert!(profiles.contains(part), "{part} in {profiles}");
    }
    let enterprise = world
        .operator
        .get(&format!("/admin/v1/enterprises/{}", world.enterprise_id()))
        .await
        .unwrap();
    assert_eq!(enterprise["pci"], true);
}

#[tokio::test]
async fn the_sandbox_begins_with_an_app_that_can_be_used_and_funds_it_once() {
    let mut world = World::new(&Engine::embedded(), &[]).await;
    let app = world.sandbox()["vm_app"].clone();
    let path = format!("/admin/v1/vm-apps/{}", text(&app, "app_id"));
    let shown = world.operator.get(&path).await.unwrap();
    assert_eq!((&shown["merchantPublicKey"], &shown["webhookUrl"]), (&json!(null), &json!(null)));
    let key = sdk::crypto::RsaPrivateKey::generate(2_048).unwrap();
    let change = json!({ "merchantPublicKey": key.public_key().to_pem() });
    world.operator.patch(&path, &change).await.unwrap();
    for _ in 0..2 {
        let app = world.sandbox()["vm_app"].clone();
        let platform_key = text(&app, "platform_public_key");
        let platform_key = sdk::crypto::RsaPublicKey::from_text(&platform_key).unwrap();
        let envelope = sdk::vm::VmEnvelope::new(key.clone(), platform_key);
        let (id, secret) = (text(&app, "app_id"), text(&app, "app_secret"));
        let public_url = text(&world.sandbox(), "public_url");
        let client = sdk::vm::VmClient::new(&public_url, &id, &secret, envelope).unwrap();
        let balance = client.call("/getAccountBalance", &json!({})).await.unwrap();
        assert_eq!(balance, json!({ "balance": 10000, "wallet_balance": 10000 }));
        let products = client.call("/getProductCode", &json!({})).await.unwrap();
        for kind in ["save", "share"] {
            let code = text(&app["product_codes"], kind);
            let listed = products["list"].as_array().unwrap().iter();
            let found: Vec<_> = listed.filter(|it| it["product_code"] == code).collect();
            assert_eq!((found.len(), &found[0]["type"]), (1, &json!(kind)));
        }
        world.terminate();
        world.ended().await;
        world.start_again();
    }
}

#[tokio::test]
async fn sigterm_lets_what_is_in_flight_finish() {
    let mut world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("order-1").await;
    world.enterprise.answer(Behaviour::Late(ResponseCode::Approved, Duration::from_millis(700)));
    let operator = world.operator.clone();
    let body = purchase(&card_id, "12.00");
    let buying =
        tokio::spawn(async move { operator.post("/sandbox/v1/authorisations", &body).await });
    while world.enterprise.notice_count() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.terminate();
    let answer = buying.await.unwrap().expect("the purchase is answered");
    assert_eq!(answer["approved"], true, "{answer}");
    world.ended().await;
    world.start_again();
    assert_eq!(world.available().await, "99988.00");
}

#[test]
fn a_second_process_does_not_open_the_same_directory() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::start(&data, &[]);
    let mut command = cardbridge();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(&data);
    let (code, stdout, stderr) = run(&mut command);
    assert_eq!(code, Some(1));
    assert_eq!(stdout, "");
    assert!(stderr.contains("in use by another process"), "{stderr}");
}

#[test]
fn another_master_key_does_not_open_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    drop(Server::start(&data, &[]));
    fs::write(data.join("master.key"), "5a".repeat(32)).unwrap();
    let mut command = cardbridge();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let (code, _, stderr) = run(command.arg("--data-dir").arg(&data));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("master-key-file"), "{stderr}");
}
