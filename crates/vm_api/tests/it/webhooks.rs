//! Webhooks to apps of dialect 2: transactions and 3DS codes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::described::{described_headers, own_headers};
use testkit::page_visits::has_word;
use testkit::platform::Platform;
use testkit::receiver::Receiver;
use testkit::signing::{Caller, text};
use testkit::vm_client::Merchant;
use testkit::vm_described::require_described_webhook;
use tokio::net::TcpListener;
use wire::cardbridge::standard_webhooks;
use wire::vm::error_code::ErrorCodes;

/// An answer that never comes.
const HANGS: &str = "(hangs)";
const OK: &str = r#"{"code":0,"msg":"ok"}"#;
const CHALLENGES: &str = "/sandbox/v1/3ds-challenges";

/// An app's receiver: gives the scripted answers first and acknowledges after them.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<VecDeque<String>>,
    seen: Mutex<Vec<(HeaderMap, Bytes)>>,
}

async fn keep(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> String {
    shared.seen.lock().unwrap().push((headers, body));
    let answer = shared.answers.lock().unwrap().pop_front().unwrap_or_else(|| OK.to_owned());
    if answer == HANGS {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    answer
}

impl Hook {
    pub async fn saying(answers: &[&str]) -> Self {
        let shared = Arc::new(Shared::default());
        shared.answers.lock().unwrap().extend(answers.iter().map(|it| (*it).to_owned()));
        let router = Router::new().route("/", post(keep)).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub fn bodies(&self) -> Vec<Value> {
        let bodies =
            self.seen().into_iter().map(|(_, body)| serde_json::from_slice(&body).unwrap());
        bodies.inspect(require_described_webhook).collect()
    }

    /// Types, states and settled amounts, in order.
    fn told(&self) -> Vec<String> {
        let fact_of = |it: &Value| {
            let (kind, state) = (text(&it["type"]), text(&it["status"]));
            format!("{kind}, {state}, {}", it["settle_amount"])
        };
        self.bodies().iter().map(fact_of).collect()
    }
}

const OPEN: &str = "Authorization, PENDING, 0";
const CANCELLED: &str = "Authorization Cancel, COMPLETE, 0";

/// The enterprise of an app as a caller of dialect 1.
async fn owner(platform: &Platform, merchant: &Merchant) -> Caller {
    let enterprise_id = merchant.app.enterprise_id.clone();
    let path = format!("/admin/v1/enterprises/{enterprise_id}/api-keys");
    let key = platform.done(&path, json!({})).await;
    Caller {
        enterprise_id,
        api_key: text(&key["apiKey"]),
        secret: text(&key["secretKey"]),
        profile_id: String::new(),
    }
}

/// A merchant whose webhooks go to a receiver with these answers, and its loaded card.
async fn merchant(platform: &Platform, answers: &[&str]) -> (Merchant, Hook, String) {
    let merchant = Merchant::new(platform).await;
    let hook = Hook::saying(answers).await;
    merchant.app.patch(platform, json!({ "webhookUrl": hook.url })).await;
    let card_id = card(&merchant).await;
    (merchant, hook, card_id)
}

async fn card(merchant: &Merchant) -> String {
    let order = json!({
        "product_code": merchant.save, "first_name": "Ann", "last_name": "Lee", "amount": 100,
    });
    text(&merchant.done("/createCard", order).await["card_id"])
}

async fn purchase(platform: &Platform, card_id: &str, amount: &str) -> Value {
    let body = json!({
        "cardId": card_id, "amount": amount, "currency": "840", "merchantName": "TEST SHOP",
    });
    platform.done("/sandbox/v1/authorisations", body).await
}

async fn post_of(platform: &Platform, auth_id: &Value, what: &str, body: Value) {
    let path = format!("/sandbox/v1/authorisations/{}/{what}", auth_id.as_str().unwrap());
    platform.done(&path, body).await;
}

async fn deliveries(platform: &Platform) -> Vec<Value> {
    let list = platform.admin_get("/admin/v1/webhook-deliveries?order=asc").await.json();
    let is_of_app = |it: &&Value| text(&it["webhookType"]).starts_with("VM_");
    list["items"].as_array().unwrap().iter().filter(is_of_app).cloned().collect()
}

both_engines!(an_authorisation_and_its_settlement_are_two_notices_of_one_row, |platform| {
    let (merchant, hook, card_id) = merchant(platform, &[]).await;
    let own = Receiver::start().await;
    own.listen_for(platform, &owner(platform, &merchant).await).await;
    let made = purchase(platform, &card_id, "12.34").await;
    platform.advance(1).await;
    assert_eq!(hook.told(), [OPEN]);
    post_of(platform, &made["authId"], "clear", json!({})).await;
    platform.advance(1).await;
    assert_eq!(hook.told(), [OPEN, "Settlement, COMPLETE, 12.34"]);
    let last = hook.bodies().remove(1);
    assert_eq!((&last["auth_id"], &last["card_id"]), (&made["authId"], &json!(card_id)));
    assert_eq!((&last["auth_amount"], &last["auth_currency"]), (&json!(12.34), &json!("USD")));
    assert_eq!(last["merchant_name"], "TEST SHOP             ");
    assert_eq!(last.as_object().unwrap().len(), 12);
    let rows =
        platform.admin_get(&format!("/admin/v1/authorisations?order=asc&cardId={card_id}")).await;
    assert_eq!(rows.json()["items"].as_array().unwrap().len(), 1, "one record, changed in place");
    platform.advance(10_000).await;
    assert_eq!(hook.seen().len(), 2, "what was acknowledged is not sent again");
    for (headers, _) in hook.seen() {
        assert_eq!(headers["content-type"], "application/json");
        assert!(own_headers(&headers).is_empty(), "{headers:?}");
    }
    assert!(own.of_type("AUTHORISATION_RESULT").is_empty(), "nobody was asked");
});

both_engines!(declines_cancellations_expiries_and_refunds_are_told, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[]).await;
    purchase(platform, &card_id, "100.01").await;
    let reversed = purchase(platform, &card_id, "10").await;
    post_of(platform, &reversed["authId"], "reverse", json!({})).await;
    let cleared = purchase(platform, &card_id, "20").await;
    post_of(platform, &cleared["authId"], "clear", json!({})).await;
    let refund = json!({ "authId": cleared["authId"], "amount": "5", "currency": "840" });
    platform.done("/sandbox/v1/refunds", refund).await;
    purchase(platform, &card_id, "30").await;
    platform.advance(1).await;
    let mut told = hook.told();
    told.sort_unstable();
    let declined = "Authorization, DECLINED, 0";
    let (settled, refunded) = ("Settlement, COMPLETE, 20", "Refund, COMPLETE, 5");
    assert_eq!(told, [CANCELLED, declined, OPEN, OPEN, OPEN, refunded, settled]);
    let declined = hook.bodies().into_iter().find(|it| it["status"] == "DECLINED").unwrap();
    assert_ne!(declined["description"], "");
    platform.advance(8 * 86_400).await;
    assert_eq!(hook.told().pop().as_deref(), Some(CANCELLED));
    assert_eq!(hook.told().len(), 8);
    platform.assert_ledger_adds_up().await;
});

both_engines!(what_changes_nothing_of_a_row_is_not_told, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[]).await;
    let made = purchase(platform, &card_id, "30").await;
    post_of(platform, &made["authId"], "reverse", json!({ "amount": "5" })).await;
    platform.advance(1).await;
    assert_eq!(hook.told(), [OPEN]);
    for _ in 0..2 {
        let part = json!({ "amount": "10", "final": false });
        post_of(platform, &made["authId"], "clear", part).await;
    }
    post_of(platform, &made["authId"], "reverse", json!({})).await;
    platform.advance(8 * 86_400).await;
    let settled = ["Settlement, COMPLETE, 10", "Settlement, COMPLETE, 20"];
    assert_eq!(hook.told(), [OPEN, settled[0], settled[1]]);
    let cleared = purchase(platform, &card_id, "20").await;
    post_of(platform, &cleared["authId"], "clear", json!({ "amount": "1", "final": false })).await;
    platform.advance(8 * 86_400).await;
    assert_eq!(hook.told().split_off(3), [OPEN, "Settlement, COMPLETE, 1"]);
    platform.assert_ledger_adds_up().await;
});

