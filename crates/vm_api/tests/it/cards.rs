//! The cards of dialect 2, as their merchant sees them.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::vm_client::Merchant;

fn body(product_code: &str, amount: Value) -> Value {
    json!({
        "product_code": product_code, "first_name": "Test", "last_name": "User",
        "amount": amount, "single_limit": 50, "day_limit": 60, "month_limit": 0,
        "label": "演示", "user_id": "7", "area_code": "+1", "mobile": "2025550100",
        "email": "t@example.com",
        "card_address": {
            "address_line_one": "1 Test Street", "address_line_two": "", "city": "Testville",
            "state": "NY", "country": "US", "post_code": "10001",
        },
    })
}

async fn opened(merchant: &Merchant, amount: i64) -> String {
    let made = merchant.done("/createCard", body(&merchant.save, json!(amount))).await;
    made["card_id"].as_str().unwrap().to_owned()
}

async fn detail(merchant: &Merchant, card_id: &str) -> Value {
    merchant.done("/cardDetail", json!({ "card_id": card_id })).await
}

async fn balance(merchant: &Merchant) -> Value {
    merchant.done("/getAccountBalance", json!({})).await["balance"].clone()
}

fn refusal(code: i64, text: &str) -> (i64, String) {
    (code, text.to_owned())
}

both_engines!(a_prepaid_card_is_opened_loaded_emptied_and_deleted, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = opened(&merchant, 20).await;
    assert_eq!(balance(&merchant).await, json!(9_980));
    let first = detail(&merchant, &card_id).await;
    let number = first["card_number"].as_str().unwrap();
    assert!(number.len() == 16 && crypto::luhn::is_valid(number), "{number}");
    assert_eq!(first["cvv"].as_str().unwrap().len(), 3);
    assert_eq!((&first["expire"], first["expire"].as_str().unwrap().len()), (&first["expiry"], 5));
    for (field, expected) in [
        ("card_id", json!(card_id)),
        ("status", json!("ACTIVE")),
        ("user_name", json!("Test User")),
        ("available_amount", json!(20)),
        ("card_type", json!("save")),
    ] {
        assert_eq!(first[field], expected, "{field}");
    }
    let listed = merchant.done("/getCardList", json!({ "card_id": card_id })).await;
    let listed = &listed["list"][0];
    let told = (&listed["label"], &listed["product_code"]);
    assert_eq!(told, (&json!("演示"), &json!(merchant.save)));
    for ours in ["create_time", "label", "product_code"] {
        assert_eq!(first.get(ours), None, "{ours} is told only where it is asked for");
    }
    assert_eq!(first["card_address"]["city"], "Testville");
    let limits = json!({
        "single_limit": 50, "day_limit": 60, "month_limit": 0, "total_limit": 0,
        "remaining_day_limit": 60, "remaining_month_limit": 0,
    });
    assert_eq!(first["limit"], limits);
    for amount in [json!(10), json!("10.50")] {
        let moved =
            merchant.done("/rechargeCard", json!({ "card_id": card_id, "amount": amount })).await;
        assert_eq!(moved, json!({ "data": "true" }));
    }
    merchant.done("/refundCard", json!({ "card_id": card_id, "amount": 0.01 })).await;
    assert_eq!(detail(&merchant, &card_id).await["available_amount"].to_string(), "40.49");
    assert_eq!(balance(&merchant).await.to_string(), "9959.51");
    let gone = merchant.done("/deleteCard", json!({ "card_id": card_id })).await;
    assert_eq!(gone, json!({ "card_id": card_id }));
    let last = detail(&merchant, &card_id).await;
    assert_eq!((&last["status"], &last["available_amount"]), (&json!("DELETED"), &json!(0)));
    assert_eq!(last["card_number"], first["card_number"]);
    assert_eq!(balance(&merchant).await, json!(10_000));
    let flows = merchant.done("/getCardFlow", json!({ "card_id": card_id })).await;
    let lines = flows["list"].as_array().unwrap().iter().rev();
    let lines: Vec<_> =
        lines.map(|it| format!("{} {} {}", it["type"], it["amount"], it["balance"])).collect();
    let expected = [
        "\"Create\" 20 20",
        "\"Recharge\" 10 30",
        "\"Recharge\" 10.5 40.5",
        "\"Refund\" -0.01 40.49",
        "\"Delete\" -40.49 0",
    ];
    assert_eq!((lines, flows["total"].clone()), (expected.map(str::to_owned).to_vec(), json!(5)));
    platform.assert_ledger_adds_up().await;
});

