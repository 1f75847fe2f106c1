//! The fees of an app, set by the operator and seen by the merchant, and the rows that the
//! transactions of its cards leave in getCardFlow.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::platform::Platform;
use testkit::vm_client::Merchant;

fn fees() -> Value {
    json!({
        "opening": "1.00", "authorisation": { "percent": "2.00" }, "decline": { "least": "0.30" },
        "crossBorder": { "percent": "1.00", "least": "0.45" },
    })
}

async fn charged_merchant(platform: &Platform) -> Merchant {
    let merchant = Merchant::new(platform).await;
    merchant.app.patch(platform, json!({ "fees": fees() })).await;
    merchant
}

fn order(merchant: &Merchant, amount: Value) -> Value {
    json!({
        "product_code": merchant.save, "first_name": "Ann", "last_name": "Lee", "amount": amount,
    })
}

async fn card(merchant: &Merchant, amount: Value) -> String {
    let made = merchant.done("/createCard", order(merchant, amount)).await;
    made["card_id"].as_str().unwrap().to_owned()
}

/// A purchase whose message has this number; its id and response code.
async fn buy(
    platform: &Platform,
    card_id: &str,
    (amount, currency): (&str, &str),
    stan: &str,
) -> (String, String) {
    let purchase = json!({
        "cardId": card_id, "amount": amount, "currency": currency, "stan": stan,
        "rrn": "000000000001",
    });
    let answer = platform.done("/sandbox/v1/authorisations", purchase).await;
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("authId"), text("responseCode"))
}

async fn after(platform: &Platform, auth_id: &str, what: &str, body: Value) {
    platform.done(&format!("/sandbox/v1/authorisations/{auth_id}/{what}"), body).await;
}

async fn balance(merchant: &Merchant) -> String {
    merchant.done("/getAccountBalance", json!({})).await["balance"].to_string()
}

both_engines!(an_operator_sets_fees_part_by_part, |platform| {
    let merchant = Merchant::new(platform).await;
    let shown = async || platform.admin_get(&merchant.app.path()).await.json()["fees"].clone();
    let nothing = json!({ "percent": "0.00", "least": "0.00" });
    let none = json!({
        "opening": "0.00", "authorisation": nothing, "decline": nothing, "crossBorder": nothing,
    });
    assert_eq!(shown().await, none);
    merchant.app.patch(platform, json!({ "fees": fees() })).await;
    let set = json!({
        "opening": "1.00",
        "authorisation": { "percent": "2.00", "least": "0.00" },
        "decline": { "percent": "0.00", "least": "0.30" },
        "crossBorder": { "percent": "1.00", "least": "0.45" },
    });
    assert_eq!(shown().await, set);
    for bad in [
        json!({ "opening": "-1" }),
        json!({ "opening": "1.001" }),
        json!({ "authorisation": { "percent": "100.01" } }),
        json!({ "authorisation": { "percent": "-0.01" } }),
        json!({ "decline": { "percent": "1.234" } }),
        json!({ "decline": { "least": "x" } }),
        json!({ "crossBorder": "1.00" }),
        json!({ "crossBorder": { "most": "1.00" } }),
        json!({ "closing": "1.00" }),
        json!("1.00"),
    ] {
        let answer = platform.admin_patch(&merchant.app.path(), &json!({ "fees": bad })).await;
        assert_eq!(answer.status, 422, "{bad}");
        assert!(answer.json()["detail"].as_str().unwrap().starts_with("fees"), "{bad}");
    }
    assert_eq!(shown().await, set);
    let change = json!({ "decline": { "percent": "100" }, "opening": "0" });
    merchant.app.patch(platform, json!({ "fees": change })).await;
    let changed = shown().await;
    assert_eq!(changed["decline"], json!({ "percent": "100.00", "least": "0.30" }));
    assert_eq!(
        (&changed["opening"], &changed["crossBorder"]),
        (&json!("0.00"), &set["crossBorder"])
    );
});