both_engines!(what_the_end_of_its_bill_releases_is_told, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[]).await;
    let made = purchase(platform, &card_id, "10").await;
    post_of(platform, &made["authId"], "increment", json!({ "amount": "5" })).await;
    platform.advance(1).await;
    assert_eq!(hook.told(), [OPEN, OPEN]);
    post_of(platform, &made["authId"], "clear", json!({ "amount": "10" })).await;
    platform.advance(1).await;
    let mut told = hook.told().split_off(2);
    told.sort();
    assert_eq!(told, [CANCELLED, "Settlement, COMPLETE, 10"]);
    platform.assert_ledger_adds_up().await;
});

both_engines!(only_code_0_acknowledges_and_the_operator_resends_what_is_parked, |platform| {
    let refusals = [r#"{"code":"0"}"#, "", r#"{"code":200}"#, "ok"];
    let (_merchant, hook, card_id) = merchant(platform, &refusals).await;
    purchase(platform, &card_id, "1").await;
    platform.advance(10_000).await;
    let delivery = deliveries(platform).await.remove(0);
    assert_eq!(delivery["status"], "DEAD");
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 4);
    let resend = format!("/admin/v1/webhook-deliveries/{}/resend", text(&delivery["webhookId"]));
    platform.done(&resend, json!({})).await;
    platform.advance(1).await;
    assert_eq!(deliveries(platform).await[0]["status"], "DELIVERED");
    let seen = hook.seen();
    assert_eq!(seen.len(), 5);
    assert!(seen.iter().all(|(_, body)| *body == seen[0].1), "identical bytes");
    let again = platform.admin_post(&resend, &json!({})).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("delivery_over")));
});

