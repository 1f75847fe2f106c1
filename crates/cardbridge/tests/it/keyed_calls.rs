//! Calls with an `Idempotency-Key` across `kill -9`: a call repeated under its key is carried out
//! once.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crypto::{RsaPrivateKey, RsaPublicKey};
use sdk::vm::{VmClient, VmEnvelope};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::server::http;
use crate::world::{World, purchase, text};

/// Seeds of the storm; `CARDBRIDGE_TEST_STORM_SEEDS` sets more.
const SEEDS: u64 = 2;
/// Calls of each kind in a storm.
const CALLS: usize = 24;
/// Longest load before the kill.
const MOST_LOAD_MS: u64 = 400;
/// Far longer than any lease: two minutes in microseconds.
const LONG_AGO: &str = "UPDATE idempotency SET taken_at = taken_at - 120000000";

/// The sandbox's app, called as its merchant or with raw bytes and our own headers.
struct Merchant {
    client: VmClient,
    envelope: VmEnvelope,
    http: reqwest::Client,
    base_url: String,
    product: String,
}

impl Merchant {
    /// Gives the app the public half of `key`.
    async fn new(world: &World, key: &RsaPrivateKey) -> Self {
        let path = format!("/admin/v1/vm-apps/{}", text(&world.sandbox()["vm_app"], "app_id"));
        let patch = json!({"merchantPublicKey": key.public_key().to_pem()});
        world.operator.patch(&path, &patch).await.unwrap();
        Self::again(world, key)
    }

    /// The same after a restart.
    fn again(world: &World, key: &RsaPrivateKey) -> Self {
        let (sandbox, app) = (world.sandbox(), &world.sandbox()["vm_app"]);
        let platform_key = RsaPublicKey::from_text(&text(app, "platform_public_key")).unwrap();
        let envelope = VmEnvelope::new(key.clone(), platform_key);
        let base_url = text(&sandbox, "public_url");
        let (id, secret) = (text(app, "app_id"), text(app, "app_secret"));
        let client = VmClient::new(&base_url, &id, &secret, envelope.clone()).unwrap();
        let http = http();
        let product = text(&app["product_codes"], "save");
        Self { client, envelope, http, base_url, product }
    }

    /// Makes a call with a key; returns its result, if an answer arrived.
    async fn keyed(&self, path: &str, key: &str, parameters: &Value) -> Option<Value> {
        let token = self.client.token().await.ok()?;
        let body = self.envelope.seal(parameters.to_string().as_bytes()).unwrap();
        let call = self.http.post(format!("{}{path}", self.base_url)).body(body);
        let call = call.header("authorization", token.as_str()).header("idempotency-key", key);
        let answer: Value =
            serde_json::from_slice(&call.send().await.ok()?.bytes().await.ok()?).ok()?;
        let data = answer["data"].as_str().unwrap_or_else(|| panic!("{path}: {answer}"));
        Some(serde_json::from_slice(&self.envelope.open(data).unwrap()).unwrap())
    }

    async fn done(&self, path: &str, parameters: Value) -> Value {
        self.client.call(path, &parameters).await.unwrap()
    }

    async fn available(&self, card_id: &str) -> String {
        self.done("/cardDetail", json!({"card_id": card_id})).await["available_amount"].to_string()
    }

    async fn card(&self, amount: u32) -> String {
        let body = json!({"product_code": self.product, "first_name": "Test",
            "last_name": "User", "amount": amount});
        text(&self.done("/createCard", body).await, "card_id")
    }
}

/// Makes an operator's POST with a key; returns its status and body, if an answer arrived.
pub async fn operator_keyed(
    world_url: (&str, &str),
    path: &str,
    key: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    let (admin_url, token) = world_url;
    let http = http();
    let call = http.post(format!("{admin_url}{path}")).bearer_auth(token).json(body);
    let answer = call.header("idempotency-key", key).send().await.ok()?;
    let status = answer.status().as_u16();
    Some((status, serde_json::from_slice(&answer.bytes().await.ok()?).ok()?))
}

