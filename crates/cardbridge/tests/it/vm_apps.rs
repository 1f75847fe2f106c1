//! The operator's commands for the apps of dialect 2, against a running server.

use std::fs;
use std::path::Path;

use crypto::RsaPrivateKey;
use serde_json::{Value, json};

use crate::operator::ask;
use crate::server::{Server, cardbridge, run, sandbox_json};

fn refusal(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = cardbridge();
    let (code, stdout, stderr) =
        run(command.arg("vm-app").args(arguments).arg("--data-dir").arg(data));
    assert_eq!((stdout.as_str(), stderr.lines().count()), ("", 1), "{arguments:?}: {stderr}");
    (code, stderr)
}

#[test]
fn an_app_is_made_set_up_funded_and_given_products_by_commands() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::start(&data, &[]);
    let vm_app = |arguments: &[&str]| {
        let line: Vec<_> = ["vm-app"].iter().chain(arguments).copied().collect();
        ask(&data, &line)
    };
    let enterprise = ask(&data, &["enterprise", "create", "--name", "VM"]);
    let enterprise_id = enterprise["enterpriseId"].as_str().unwrap();
    let made = vm_app(&["create", "--enterprise-id", enterprise_id]);
    let app_id = made["appId"].as_str().unwrap();
    assert!(made["appSecret"].as_str().is_some_and(|secret| !secret.is_empty()));
    let key_file = directory.path().join("merchant.pem");
    let pair = RsaPrivateKey::generate(2_048).unwrap();
    let der_file = directory.path().join("merchant.der");
    fs::write(&der_file, pair.public_key().to_spki_der()).unwrap();
    let of_der =
        ["set", "--app-id", app_id, "--merchant-public-key-file", der_file.to_str().unwrap()];
    let key = pair.public_key().to_pem();
    assert_eq!(vm_app(&of_der)["merchantPublicKey"], json!(key));
    fs::write(&der_file, &*pair.to_pkcs8_der().unwrap()).unwrap();
    let (code, line) = refusal(&data, &of_der);
    assert_eq!(code, Some(1));
    assert!(line.contains("merchantPublicKey holds a private key"), "{line}");
    fs::write(&key_file, &key).unwrap();
    let key_file = key_file.to_str().unwrap();
    let set = vm_app(&[
        "set",
        "--app-id",
        app_id,
        "--merchant-public-key-file",
        key_file,
        "--webhook-url",
        "http://127.0.0.1:9/hook",
        "--ip-whitelist",
        "192.0.2.7, 10.0.0.0/8",
        "--sign-webhooks",
        "true",
    ]);
    assert_eq!(set["merchantPublicKey"], json!(key));
    assert_eq!(set["webhookUrl"], "http://127.0.0.1:9/hook");
    assert_eq!(set["ipWhitelist"], json!(["192.0.2.7/32", "10.0.0.0/8"]));
    assert_eq!(set["signWebhooks"], true);
    let cleared = vm_app(&["set", "--app-id", app_id, "--webhook-url", "", "--ip-whitelist", ""]);
    assert_eq!((&cleared["webhookUrl"], &cleared["ipWhitelist"]), (&json!(null), &json!([])));
    assert_eq!(
        (&cleared["merchantPublicKey"], &cleared["signWebhooks"]),
        (&json!(key), &json!(true))
    );
    let fund = ["fund", "--app-id", app_id, "--account", "balance", "--amount", "15.50"];
    for _ in 0..2 {
        let funded = vm_app(&[&fund[..], &["--reference", "r-1"]].concat());
        assert_eq!(funded["availableAmount"], "15.50");
    }
    let shown = vm_app(&["show", "--app-id", app_id]);
    assert_eq!((&shown["balance"], &shown["walletBalance"]), (&json!("15.50"), &json!("0.00")));
    let listed = vm_app(&["list", "--enterprise-id", enterprise_id]);
    assert_eq!(listed["items"], json!([shown]));
    let secret = vm_app(&["webhook-secret", "--app-id", app_id]);
    assert!(secret["webhookSecret"].as_str().is_some_and(|secret| !secret.is_empty()));
    assert_products(&data, enterprise_id, app_id);
}

fn assert_products(data: &Path, enterprise_id: &str, app_id: &str) {
    let profile = [
        "profile",
        "create",
        "--enterprise-id",
        enterprise_id,
        "--name",
        "P",
        "--bin-range",
        "40009600",
        "--currency",
        "840",
    ];
    let profile = ask(data, &profile);
    let opened = [
        "vm-app",
        "product",
        "--app-id",
        app_id,
        "--product-code",
        "S9-HK",
        "--profile-id",
        profile["profileId"].as_str().unwrap(),
        "--funding",
        "save",
        "--issuing-area",
        "HK",
        "--remaining-cards",
        "5",
    ];
    let opened = ask(data, &opened);
    let products = ask(data, &["vm-app", "products", "--app-id", app_id]);
    assert_eq!(products, opened);
    let named = |it: &&Value| it["productCode"] == "S9-HK";
    let product = products["items"].as_array().unwrap().iter().find(named).unwrap();
    assert_eq!((&product["issuingArea"], &product["remainingCards"]), (&json!("HK"), &json!(5)));
}

#[test]
fn an_invalid_command_is_explained_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::start(&data, &[]);
    let app_id = sandbox_json(&data)["vm_app"]["app_id"].as_str().unwrap().to_owned();
    let missing = directory.path().join("missing");
    let missing = missing.to_str().unwrap();
    for (arguments, exit, named) in [
        (&["show", "--app-id", "../x"][..], 2, "app-id"),
        (&["show"], 2, "--app-id"),
        (&["list", "--enterprise-id", "x"], 2, "enterprise-id"),
        (&["set", "--app-id", &app_id], 2, "--webhook-url"),
        (&["set", "--app-id", &app_id, "--merchant-public-key-file", missing], 2, missing),
        (&["show", "--app-id", "nobody"], 1, "404"),
        (&["set", "--app-id", &app_id, "--webhook-url", "ftp://x"], 1, "422"),
    ] {
        let (code, stderr) = refusal(&data, arguments);
        assert_eq!(code, Some(exit), "{arguments:?}: {stderr}");
        assert!(stderr.contains(named), "{arguments:?}: {stderr}");
    }
}
