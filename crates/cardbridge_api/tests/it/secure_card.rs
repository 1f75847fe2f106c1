//! Card data for enterprises with PCI papers (cardbridge-open-api.md section 6.2.5).

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::plastic::RETRIEVE;
use testkit::platform::Platform;
use testkit::signing::{Caller, envelope, text};

async fn reveals(platform: &Platform, card_id: &str) -> Vec<Value> {
    let audit = platform.admin_get(&format!("/admin/v1/cards/{card_id}/reveals")).await.json();
    audit["items"].as_array().unwrap().clone()
}

both_engines!(card_data_are_read_with_pci_papers_and_each_reading_is_on_record, |platform| {
    let caller = Caller::new(platform).await;
    caller.certify(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let card_id = text(&card["cardId"]);
    let data = caller.card_data(platform, &card_id).await;
    assert_eq!(data.pan[..6], card["panFirst6"].as_str().unwrap()[..]);
    assert_eq!(data.pan[12..], card["panLast4"].as_str().unwrap()[..]);
    // YYMM: the month is at the end.
    let month: u8 = data.expiry[2..].parse().unwrap();
    assert!(data.expiry.len() == 4 && (1..=12).contains(&month), "{}", data.expiry);
    assert_eq!(data.cvv2.len(), 3);
    let again = caller.card_data(platform, &card_id).await;
    assert_ne!(again.iv, data.iv, "an IV was used twice");
    let audit = reveals(platform, &card_id).await;
    assert_eq!(audit.len(), 2);
    for row in &audit {
        assert_eq!(row["purpose"], "RETRIEVE_SECURE_CARD");
        assert_eq!(row["actor"], json!(caller.api_key));
    }
    // The data read off the card buys with the card: only the enterprise cannot be reached.
    let purchase = json!({"pan": data.pan, "expiry": data.expiry, "cvv2": data.cvv2,
        "amount": "1.00", "currency": "840"});
    let answer = platform.done("/sandbox/v1/authorisations", purchase).await;
    assert_eq!(answer["detail"], "no_auth_url", "{answer}");
});

both_engines!(card_data_stay_closed_where_they_must, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let refused = async |caller: &Caller, body: Value, code: &str| {
        let answer = caller.post(platform, RETRIEVE, &body).await;
        assert_eq!((&answer["code"], &answer["data"]), (&json!(code), &Value::Null), "{body}");
    };
    refused(&caller, json!({"cardId": card_id}), "DAPI_PERMISSION_DENIED").await;
    caller.certify(platform).await;
    other.certify(platform).await;
    refused(&other, json!({"cardId": card_id}), "DAPI_CARD_NOT_FOUND").await;
    for id in ["1", "card_1", "-1"] {
        refused(&caller, json!({"cardId": id}), "DAPI_CARD_NOT_FOUND").await;
    }
    for body in [json!({}), json!({"cardId": null}), json!({"cardId": {}}), json!([])] {
        refused(&caller, body, "DAPI_SYS_ILLEGAL_PARAM").await;
    }
    // A frozen card may still be looked at, an ended one not.
    let freeze = json!({"cardId": card_id, "freeze": true});
    caller.post(platform, "/open-api/card/v1/freeze", &freeze).await;
    caller.card_data(platform, &card_id).await;
    let end = json!({"cardId": card_id, "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    refused(&caller, json!({"cardId": card_id}), "DAPI_CARD_STATUS_NOT_ACTIVATED").await;
    assert_eq!(reveals(platform, &card_id).await.len(), 1);
});

both_engines!(nobody_on_the_way_may_keep_card_data, |platform| {
    let caller = Caller::new(platform).await;
    caller.certify(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let request = Request::post(RETRIEVE, json!({"cardId": card_id}).to_string());
    let answer = caller.send(platform, request).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(envelope(&answer)["code"], "SYS_SUCCESS");
});