/// Runs SQL in the embedded store, behind the platform's back.
fn tamper(data_dir: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(data_dir.join("cardbridge.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(20)).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// A trigger that runs for a while, so a kill hits the statement in progress.
fn slow_down(data_dir: &Path, what: &str) {
    let counting = "WITH RECURSIVE number(n) AS \
        (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 3000000) SELECT MAX(n) FROM number";
    tamper(
        data_dir,
        &format!("CREATE TRIGGER slow_{what} BEFORE {what} ON idempotency BEGIN {counting}; END"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_loaded_once_when_the_process_dies_as_the_answer_is_kept() {
    for what in ["INSERT", "UPDATE"] {
        let key = RsaPrivateKey::generate(2_048).unwrap();
        let mut world = World::new(&Engine::embedded(), &[]).await;
        let merchant = Arc::new(Merchant::new(&world, &key).await);
        let card_id = merchant.card(20).await;
        slow_down(&world.data_dir(), what);
        let recharge = json!({"card_id": card_id, "amount": 50});
        let (caller, call) = (Arc::clone(&merchant), recharge.clone());
        let calling =
            tokio::spawn(async move { caller.keyed("/rechargeCard", "key", &call).await });
        tokio::time::sleep(Duration::from_millis(150)).await;
        world.kill();
        let answered = calling.await.unwrap();
        let drop_trigger = format!("DROP TRIGGER slow_{what}; {LONG_AGO}");
        tamper(&world.data_dir(), &drop_trigger);
        world.start_again();
        let merchant = Merchant::again(&world, &key);
        let repeated = merchant.keyed("/rechargeCard", "key", &recharge).await.unwrap();
        assert_eq!(repeated, answered.unwrap_or_else(|| json!({"data": "true"})));
        assert_eq!(merchant.available(&card_id).await, "70", "{what}");
        world.verify_ledger().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_cut_off_by_a_crash_is_found_again_by_its_calls_key() {
    let mut world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("order-1").await;
    world.enterprise.answer(sim::Behaviour::Silent);
    let own = world.sandbox();
    let place = (text(&own, "admin_url"), text(&own, "admin_token"));
    let body = purchase(&card_id, "1.00");
    let (path, sent) = ("/sandbox/v1/authorisations", body.clone());
    let (url, token) = place.clone();
    let buying =
        tokio::spawn(async move { operator_keyed((&url, &token), path, "key", &sent).await });
    while world.enterprise.notice_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.crash();
    assert_eq!(buying.await.unwrap(), None);
    world.enterprise.answer(sim::Behaviour::Answer(domain::ResponseCode::Approved));
    let own = world.sandbox();
    let (url, token) = (text(&own, "admin_url"), text(&own, "admin_token"));
    let notices = world.enterprise.notice_count();
    let mut repeated = Vec::new();
    for _ in 0..2 {
        let (status, answer) = operator_keyed((&url, &token), path, "key", &body).await.unwrap();
        assert_eq!((status, &answer["approved"]), (200, &json!(false)), "{answer}");
        repeated.push(text(&answer, "authId"));
    }
    assert_eq!(repeated[0], repeated[1]);
    assert_eq!(world.enterprise.notice_count(), notices, "nobody is asked again");
    assert_eq!(world.available().await, "100000.00");
    world.verify_ledger().await;
}

/// Loads cards and clears purchases under keys from many callers, kills the server at a moment
/// given by the seed, and repeats everything: each call was carried out once.
async fn storm(engine: Engine, seed: u64) {
    let key = RsaPrivateKey::generate(2_048).unwrap();
    let mut world = World::new(&engine, &[]).await;
    let merchant = Arc::new(Merchant::new(&world, &key).await);
    let card_id = merchant.card(100).await;
    let mut calls = Vec::new();
    for n in 0..CALLS {
        let buy = json!({"cardId": card_id, "amount": "1.00", "currency": "840",
            "stan": format!("{n:06}"), "rrn": format!("{n:012}")});
        let bought = world.operator.post("/sandbox/v1/authorisations", &buy).await.unwrap();
        let clear = format!("/sandbox/v1/authorisations/{}/clear", text(&bought, "authId"));
        calls.push(clear);
    }
    let own = world.sandbox();
    let place = Arc::new((text(&own, "admin_url"), text(&own, "admin_token")));
    let mut callers = tokio::task::JoinSet::new();
    for (n, clear) in calls.iter().cloned().enumerate() {
        let (merchant, card_id, place) =
            (Arc::clone(&merchant), card_id.clone(), Arc::clone(&place));
        callers.spawn(async move {
            let recharge = json!({"card_id": card_id, "amount": 10});
            merchant.keyed("/rechargeCard", &format!("load-{n}"), &recharge).await;
            let body = json!({"amount": "0.60", "final": false});
            operator_keyed((&place.0, &place.1), &clear, &format!("clear-{n}"), &body).await;
        });
    }
    let load_ms = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % MOST_LOAD_MS;
    tokio::time::sleep(Duration::from_millis(load_ms)).await;
    world.kill();
    while callers.join_next().await.is_some() {}
    world.start_again();
    let merchant = Merchant::again(&world, &key);
    let own = world.sandbox();
    let (url, token) = (text(&own, "admin_url"), text(&own, "admin_token"));
    for (n, clear) in calls.iter().enumerate() {
        let recharge = json!({"card_id": card_id, "amount": 10});
        let repeated = merchant.keyed("/rechargeCard", &format!("load-{n}"), &recharge).await;
        assert_eq!(repeated, Some(json!({"data": "true"})), "seed {seed}");
        let body = json!({"amount": "0.60", "final": false});
        let cleared = operator_keyed((&url, &token), clear, &format!("clear-{n}"), &body).await;
        assert_eq!(cleared.unwrap().0, 200, "seed {seed}");
    }
    let listed = format!("/admin/v1/transactions?cardId={card_id}&limit=500");
    let posted = world.operator.get(&listed).await.unwrap();
    assert_eq!(posted["items"].as_array().unwrap().len(), CALLS, "seed {seed}");
    let available = 100 + 10 * CALLS - CALLS;
    assert_eq!(merchant.available(&card_id).await, available.to_string(), "seed {seed}");
    world.verify_ledger().await;
}

fn seeds() -> u64 {
    let asked = std::env::var("CARDBRIDGE_TEST_STORM_SEEDS").ok();
    asked.map_or(SEEDS, |text| text.parse().expect("a number of seeds"))
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_repeat_no_keyed_call_on_the_embedded_store() {
    for seed in 1..=seeds() {
        storm(Engine::embedded(), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_repeat_no_keyed_call_on_postgresql() {
    for seed in 1..=seeds() {
        storm(Engine::postgres().await, seed).await;
    }
}
