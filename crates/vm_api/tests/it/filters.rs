//! The rows that the filters of dialect 2's lists leave out, and a list's facts about a card.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::vm_client::Merchant;

/// Ids of the rows that a list has with this filter; checks that its total counts them.
async fn listed(merchant: &Merchant, path: &str, id: &str, filter: Value) -> Vec<String> {
    let answer = merchant.done(path, filter.clone()).await;
    let rows = answer["list"].as_array().unwrap();
    assert_eq!(answer["total"], rows.len(), "{filter}");
    rows.iter().map(|it| it[id].as_str().unwrap().to_owned()).collect()
}

/// The text of a moment this many seconds later.
fn later(text: &Value, seconds: i64) -> String {
    let offset = wire::vm::time::Offset::default();
    let moment = offset.parse(text.as_str().unwrap()).unwrap();
    offset.text(moment.plus_seconds(seconds))
}

/// Each end of a span of times is inside, and nothing a second outside. Of three rows made
/// minutes apart, newest first, `time` is the middle one's.
async fn assert_ends_are_inside(
    merchant: &Merchant,
    (path, id): (&str, &str),
    rows: &[String],
    time: &Value,
) {
    let before = later(time, -1);
    let after = later(time, 1);
    for (filter, expected) in [
        (json!({ "start_time": time }), &rows[..2]),
        (json!({ "start_time": after }), &rows[..1]),
        (json!({ "end_time": time }), &rows[1..]),
        (json!({ "end_time": before }), &rows[2..]),
        (json!({ "start_time": time, "end_time": time }), &rows[1..2]),
        (json!({ "start_time": after, "end_time": before }), &[]),
    ] {
        assert_eq!(listed(merchant, path, id, filter.clone()).await, expected, "{filter}");
    }
    for bad in [json!({ "start_time": "yesterday" }), json!({ "end_time": "2030-13-01 00:00:00" })]
    {
        assert_eq!(merchant.refused(path, bad).await.0, 400_003);
    }
}

both_engines!(each_filter_of_the_cards_leaves_the_others_out, |platform| {
    let merchant = Merchant::new(platform).await;
    let mut cards = Vec::new();
    for product in [&merchant.save, &merchant.share, &merchant.save] {
        cards.insert(0, merchant.card(product, 100).await);
        platform.advance(60).await;
    }
    let by = async |filter: Value| listed(&merchant, "/getCardList", "card_id", filter).await;
    assert_eq!(by(json!({})).await, cards);
    assert_eq!(by(json!({ "product_code": merchant.share })).await, &cards[1..2]);
    assert_eq!(by(json!({ "product_code": "none" })).await, [""; 0]);
    assert_eq!(by(json!({ "card_type": "save" })).await, [&*cards[0], &cards[2]]);
    assert_eq!(by(json!({ "card_type": "SHARE" })).await, &cards[1..2]);
    assert_eq!(by(json!({ "card_type": "other" })).await, [""; 0]);
    assert_eq!(by(json!({ "card_id": cards[2] })).await, &cards[2..]);
    let both = json!({ "card_id": cards[2], "card_type": "share" });
    assert_eq!(by(both).await, [""; 0]);
    let one = merchant.done("/getCardList", json!({ "card_id": cards[1] })).await;
    let time = one["list"][0]["create_time"].clone();
    assert_ends_are_inside(&merchant, ("/getCardList", "card_id"), &cards, &time).await;
});

async fn buy(platform: &Platform, card_id: &str, amount: &str) -> String {
    let purchase = json!({ "cardId": card_id, "amount": amount, "currency": "840" });
    let made = platform.done("/sandbox/v1/authorisations", purchase).await;
    made["authId"].as_str().unwrap().to_owned()
}

both_engines!(each_filter_of_the_transactions_leaves_the_others_out, |platform| {
    let merchant = Merchant::new(platform).await;
    let own = merchant.card(&merchant.save, 100).await;
    let other = merchant.card(&merchant.save, 100).await;
    let mut rows = vec![buy(platform, &own, "10").await];
    platform.advance(60).await;
    rows.insert(0, buy(platform, &other, "100.01").await);
    platform.advance(60).await;
    rows.insert(0, buy(platform, &own, "20").await);
    let clear = format!("/sandbox/v1/authorisations/{}/clear", rows[0]);
    platform.done(&clear, json!({})).await;
    let by = async |filter: Value| listed(&merchant, "/cardTransaction", "auth_id", filter).await;
    assert_eq!(by(json!({})).await, rows);
    assert_eq!(by(json!({ "card_id": own })).await, [&*rows[0], &rows[2]]);
    assert_eq!(by(json!({ "card_id": "none" })).await, [""; 0]);
    assert_eq!(by(json!({ "auth_id": rows[1] })).await, &rows[1..2]);
    assert_eq!(by(json!({ "auth_id": "none" })).await, [""; 0]);
    assert_eq!(by(json!({ "transaction_type": "Authorization" })).await, &rows[1..]);
    assert_eq!(by(json!({ "transaction_type": "Settlement" })).await, &rows[..1]);
    assert_eq!(by(json!({ "status": "DECLINED" })).await, &rows[1..2]);
    assert_eq!(by(json!({ "status": "PENDING" })).await, &rows[2..]);
    assert_eq!(by(json!({ "status": "COMPLETE" })).await, &rows[..1]);
    assert_eq!(by(json!({ "status": "none" })).await, [""; 0]);
    let both = json!({ "status": "PENDING", "card_id": other });
    assert_eq!(by(both).await, [""; 0]);
    // Fields that the real service does not know are passed over.
    let ignored = json!({ "type": "Settlement", "start_date": "2000-01-01", "pageSize": 1 });
    assert_eq!(by(ignored).await, rows);
    let middle = merchant.done("/cardTransaction", json!({ "auth_id": rows[1] })).await;
    let time = &middle["list"][0]["create_time"];
    assert_ends_are_inside(&merchant, ("/cardTransaction", "auth_id"), &rows, time).await;
});

