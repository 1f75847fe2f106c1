//! `Idempotency-Key` of dialect 2, our extension (vm-api.md section 12).

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::send;
use testkit::platform::Platform;
use testkit::vm_client::{Merchant, raw_post};

/// Code and text of a refusal, or 0 and the plain object.
async fn sent(
    platform: &Platform,
    merchant: &Merchant,
    (path, key): (&str, &str),
    parameters: &Value,
) -> (Value, Value) {
    let token = merchant.client.token().await.unwrap();
    let body = merchant.client.envelope().seal(parameters.to_string().as_bytes()).unwrap();
    let request = raw_post(&token, path, &body).header("idempotency-key", key);
    let answer = send(platform.public, &request).await;
    assert_eq!(answer.status, 200);
    let outer = answer.json();
    let plain = outer["data"].as_str().map(|data| {
        let plain = merchant.client.envelope().open(data).unwrap();
        serde_json::from_slice(&plain).unwrap()
    });
    (outer["code"].clone(), plain.unwrap_or_else(|| outer["msg"].clone()))
}

fn body(merchant: &Merchant, amount: i64) -> Value {
    json!({
        "product_code": merchant.save, "first_name": "Test", "last_name": "User", "amount": amount,
    })
}

async fn balance(merchant: &Merchant) -> Value {
    merchant.done("/getAccountBalance", json!({})).await["balance"].clone()
}

both_engines!(a_key_carries_a_request_out_once_also_at_once, |platform| {
    let merchant = Merchant::new(platform).await;
    let create = body(&merchant, 100);
    let at_once =
        join_all((0..5).map(|_| sent(platform, &merchant, ("/createCard", "k-1"), &create))).await;
    assert_eq!(at_once[0].0, 0, "{at_once:?}");
    assert!(at_once.iter().all(|it| *it == at_once[0]), "{at_once:?}");
    assert_eq!(balance(&merchant).await, json!(9_900));
    let card_id = &at_once[0].1["card_id"];
    let recharge = json!({ "card_id": card_id, "amount": 10 });
    for _ in 0..3 {
        let answer = sent(platform, &merchant, ("/rechargeCard", "k-2"), &recharge).await;
        assert_eq!(answer, (json!(0), json!({ "data": "true" })));
    }
    assert_eq!(balance(&merchant).await, json!(9_890));
    // Without a key each is a new operation.
    for _ in 0..2 {
        merchant.done("/rechargeCard", recharge.clone()).await;
    }
    assert_eq!(balance(&merchant).await, json!(9_870));
    platform.assert_ledger_adds_up().await;
});

both_engines!(a_key_belongs_to_one_request_of_one_app, |platform| {
    let merchant = Merchant::new(platform).await;
    let (_, made) = sent(platform, &merchant, ("/createCard", "k"), &body(&merchant, 100)).await;
    let reused = (json!(400_008), json!("Idempotency-Key Was Used With Another Request"));
    let other = sent(platform, &merchant, ("/createCard", "k"), &body(&merchant, 101)).await;
    assert_eq!(other, reused);
    assert_eq!(sent(platform, &merchant, ("/deleteCard", "k"), &made).await, reused);
    assert_eq!(balance(&merchant).await, json!(9_900));
    let second = Merchant::new(platform).await;
    let (code, own) = sent(platform, &second, ("/createCard", "k"), &body(&second, 100)).await;
    assert_eq!(code, 0);
    assert_ne!(own, made);
    let long = "k".repeat(256);
    for bad in [" ", &long] {
        let refused = sent(platform, &merchant, ("/deleteCard", bad), &made).await;
        assert_eq!(refused, (json!(400_003), json!("field Idempotency-Key is invalid")));
    }
    // Calls that change nothing do not look at it, and their answers are not kept.
    for _ in 0..2 {
        let (code, shown) = sent(platform, &merchant, ("/cardDetail", &long), &made).await;
        assert_eq!((code, &shown["card_id"]), (json!(0), &made["card_id"]));
    }
});

both_engines!(a_refusal_leaves_its_key_free, |platform| {
    let merchant = Merchant::new(platform).await;
    let dear = body(&merchant, 10_001);
    for _ in 0..2 {
        let refused = sent(platform, &merchant, ("/createCard", "k"), &dear).await;
        assert_eq!(refused, (json!(700_004), json!("Balance Is Not Enough")));
    }
    let funds = json!({ "account": "balance", "amount": "1.00", "reference": "more" });
    platform.done(&format!("{}/funds", merchant.app.path()), funds).await;
    let (code, made) = sent(platform, &merchant, ("/createCard", "k"), &dear).await;
    assert_eq!(code, 0);
    assert_eq!(sent(platform, &merchant, ("/createCard", "k"), &dear).await, (json!(0), made));
    assert_eq!(balance(&merchant).await, json!(0));
});