both_engines!(each_movement_and_each_fee_is_a_row_of_the_card, |platform| {
    let rates = json!({ "rates": [{ "from": "702", "to": "840", "rate": "0.74" }] });
    let put = Request::post("/admin/v1/fx-rates", rates.to_string());
    assert_eq!(platform.admin(Request { method: "PUT", ..put }).await.status, 200);
    let merchant = charged_merchant(platform).await;
    let card_id = card(&merchant, json!(100)).await;
    assert_eq!(balance(&merchant).await, "9899");
    let first = buy(platform, &card_id, ("10", "USD"), "000001").await;
    assert_eq!(buy(platform, &card_id, ("10", "USD"), "000001").await, first);
    assert_eq!((first.1.as_str(), balance(&merchant).await.as_str()), ("00", "9898.8"));
    let declined = buy(platform, &card_id, ("500", "USD"), "000002").await;
    assert_eq!(buy(platform, &card_id, ("500", "USD"), "000002").await, declined);
    assert_eq!((declined.1.as_str(), balance(&merchant).await.as_str()), ("01", "9898.5"));
    let abroad = buy(platform, &card_id, ("10", "SGD"), "000003").await;
    assert_eq!((abroad.1.as_str(), balance(&merchant).await.as_str()), ("00", "9897.9"));
    after(platform, &first.0, "clear", json!({ "amount": "12", "final": true })).await;
    after(platform, &abroad.0, "reverse", json!({})).await;
    let refund = json!({ "authId": first.0, "amount": "2", "currency": "USD" });
    platform.done("/sandbox/v1/refunds", refund).await;
    merchant.done("/deleteCard", json!({ "card_id": card_id })).await;
    assert_eq!(balance(&merchant).await, "9987.9");
    let asked = json!({ "card_id": card_id, "page_size": 100 });
    let flows = merchant.done("/getCardFlow", asked).await;
    let lines = flows["list"].as_array().unwrap().iter().rev();
    let facts = lines
        .clone()
        .map(|it| format!("{} {} {}", it["type"].as_str().unwrap(), it["amount"], it["balance"]));
    let expected = [
        "Create 100 100",
        "Fee -1 100",
        "Authorization -10 90",
        "Fee -0.2 90",
        "Fee -0.3 90",
        "Authorization -7.4 82.6",
        "Fee -0.15 82.6",
        "Fee -0.45 82.6",
        "Settlement -2 80.6",
        "Authorization 7.4 88",
        "Settlement 2 90",
        "Delete -90 0",
    ];
    assert_eq!(facts.collect::<Vec<_>>(), expected);
    let remarks: Vec<_> = lines.map(|it| it["remark"].as_str().unwrap().to_owned()).collect();
    for (row, (what, auth_id)) in [
        (2, ("held", &first.0)),
        (3, ("authorisation fee, charged to the account", &first.0)),
        (4, ("decline fee, charged to the account", &declined.0)),
        (7, ("cross-border fee, charged to the account", &abroad.0)),
        (8, ("clearing of 12.00 USD", &first.0)),
        (9, ("reversed", &abroad.0)),
    ] {
        assert_eq!(remarks[row], format!("{what}: {auth_id}"));
    }
    assert!(remarks[10].starts_with("refund of 2.00 USD: "), "{}", remarks[10]);
    platform.assert_ledger_adds_up().await;
});

both_engines!(a_fee_for_what_was_done_may_overdraw_and_one_for_a_card_may_not, |platform| {
    let merchant = charged_merchant(platform).await;
    let refused = merchant.refused("/createCard", order(&merchant, json!(9_999.5))).await;
    assert_eq!(refused, (700_004, "Balance Is Not Enough".to_owned()));
    let card_id = card(&merchant, json!(9_999)).await;
    assert_eq!(balance(&merchant).await, "0");
    let (_, code) = buy(platform, &card_id, ("10000", "USD"), "000001").await;
    assert_eq!((code.as_str(), balance(&merchant).await.as_str()), ("01", "-0.3"));
    let path =
        format!("/admin/v1/ledger/accounts?order=asc&enterpriseId={}", merchant.app.enterprise_id);
    let accounts = platform.admin_get(&path).await.json();
    let accounts = accounts["items"].as_array().unwrap();
    let flagged: Vec<_> = accounts.iter().filter(|it| it["forcedNegative"] == true).collect();
    assert_eq!((flagged.len(), &flagged[0]["availableAmount"]), (1, &json!("-0.30")));
    platform.assert_ledger_adds_up().await;
});