both_engines!(the_movements_of_one_card_are_those_of_no_other, |platform| {
    let merchant = Merchant::new(platform).await;
    let own = merchant.card(&merchant.save, 20).await;
    let other = merchant.card(&merchant.save, 30).await;
    merchant.done("/rechargeCard", json!({ "card_id": own, "amount": 10 })).await;
    let by = async |filter: Value| listed(&merchant, "/getCardFlow", "card_id", filter).await;
    assert_eq!(by(json!({})).await, [&*own, &other, &own]);
    assert_eq!(by(json!({ "card_id": own })).await, [&*own, &own]);
    assert_eq!(by(json!({ "card_id": other })).await, [&*other]);
    let page = json!({ "page": 2, "page_size": 2 });
    let second = merchant.done("/getCardFlow", page).await;
    assert_eq!((&second["total"], second["list"].as_array().unwrap().len()), (&json!(3), 1));
    let stranger = Merchant::new(platform).await;
    assert_eq!(stranger.refused("/getCardFlow", json!({ "card_id": own })).await.0, 700_001);
});

both_engines!(a_list_tells_of_a_card_what_its_detail_tells, |platform| {
    platform.at_noon().await;
    let merchant = Merchant::new(platform).await;
    let mut cards = Vec::new();
    for (product, amount) in [(&merchant.save, 40), (&merchant.share, 50), (&merchant.share, 500)] {
        cards.push(merchant.card(product, amount).await);
    }
    let limits = json!({ "card_id": cards[2], "day_limit": 60, "month_limit": 90 });
    merchant.done("/updateCardLimit", limits).await;
    for card_id in &cards {
        buy(platform, card_id, "15").await;
    }
    let list = merchant.done("/getCardList", json!({})).await;
    let mut available = Vec::new();
    for row in list["list"].as_array().unwrap().iter().rev() {
        let detail = merchant.detail(row["card_id"].as_str().unwrap()).await;
        for field in ["available_amount", "card_type", "status", "expire"] {
            assert_eq!(row[field], detail[field], "{field}");
        }
        let number = detail["card_number"].as_str().unwrap();
        let masked = format!("{}******{}", &number[..6], &number[12..]);
        assert_eq!(row["card_number"], json!(masked));
        assert_eq!(row.as_object().unwrap().len(), 9, "no CVV");
        available.push(row["available_amount"].clone());
    }
    assert_eq!(available, [json!(25), json!(35), json!(45)]);
    // Another day gives back what a day's limit took, also in the list.
    platform.advance(86_400).await;
    let list = merchant.done("/getCardList", json!({ "card_id": cards[2] })).await;
    let detail = merchant.detail(&cards[2]).await;
    assert_eq!(list["list"][0]["available_amount"], detail["available_amount"]);
    assert_ne!(list["list"][0]["available_amount"], 45);
});

both_engines!(products_name_their_network_as_published, |platform| {
    let merchant = Merchant::new(platform).await;
    for (network, shown) in [("MASTERCARD", "Mastercard"), ("visa", "Visa"), ("JCB", "JCB")] {
        let profile = json!({
            "enterpriseId": merchant.app.enterprise_id, "name": "P", "binRange": "400096",
            "currency": "840", "network": network,
        });
        let profile = platform.done("/admin/v1/card-profiles", profile).await;
        let product = json!({ "productCode": network, "profileId": profile["profileId"],
            "funding": "share", "issuingArea": "HK", "remainingCards": 5 });
        platform.done(&format!("{}/products", merchant.app.path()), product).await;
        let products = merchant.done("/getProductCode", json!({})).await;
        let listed = products["list"].as_array().unwrap();
        let it = listed.iter().find(|it| it["product_code"] == network).unwrap();
        let expected = json!({ "product_code": network, "bin": "400096", "type": "share",
            "network": shown, "media": "virtual", "issuing_area": "HK",
            "remaining_open_card_num": 5 });
        assert_eq!(*it, expected);
    }
});
