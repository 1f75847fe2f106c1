//! The cards of apps, named by their UUID where operators and the sandbox name cards.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::receiver::Receiver;
use testkit::signing::{Caller, text};
use testkit::vm_client::{Merchant, NewApp, merchant_key};

/// A merchant whose enterprise speaks dialect 1 too.
async fn merchant_of(platform: &Platform, caller: &Caller) -> Merchant {
    let app = NewApp::make_for(platform, &caller.enterprise_id).await;
    Merchant::of(platform, app, merchant_key()).await
}

async fn buy(platform: &Platform, card_id: &str) -> Value {
    let purchase = json!({ "cardId": card_id, "amount": "10", "currency": "840" });
    platform.done("/sandbox/v1/authorisations", purchase).await
}

async fn items(platform: &Platform, path: &str) -> Vec<Value> {
    platform.admin_get(path).await.json()["items"].as_array().unwrap().clone()
}

both_engines!(the_issuers_block_stops_an_apps_card_and_tells_no_enterprise, |platform| {
    let caller = Caller::new(platform).await;
    let merchant = merchant_of(platform, &caller).await;
    let own = Receiver::start().await;
    own.listen_for(platform, &caller).await;
    let card_id = merchant.card(&merchant.save, 50).await;
    let blocked = platform.done(&format!("/admin/v1/cards/{card_id}/block"), json!({})).await;
    assert_eq!((&blocked["status"], &blocked["cardId"]), (&json!("BLOCKED"), &json!(card_id)));
    assert_eq!(merchant.detail(&card_id).await["status"], "CANCELLED");
    assert_eq!(buy(platform, &card_id).await["approved"], false);
    // The app lifts its own freeze only.
    let unfreeze = json!({ "card_id": card_id, "status": "ACTIVE" });
    assert_eq!(merchant.refused("/freezeCard", unfreeze).await.0, 700_010);
    let upper = card_id.to_ascii_uppercase();
    let path = format!("/admin/v1/cards/{upper}/unblock");
    assert_eq!(platform.done(&path, json!({})).await["status"], "ACTIVATED");
    assert_eq!(merchant.detail(&card_id).await["status"], "ACTIVE");
    assert_eq!(buy(platform, &card_id).await["approved"], true);
    merchant.done("/deleteCard", json!({ "card_id": card_id })).await;
    let ended = platform.admin_post(&path, &json!({})).await;
    assert_eq!(ended.status, 409);
    platform.advance(1).await;
    assert_eq!(own.of_type("CARD"), Vec::<Value>::new());
    let told = items(platform, "/admin/v1/webhook-deliveries?order=asc").await;
    assert!(told.iter().all(|it| text(&it["webhookType"]).starts_with("VM_")), "{told:?}");
});

