//! cardTransaction, getCardList and updateCardLimit, with the transactions behind them.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::vm_client::Merchant;

async fn card(merchant: &Merchant, product: &str, amount: i64) -> String {
    let request = json!({
        "product_code": product, "first_name": "Test", "last_name": "User", "amount": amount,
    });
    merchant.done("/createCard", request).await["card_id"].as_str().unwrap().to_owned()
}

async fn buy(platform: &Platform, card: &str, amount: &str) -> (String, String) {
    let purchase = json!({"cardId": card, "amount": amount, "currency": "USD"});
    let answer = platform.done("/sandbox/v1/authorisations", purchase).await;
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("authId"), text("responseCode"))
}

async fn after(platform: &Platform, auth_id: &str, what: &str, body: Value) {
    platform.done(&format!("/sandbox/v1/authorisations/{auth_id}/{what}"), body).await;
}

both_engines!(one_row_for_each_authorisation_changes_in_place, |platform| {
    let merchant = Merchant::new(platform).await;
    let own = card(&merchant, &merchant.save, 100).await;
    let (cleared, _) = buy(platform, &own, "10").await;
    let (reversed, _) = buy(platform, &own, "20").await;
    let (open, _) = buy(platform, &own, "5").await;
    let (declined, code) = buy(platform, &own, "65.01").await;
    assert_eq!(code, "01");
    after(platform, &cleared, "clear", json!({"amount": "12.50", "final": true})).await;
    after(platform, &reversed, "reverse", json!({})).await;
    let refund = json!({"authId": cleared, "amount": "2", "currency": "USD"});
    platform.done("/sandbox/v1/refunds", refund).await;
    let all = merchant.done("/cardTransaction", json!({"page_size": 100})).await;
    assert_eq!(all["total"], 5);
    let rows = all["list"].as_array().unwrap();
    let row = |auth_id: &str| rows.iter().find(|it| it["auth_id"] == auth_id).unwrap();
    for (auth_id, kind, status, settled) in [
        (&cleared, "Settlement", "COMPLETE", json!(12.5)),
        (&reversed, "Authorization Cancel", "COMPLETE", json!(0)),
        (&open, "Authorization", "PENDING", json!(0)),
        (&declined, "Authorization", "DECLINED", json!(0)),
    ] {
        let it = row(auth_id);
        assert_eq!((&it["type"], &it["status"]), (&json!(kind), &json!(status)));
        assert_eq!((&it["settle_amount"], &it["card_id"]), (&settled, &json!(own)));
    }
    assert_eq!((&rows[0]["type"], &rows[0]["status"]), (&json!("Refund"), &json!("COMPLETE")));
    // The store's filters agree with the words in the rows.
    for (field, name) in [("transaction_type", "type"), ("status", "status")] {
        for wanted in rows.iter().map(|it| it[name].clone()).chain([json!("None")]) {
            let expected: Vec<_> = rows.iter().filter(|it| it[name] == wanted).collect();
            let found = merchant.done("/cardTransaction", json!({field: wanted})).await;
            assert_eq!(found["list"].as_array().unwrap().iter().collect::<Vec<_>>(), expected);
            assert_eq!(found["total"], expected.len());
        }
    }
    let time = rows[0]["create_time"].clone();
    let within = json!({"start_time": time, "end_time": time, "card_id": own});
    assert_ne!(merchant.done("/cardTransaction", within).await["total"], 0);
    let other = Merchant::new(platform).await;
    for it in [json!({}), json!({"card_id": own}), json!({"auth_id": open})] {
        assert_eq!(other.done("/cardTransaction", it).await["total"], 0);
    }
    platform.assert_ledger_adds_up().await;
});

