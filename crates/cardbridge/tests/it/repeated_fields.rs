//! A field that a caller gives twice is logged by name, never with a value.

use std::fs;

use domain::Clock;
use serde_json::{Value, json};
use wire::cardbridge::signature::sign;

use crate::engine::Engine;
use crate::server::http;
use crate::world::{World, text};

const PATH: &str = "/open-api/customer/v1/create-customer";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_given_twice_are_logged_by_name() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let sandbox = world.sandbox();
    let (key, secret) =
        (text(&sandbox["enterprise"], "apiKey"), text(&sandbox["enterprise"], "secretKey"));
    let body = r#"{"email":"first-value@example.com","email":"last-value@example.com"}"#;
    let timestamp = Clock::system().real_now().as_millis().to_string();
    let signature = sign(&secret, &key, &timestamp, "12345", body.as_bytes());
    let http = http();
    let request = http
        .post(format!("{}{PATH}", text(&sandbox, "public_url")))
        .header("X-DAPI-API-KEY", key)
        .header("X-DAPI-TIMESTAMP", timestamp)
        .header("X-DAPI-NONCE", "12345")
        .header("X-DAPI-SIGN", signature)
        .header("Content-Type", "application/json")
        .body(body);
    let answer = request.send().await.unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["data"]["email"], json!("last-value@example.com"), "{answer}");
    let log = fs::read_to_string(world.data_dir().with_extension("log")).unwrap();
    let line = log.lines().find(|line| line.contains("the last counts")).expect(&log);
    assert!(line.contains("email") && line.contains(PATH), "{line}");
    assert!(!log.contains("first-value") && !log.contains("last-value"), "{line}");
}