both_engines!(sandbox_and_lists_of_operators_take_the_uuid_of_an_apps_card, |platform| {
    let caller = Caller::new(platform).await;
    let merchant = merchant_of(platform, &caller).await;
    let card_id = merchant.card(&merchant.save, 50).await;
    let other = merchant.card(&merchant.save, 50).await;
    buy(platform, &other).await;
    let bought = buy(platform, &card_id).await;
    let amount = json!({ "cardId": card_id, "amount": "3", "currency": "840" });
    let forced = platform.done("/sandbox/v1/clearings", amount.clone()).await;
    let refunded = platform.done("/sandbox/v1/refunds", amount.clone()).await;
    let challenge = platform.done("/sandbox/v1/3ds-challenges", amount).await;
    let shown = platform.admin_get(&format!("/admin/v1/cards/{card_id}")).await.json();
    let challenge_path = format!("/sandbox/v1/3ds-challenges/{}", text(&challenge["challengeId"]));
    let challenge_again = platform.admin_get(&challenge_path).await.json();
    for it in [&shown, &forced, &refunded, &challenge, &challenge_again] {
        assert_eq!(it["cardId"], json!(card_id), "what goes in comes out: {it}");
    }
    let listed =
        items(platform, &format!("/admin/v1/authorisations?order=asc&cardId={card_id}")).await;
    let ids: Vec<_> = listed.iter().map(|it| &it["authId"]).collect();
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(ids.contains(&&bought["authId"]) && ids.contains(&&refunded["authId"]));
    let receipt = format!("/admin/v1/authorisations/{}", text(&bought["authId"]));
    let receipt = platform.admin_get(&receipt).await.json();
    let bill = format!("/admin/v1/outstandings/{}", text(&bought["outsId"]));
    let bill = platform.admin_get(&bill).await.json();
    for it in listed.iter().chain([&receipt, &bill["authorisations"][0]]) {
        assert_eq!(it["cardId"], json!(card_id), "{it}");
    }
    let posted =
        items(platform, &format!("/admin/v1/transactions?order=asc&cardId={card_id}")).await;
    assert_eq!(posted.len(), 2, "{posted:?}");
    let one = format!("/admin/v1/transactions/{}", text(&posted[0]["transactionId"]));
    assert_eq!(platform.admin_get(&one).await.json(), posted[0]);
    assert!(posted.iter().all(|it| it["cardId"] == json!(card_id)), "{posted:?}");
    let of_dialect_1 = platform.admin_get("/admin/v1/authorisations").await.json();
    let others = of_dialect_1["items"].as_array().unwrap().iter();
    let others: Vec<_> = others.filter(|it| it["cardId"] == json!(other)).collect();
    assert_eq!(others.len(), 1, "each row has the id of its own card");
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (path, status) in [
        (format!("/admin/v1/cards/{nobody}/block"), 404),
        (format!("/admin/v1/cards/{nobody}/unblock"), 404),
        (format!("/admin/v1/cards/{card_id}x/block"), 404),
    ] {
        assert_eq!(platform.admin_post(&path, &json!({})).await.status, status, "{path}");
    }
    let unknown = json!({ "cardId": nobody, "amount": "1", "currency": "840" });
    for what in ["authorisations", "clearings", "refunds", "3ds-challenges"] {
        let path = format!("/sandbox/v1/{what}");
        assert_eq!(platform.admin_post(&path, &unknown).await.status, 404, "{path}");
    }
    platform.assert_ledger_adds_up().await;
});

both_engines!(a_shops_refund_in_part_and_in_whole_is_a_row_of_its_own, |platform| {
    let merchant = Merchant::new(platform).await;
    let card_id = merchant.card(&merchant.save, 50).await;
    let bought = buy(platform, &card_id).await;
    let auth_id = text(&bought["authId"]);
    platform.done(&format!("/sandbox/v1/authorisations/{auth_id}/clear"), json!({})).await;
    let mut balance = json!(40);
    for (amount, shown, left) in [("4", json!(4), json!(44)), ("6", json!(6), json!(50))] {
        let refund = json!({ "authId": auth_id, "amount": amount, "currency": "840" });
        let refunded = platform.done("/sandbox/v1/refunds", refund).await;
        assert_ne!(refunded["authId"], bought["authId"]);
        let wanted = json!({ "auth_id": refunded["authId"] });
        let rows = merchant.done("/cardTransaction", wanted).await;
        let row = &rows["list"][0];
        assert_eq!((&rows["total"], &row["card_id"]), (&json!(1), &json!(card_id)));
        assert_eq!((&row["type"], &row["status"]), (&json!("Refund"), &json!("COMPLETE")));
        assert_eq!((&row["auth_amount"], &row["settle_amount"]), (&shown, &shown));
        assert_ne!(merchant.detail(&card_id).await["available_amount"], balance);
        balance = left;
        assert_eq!(merchant.detail(&card_id).await["available_amount"], balance);
    }
    let all = merchant.done("/cardTransaction", json!({ "transaction_type": "Refund" })).await;
    assert_eq!(all["total"], 2);
    let settled = merchant.done("/cardTransaction", json!({ "auth_id": auth_id })).await;
    assert_eq!(settled["list"][0]["type"], "Settlement", "what was bought stays as it is");
    platform.assert_ledger_adds_up().await;
});