both_engines!(a_receiver_that_hangs_is_sent_the_same_bytes_until_code_0, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[HANGS, r#"{"code":1}"#]).await;
    purchase(platform, &card_id, "1").await;
    // The first attempt ends by its own deadline, in real time.
    platform.advance(10).await;
    platform.advance(60).await;
    platform.advance(10_000).await;
    let seen = hook.seen();
    assert_eq!(seen.len(), 3, "first attempt, and again until it was acknowledged");
    assert!(seen.iter().all(|(_, body)| *body == seen[0].1), "identical bytes");
    let delivery = deliveries(platform).await.remove(0);
    assert_eq!(
        (&delivery["status"], delivery["attempts"].as_array().unwrap().len()),
        (&json!("DELIVERED"), 3)
    );
});

both_engines!(what_a_row_does_not_show_is_not_told, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[]).await;
    let part = |amount: &str| json!({ "amount": amount, "final": false });
    let made = purchase(platform, &card_id, "50").await;
    let mut told = vec![OPEN.to_owned()];
    for (what, body, news) in [
        ("reverse", json!({ "amount": "20" }), None),
        ("clear", part("10"), Some("Settlement, COMPLETE, 10")),
        ("reverse", json!({ "amount": "5" }), None),
        ("clear", part("5"), Some("Settlement, COMPLETE, 15")),
        ("reverse", json!({}), None),
    ] {
        post_of(platform, &made["authId"], what, body).await;
        platform.advance(1).await;
        told.extend(news.map(str::to_owned));
        assert_eq!(hook.told(), told, "{what}");
    }
    let expiring = purchase(platform, &card_id, "20").await;
    post_of(platform, &expiring["authId"], "clear", part("4")).await;
    platform.advance(8 * 86_400).await;
    told.extend([OPEN, "Settlement, COMPLETE, 4"].map(str::to_owned));
    assert_eq!(hook.told(), told, "the rest that expired is in no row");
    platform.assert_ledger_adds_up().await;
});

both_engines!(without_a_url_notices_wait_until_one_is_set, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = card(&merchant).await;
    purchase(platform, &card_id, "1").await;
    platform.advance(86_400).await;
    assert_eq!(deliveries(platform).await[0]["status"], "PENDING");
    let hook = Hook::saying(&[]).await;
    merchant.app.patch(platform, json!({ "webhookUrl": hook.url })).await;
    platform.advance(1).await;
    assert_eq!(hook.told(), [OPEN]);
});

both_engines!(signatures_are_switched_on_and_verified_with_the_secret_of_the_app, |platform| {
    let (merchant, hook, card_id) = merchant(platform, &[]).await;
    merchant.app.patch(platform, json!({ "signWebhooks": true })).await;
    purchase(platform, &card_id, "1").await;
    platform.advance(1).await;
    let path = format!("{}/webhook-secret", merchant.app.path());
    let secret = text(&platform.admin_get(&path).await.json()["webhookSecret"]);
    let (headers, body) = hook.seen().remove(0);
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let verified = standard_webhooks::verify(
        &secret,
        &header("webhook-id"),
        &header("webhook-timestamp"),
        &header("webhook-signature"),
        &body,
        platform.store.clock().real_now().as_millis() / 1_000,
    );
    assert_eq!(verified, Ok(()));
    let document = vm_api::vm_api_document(&ErrorCodes::default());
    assert_eq!(own_headers(&headers), described_headers(&document, "transaction"));
    assert_eq!(header("webhook-sequence"), "1");
    let unknown = platform.admin_get("/admin/v1/vm-apps/nobody/webhook-secret").await;
    assert_eq!(unknown.status, 404);
});

async fn challenge(platform: &Platform, card_id: &str) -> String {
    let body = json!({
        "cardId": card_id, "amount": "50", "currency": "840", "merchantName": "TEST SHOP",
    });
    text(&platform.done(CHALLENGES, body).await["challengeId"])
}

async fn typed(platform: &Platform, challenge_id: &str, otp: &str) -> (u16, Value) {
    let path = format!("{CHALLENGES}/{challenge_id}/verify");
    let answer = platform.admin_post(&path, &json!({ "otp": otp })).await;
    (answer.status, answer.json())
}

/// A code that is not this one.
fn other_than(otp: &str) -> &'static str {
    if otp == "000000" { "000001" } else { "000000" }
}