both_engines!(pages_are_full_to_the_last, |platform| {
    let merchant = Merchant::new(platform).await;
    let own = card(&merchant, &merchant.save, 100).await;
    for _ in 0..1_200 {
        buy(platform, &own, "0.01").await;
    }
    let mut seen = std::collections::HashSet::new();
    for (page, rows) in [(1, 500), (2, 500), (3, 200), (4, 0)] {
        let request = json!({"page": page, "page_size": 500});
        let answer = merchant.done("/cardTransaction", request).await;
        let list = answer["list"].as_array().unwrap();
        assert_eq!((list.len(), &answer["total"]), (rows, &json!(1_200)));
        seen.extend(list.iter().map(|it| it["auth_id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 1_200);
});

both_engines!(two_cards_at_once_never_overdraw_their_wallet, |platform| {
    let merchant = Merchant::new(platform).await;
    let first = card(&merchant, &merchant.share, 100_000).await;
    let second = card(&merchant, &merchant.share, 100_000).await;
    let buyers = (0..20).map(|turn| {
        let card = if turn % 2 == 0 { &first } else { &second };
        buy(platform, card, "900")
    });
    let answers = futures_util::future::join_all(buyers).await;
    assert_eq!(answers.iter().filter(|(_, code)| code == "00").count(), 11);
    let balance = merchant.done("/getAccountBalance", json!({})).await;
    assert_eq!(balance["wallet_balance"], 100);
    platform.assert_ledger_adds_up().await;
});

both_engines!(cards_are_listed_and_their_lines_changed, |platform| {
    let merchant = Merchant::new(platform).await;
    let own = card(&merchant, &merchant.save, 50).await;
    let line = card(&merchant, &merchant.share, 100).await;
    let deleted = card(&merchant, &merchant.save, 20).await;
    merchant.done("/deleteCard", json!({"card_id": deleted})).await;
    let all = merchant.done("/getCardList", json!({})).await;
    let ids: Vec<_> = all["list"].as_array().unwrap().iter().map(|it| &it["card_id"]).collect();
    assert_eq!((&all["total"], ids), (&json!(2), vec![&json!(line), &json!(own)]));
    let number = all["list"][1]["card_number"].as_str().unwrap();
    assert_eq!(
        (number.len(), &number[6..12], &all["list"][1]["available_amount"]),
        (16, "******", &json!(50))
    );
    let found = merchant.done("/getCardList", json!({"card_id": deleted})).await;
    assert_eq!((&found["list"][0]["status"], &found["total"]), (&json!("DELETED"), &json!(1)));
    let found = merchant.done("/getCardList", json!({"card_type": "share"})).await;
    assert_eq!((&found["list"][0]["card_id"], &found["total"]), (&json!(line), &json!(1)));
    let change = |card: &str| json!({"card_id": card, "amount": 30, "day_limit": "20"});
    assert_eq!(merchant.refused("/updateCardLimit", change(&own)).await.0, 700_010);
    assert_eq!(merchant.refused("/updateCardLimit", change("none")).await.0, 700_001);
    let other = Merchant::new(platform).await;
    assert_eq!(other.refused("/updateCardLimit", change(&line)).await.0, 700_001);
    assert_eq!(other.done("/getCardList", json!({"card_id": line})).await["total"], 0);
    assert_eq!(merchant.done("/updateCardLimit", change(&line)).await, json!({}));
    assert_eq!(buy(platform, &line, "20.01").await.1, "01");
    assert_eq!(buy(platform, &line, "20").await.1, "00");
    assert_eq!(buy(platform, &line, "0.01").await.1, "01");
    let open = json!({"card_id": line, "day_limit": 0});
    merchant.done("/updateCardLimit", open).await;
    assert_eq!(buy(platform, &line, "10.01").await.1, "01");
    let left = async || {
        let detail = merchant.done("/cardDetail", json!({"card_id": line})).await;
        detail["available_amount"].clone()
    };
    assert_eq!(left().await, 10);
    assert_eq!(buy(platform, &line, "10").await.1, "00");
    assert_eq!(left().await, 0);
    platform.assert_ledger_adds_up().await;
});
