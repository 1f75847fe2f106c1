//! The deposit as the operator moves it and as the enterprise reads it.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::signing::Caller;

const BALANCE: &str = "/open-api/enterprise/v1/enterprise-balance";

fn movement(currency: &str, amount: impl Into<Value>, reference: &str) -> Value {
    json!({"currency": currency, "amount": amount.into(), "reference": reference})
}

both_engines!(a_deposit_is_seen_by_the_enterprise, |platform| {
    let caller = Caller::new(platform).await;
    let answer = caller.send(platform, Request::get(format!("{BALANCE}?currency=840"))).await;
    // Compared as text: parsed JSON would lose the two decimals.
    let data = r#""data":{"currency":"840","totalAmount":1000.00,"availableAmount":1000.00,"usedAmount":0.00}"#;
    assert!(String::from_utf8_lossy(&answer.body).contains(data), "{answer:?}");
    let by_name = caller.get(platform, &format!("{BALANCE}?currency=USD")).await;
    assert_eq!(by_name["data"]["currency"], "840");
    for query in ["", "?currency=702", "?currency=000", "?currency=XYZ", "?currency="] {
        let answer = caller.get(platform, &format!("{BALANCE}{query}")).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "query {query:?}");
    }
});

both_engines!(a_reference_moves_money_once, |platform| {
    let caller = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let (deposits, withdrawals) = (format!("{path}/deposits"), format!("{path}/withdrawals"));
    let balance = platform.done(&deposits, movement("702", "50.25", "d-1")).await;
    assert_eq!(
        balance,
        json!({"currency": "702", "totalAmount": "50.25", "availableAmount": "50.25",
            "usedAmount": "0.00", "heldAmount": "0.00", "postedAmount": "0.00"})
    );
    assert_eq!(platform.done(&deposits, movement("SGD", 50.25, "d-1")).await, balance);
    let other = platform.admin_post(&deposits, &movement("702", "50.26", "d-1")).await;
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("reference_mismatch")));
    let beyond = platform.admin_post(&withdrawals, &movement("702", "50.26", "w-1")).await;
    assert_eq!((beyond.status, &beyond.json()["code"]), (409, &json!("insufficient_funds")));
    let balance = platform.done(&withdrawals, movement("702", "50.25", "w-1")).await;
    assert_eq!(balance["availableAmount"], "0.00");
    assert_eq!(platform.done(&withdrawals, movement("702", "50.25", "w-1")).await, balance);
    platform.assert_ledger_adds_up().await;
});

both_engines!(wrong_amounts_move_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}/deposits", caller.enterprise_id);
    for (currency, amount) in [
        ("840", json!("0")),
        ("840", json!("-1")),
        ("840", json!("1.001")),
        ("840", json!("1e-3")),
        ("840", json!("ten")),
        ("840", json!("99999999999999999999")),
        ("840", json!(1e300)),
        ("840", json!(true)),
        ("840", Value::Null),
        ("392", json!("1.5")),
        ("999999", json!("1")),
        ("AAA", json!("1")),
    ] {
        let answer = platform.admin_post(&path, &movement(currency, amount.clone(), "bad")).await;
        assert_eq!(answer.status, 422, "{currency} {amount}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("amount ") || detail.starts_with("currency "), "{detail}");
    }
    for body in [json!({}), json!({"currency": "840", "amount": "1"})] {
        assert_eq!(platform.admin_post(&path, &body).await.status, 422);
    }
    let body = movement("840", "1", "nobody");
    let nobody = platform.admin_post("/admin/v1/enterprises/1/deposits", &body).await;
    assert_eq!(nobody.status, 404);
    let query =
        format!("/admin/v1/ledger/accounts?order=asc&enterpriseId={}", caller.enterprise_id);
    let accounts = platform.admin_get(&query).await.json();
    assert_eq!(accounts["items"].as_array().unwrap().len(), 1);
    assert_eq!(accounts["items"][0]["availableAmount"], "1000.00");
    platform.assert_ledger_adds_up().await;
});