both_engines!(a_3ds_code_is_sent_sealed_at_rest_wiped_and_typed, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &["not yet"]).await;
    let id = challenge(platform, &card_id).await;
    platform.advance(1).await;
    let notice = hook.bodies().remove(0);
    let otp = text(&notice["data"]["otp"]);
    assert!(otp.len() == 6 && otp.bytes().all(|it| it.is_ascii_digit()));
    let expected = json!({
        "business_type": "Card3ds",
        "data": {
            "card_id": card_id, "currency": "USD", "amount": 50, "otp": otp, "detail": "TEST SHOP",
        },
    });
    assert_eq!(notice, expected);
    let stored = deliveries(platform).await;
    assert!(!has_word(&json!(stored).to_string(), &otp));
    let webhook_id = text(&stored[0]["webhookId"]).parse().unwrap();
    let kept = platform.store.delivery(webhook_id).await.unwrap().unwrap().event.body;
    assert!(!kept.is_empty() && !kept.windows(6).any(|it| it == otp.as_bytes()));
    assert_eq!(typed(platform, &id, other_than(&otp)).await.1["status"], "INIT");
    platform.advance(10).await;
    let wiped = platform.store.delivery(webhook_id).await.unwrap().unwrap().event.body;
    assert!(wiped.is_empty());
    let bodies: Vec<_> = hook.seen().into_iter().map(|(_, body)| body).collect();
    assert_eq!((bodies.len(), &bodies[0]), (2, &bodies[1]));
    let noticed = platform.admin_get(&format!("{CHALLENGES}/{id}")).await.json();
    assert_eq!(noticed["status"], "NOTICED");
    let (status, approved) = typed(platform, &id, &otp).await;
    assert_eq!((status, &approved["status"]), (200, &json!("APPROVED")));
    let (status, over) = typed(platform, &id, &otp).await;
    assert_eq!((status, &over["code"]), (409, &json!("challenge_state")));
    platform.advance(400).await;
    assert_eq!(hook.seen().len(), 2, "no other webhook tells of the challenge");
    assert_eq!(deliveries(platform).await.len(), 1);
});

both_engines!(five_wrong_codes_or_five_minutes_reject_a_challenge, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[]).await;
    let id = challenge(platform, &card_id).await;
    platform.advance(1).await;
    let otp = text(&hook.bodies()[0]["data"]["otp"]);
    for expected in ["NOTICED", "NOTICED", "NOTICED", "NOTICED", "REJECTED"] {
        assert_eq!(typed(platform, &id, other_than(&otp)).await.1["status"], expected);
    }
    assert_eq!(typed(platform, &id, &otp).await.0, 409);
    let late = challenge(platform, &card_id).await;
    platform.advance(301).await;
    let otp = text(&hook.bodies()[1]["data"]["otp"]);
    assert_eq!(typed(platform, &late, &otp).await.0, 409);
    let over = platform.admin_get(&format!("{CHALLENGES}/{late}")).await.json();
    assert_eq!(over["status"], "REJECTED");
});

both_engines!(of_two_right_codes_at_once_one_wins, |platform| {
    let (_merchant, hook, card_id) = merchant(platform, &[]).await;
    let id = challenge(platform, &card_id).await;
    platform.advance(1).await;
    let otp = text(&hook.bodies()[0]["data"]["otp"]);
    let (one, two) = tokio::join!(typed(platform, &id, &otp), typed(platform, &id, &otp));
    let mut statuses = [one.0, two.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
});

both_engines!(codes_are_for_challenges_of_apps_cards_and_verdicts_for_the_others, |platform| {
    let (merchant, _hook, card_id) = merchant(platform, &[]).await;
    let caller = Caller::new(platform).await;
    let own_card = text(&caller.new_card(platform, "order-1").await["cardId"]);
    let own = challenge(platform, &own_card).await;
    for id in [own.as_str(), "1", "x"] {
        assert_eq!(typed(platform, id, "000000").await.0, 404, "{id}");
    }
    let of_app = challenge(platform, &card_id).await;
    let path = format!("{CHALLENGES}/{of_app}/verify");
    for body in [json!({}), json!({ "otp": 1 }), json!({ "otp": "1", "more": 1 })] {
        assert_eq!(platform.admin_post(&path, &body).await.status, 422, "{body}");
    }
    let verdict = json!({ "challengeId": of_app, "approveStatus": "APPROVE" });
    let path = "/open-api/3ds-challenge/v1/authenticate";
    let foreign = caller.post(platform, path, &verdict).await;
    assert_eq!(foreign["code"], "DAPI_SYS_ILLEGAL_PARAM");
    let refused = owner(platform, &merchant).await.post(platform, path, &verdict).await;
    assert_eq!(refused["code"], "DAPI_SYS_ILLEGAL_PARAM", "the enterprise was not asked");
});