both_engines!(what_a_card_does_not_take_moves_nothing, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = opened(&merchant, 20).await;
    let share = merchant.done("/createCard", body(&merchant.share, json!(100))).await;
    let share = share["card_id"].as_str().unwrap();
    let of = |card_id: &str, amount: Value| json!({ "card_id": card_id, "amount": amount });
    for (path, parameters, code, text) in [
        ("/createCard", body("40009600", json!(20)), 700_002, "Invalid Product Code"),
        ("/createCard", body(&merchant.save, json!(9_980.01)), 700_004, "Balance Is Not Enough"),
        ("/createCard", body(&merchant.save, json!(5)), 400_003, "Amount Is Less Than 20"),
        ("/rechargeCard", of(&card_id, json!(5)), 400_003, "Amount Is Less Than 10"),
        ("/rechargeCard", of(&card_id, json!(9_990)), 700_004, "Balance Is Not Enough"),
        ("/refundCard", of(&card_id, json!(20.01)), 700_004, "Balance Is Not Enough"),
        ("/rechargeCard", of("nobody", json!(10)), 700_001, "Invalid CardId"),
        ("/cardDetail", json!({ "card_id": "nobody" }), 700_001, "Invalid CardId"),
        ("/getCardFlow", json!({ "card_id": "nobody" }), 700_001, "Invalid CardId"),
        ("/rechargeCard", of(share, json!(10)), 700_010, NOT_FOR_IT),
        ("/refundCard", of(share, json!(10)), 700_010, NOT_FOR_IT),
    ] {
        assert_eq!(merchant.refused(path, parameters).await, refusal(code, text), "{path}");
    }
    assert_eq!(balance(&merchant).await, json!(9_980));
    let other = Merchant::new(platform).await;
    for path in ["/cardDetail", "/deleteCard", "/getCardFlow"] {
        let refused = other.refused(path, json!({ "card_id": card_id })).await;
        assert_eq!(refused, refusal(700_001, "Invalid CardId"), "{path}");
    }
});

both_engines!(the_last_card_of_a_product_is_opened_once, |platform| {
    let merchant = Merchant::new(platform).await;
    let path = format!("{}/products", merchant.app.path());
    let products = platform.admin_get(&path).await.json();
    let of_save = |it: &&Value| it["productCode"] == *merchant.save;
    let listed = products["items"].as_array().unwrap().iter().find(of_save).unwrap();
    let last = json!({
        "productCode": merchant.save, "profileId": listed["profileId"], "funding": "save",
        "remainingCards": 1,
    });
    platform.done(&path, last).await;
    let order = || merchant.call("/createCard", body(&merchant.save, json!(20)));
    let (one, two) = tokio::join!(order(), order());
    let refused = [one, two].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].code(), refused[0].msg()), (Some(700_005), "Open Card Limit"));
    assert_eq!(balance(&merchant).await, json!(9_980));
    let left = merchant.done("/getProductCode", json!({})).await;
    let left =
        left["list"].as_array().unwrap().iter().find(|it| it["product_code"] == *merchant.save);
    assert_eq!(left.unwrap()["remaining_open_card_num"], 0);
});

both_engines!(what_a_deleted_card_still_settles_is_the_accounts, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = opened(&merchant, 50).await;
    let mut open = Vec::new();
    for amount in ["10", "20"] {
        let purchase = json!({ "cardId": card_id, "amount": amount, "currency": "840" });
        let made = platform.done("/sandbox/v1/authorisations", purchase).await;
        open.push(made["authId"].as_str().unwrap().to_owned());
    }
    merchant.done("/deleteCard", json!({ "card_id": card_id })).await;
    assert_eq!(balance(&merchant).await, json!(9_970));
    let after = async |auth_id: &str, what: &str, body: Value| {
        platform.done(&format!("/sandbox/v1/authorisations/{auth_id}/{what}"), body).await;
    };
    after(&open[0], "reverse", json!({})).await;
    after(&open[1], "clear", json!({ "amount": "15" })).await;
    assert_eq!(balance(&merchant).await, json!(9_985));
    let last = detail(&merchant, &card_id).await;
    assert_eq!((&last["status"], &last["available_amount"]), (&json!("DELETED"), &json!(0)));
    platform.assert_ledger_adds_up().await;
});

const NOT_FOR_IT: &str = "Card status does not support this operation";

both_engines!(a_frozen_card_is_unfrozen_before_it_is_deleted, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = opened(&merchant, 20).await;
    let freeze = |status: &str| json!({ "card_id": card_id, "status": status });
    let frozen = merchant.done("/freezeCard", freeze("CANCELLED")).await;
    assert_eq!(frozen, freeze("CANCELLED"));
    let again = merchant.refused("/freezeCard", freeze("CANCELLED")).await;
    assert_eq!(again, refusal(700_010, "Card Canceled"));
    let unknown = merchant.refused("/freezeCard", freeze("freeze")).await;
    assert_eq!(unknown, refusal(400_003, "Status Error"));
    let delete = json!({ "card_id": card_id });
    let refused = merchant.refused("/deleteCard", delete.clone()).await;
    assert_eq!(refused, refusal(700_010, "Abnormal card status"));
    assert_eq!(detail(&merchant, &card_id).await["status"], "CANCELLED");
    for _ in 0..2 {
        assert_eq!(merchant.done("/freezeCard", freeze("ACTIVE")).await, freeze("ACTIVE"));
    }
    merchant.done("/deleteCard", delete).await;
    assert_eq!(
        merchant.refused("/freezeCard", freeze("ACTIVE")).await,
        refusal(700_010, NOT_FOR_IT)
    );
});

both_engines!(each_opening_of_card_data_is_on_record_and_names_the_app, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = opened(&merchant, 20).await;
    detail(&merchant, &card_id).await;
    let reveals = reveals(platform, &card_id).await;
    assert_eq!(reveals.len(), 1);
    assert_eq!(reveals[0]["purpose"], "VM_CARD_DETAIL");
    assert_eq!(reveals[0]["actor"], json!(merchant.app.app_id));
});

async fn reveals(platform: &Platform, card_id: &str) -> Vec<Value> {
    let shown = platform.admin_get(&format!("/admin/v1/cards/{card_id}/reveals")).await;
    shown.json()["items"].as_array().unwrap().clone()
}
