//! A day's files from the command line, with approved purchases in them.

use std::path::Path;

use domain::{BusinessDay, Clock};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::server::{cardbridge, run};
use crate::uploads::get;
use crate::world::{World, purchase, text};

/// Runs a recon command; returns its exit code and output.
fn recon(data: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = cardbridge();
    let (code, stdout, _) = run(command.arg("recon").args(arguments).arg("--data-dir").arg(data));
    (code, serde_json::from_str(&stdout).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_closed_and_verified_from_the_command_line() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("ord-1").await;
    // Noon, so the day does not end meanwhile.
    let now = Clock::system().now();
    let noon = BusinessDay::of(now).end().plus_seconds(12 * 60 * 60);
    let seconds = noon.millis_since(now) / 1_000;
    world.operator.post("/sandbox/v1/clock/advance", &json!({"seconds": seconds})).await.unwrap();
    let bought = world
        .operator
        .post("/sandbox/v1/authorisations", &purchase(&card_id, "15.50"))
        .await
        .unwrap();
    assert_eq!(bought["approved"], true, "{bought}");
    let auth_id = text(&bought, "authId");
    let clear = format!("/sandbox/v1/authorisations/{auth_id}/clear");
    let cleared = world.operator.post(&clear, &json!({})).await.unwrap();
    let day = BusinessDay::of(noon).to_string();
    let data = world.data_dir();

    let (code, unclosed) = recon(&data, &["verify", &day]);
    assert_eq!((code, &unclosed["ok"]), (Some(1), &json!(false)), "{unclosed}");
    let (code, closed) = recon(&data, &["close-day", &day]);
    assert_eq!(code, Some(0));
    assert_eq!(closed["files"].as_array().unwrap().len(), 2, "{closed}");
    for file in closed["files"].as_array().unwrap() {
        let totals = json!([{"currency": "840", "direction": "OUTGOING", "rows": 1,
            "amount": "15.50"}]);
        assert_eq!((&file["rows"], &file["totals"]), (&json!(1), &totals), "{file}");
    }
    let (code, report) = recon(&data, &["verify", &day]);
    assert_eq!((code, &report["ok"]), (Some(0), &json!(true)), "{report}");

    for (file_type, id) in
        [("authorisation", &auth_id), ("transaction", &text(&cleared, "transactionId"))]
    {
        let target = format!(
            "/open-api/enterprise/v1/settlement-file-url?fileType={file_type}&fileDate={day}"
        );
        let (path, query) = target.split_once('?').unwrap();
        let pairs: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
        let reply = world.client.call(sdk::Method::GET, path, &pairs, None).await.unwrap();
        let url: String = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
        assert!(url.starts_with(&text(&world.sandbox(), "public_url")), "{url}");
        let file = get(&url).await.text().await.unwrap();
        assert!(file.starts_with(&format!("{id}>")) && file.lines().count() == 1, "{file}");
        assert!(file_type == "transaction" || file.contains(">A>>"), "{file}");
    }
    let (code, _) = recon(&data, &["verify", "tomorrow"]);
    assert_eq!(code, Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_with_every_kind_of_record_agrees_with_the_ledger() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("ord-1").await;
    let call = async |path: &str, body: Value| {
        world.operator.post(&format!("/sandbox/v1/{path}"), &body).await.unwrap()
    };
    let now = Clock::system().now();
    let noon = BusinessDay::of(now).end().plus_seconds(12 * 60 * 60);
    call("clock/advance", json!({"seconds": noon.millis_since(now) / 1_000})).await;
    let bought = text(&call("authorisations", purchase(&card_id, "15.50")).await, "authId");
    call(&format!("authorisations/{bought}/increment"), json!({"amount": "4.50"})).await;
    call(&format!("authorisations/{bought}/reverse"), json!({"amount": "2.00"})).await;
    call(&format!("authorisations/{bought}/clear"), json!({"amount": "17.00"})).await;
    call("refunds", json!({"authId": bought, "amount": "3.00", "currency": "840"})).await;
    let mut reservation = purchase(&card_id, "10.00");
    reservation["authType"] = json!("PRE_AUTH");
    let reserved = text(&call("authorisations", reservation).await, "authId");
    let mut completion = purchase(&card_id, "12.00");
    completion["authType"] = json!("PRE_AUTH_COMPLETION");
    completion["originalAuthId"] = json!(reserved);
    let completed = text(&call("authorisations", completion).await, "authId");
    call(&format!("authorisations/{completed}/clear"), json!({})).await;
    call("clearings", json!({"cardId": card_id, "amount": "1.00", "currency": "840"})).await;
    let day = BusinessDay::of(noon).to_string();
    let data = world.data_dir();
    let (_, closed) = recon(&data, &["close-day", &day]);
    let rows: Vec<_> =
        closed["files"].as_array().unwrap().iter().map(|file| file["rows"].clone()).collect();
    assert_eq!(rows, [json!(7), json!(4)], "{closed}");
    let (code, report) = recon(&data, &["verify", &day]);
    assert_eq!(code, Some(0), "{report}");
    world.verify_ledger().await;
}
