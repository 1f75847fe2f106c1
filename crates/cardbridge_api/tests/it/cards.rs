//! Cards over the wire (cardbridge-open-api.md section 6.2), and the issuer's own freeze.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::signing::{Caller, text};

const FREEZE: &str = "/open-api/card/v1/freeze";
const TERMINATE: &str = "/open-api/card/v1/terminate";

both_engines!(a_card_is_frozen_and_thawed, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let freeze = async |freeze: Value, reason: &str| {
        let body = json!({"cardId": card_id, "freeze": freeze, "freezeReason": reason});
        caller.post(platform, FREEZE, &body).await
    };
    let refused = freeze(json!(false), "USER_FREEZE").await;
    assert_eq!(refused["code"], "DAPI_CARD_STATUS_NOT_FROZEN");
    let frozen = freeze(json!(true), "lost it somewhere").await;
    assert_eq!(frozen["data"]["status"], "FROZEN");
    assert_eq!(frozen["data"]["statusReason"], "USER_FREEZE");
    let refused = freeze(json!("true"), "USER_FREEZE").await;
    assert_eq!(refused["code"], "DAPI_CARD_STATUS_NOT_ACTIVATED");
    let thawed = freeze(json!(false), "USER_FREEZE").await;
    assert_eq!(thawed["data"]["status"], "ACTIVATED");
    assert_eq!(thawed["data"]["statusReason"], "NORMAL");
});

both_engines!(a_card_ends_once, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let body = json!({"cardId": card_id, "invalidateReason": "the dog ate it"});
    let ended = caller.post(platform, TERMINATE, &body).await;
    assert_eq!(ended["data"]["status"], "INVALID", "{ended}");
    let again = caller.post(platform, TERMINATE, &body).await;
    assert_eq!(again["code"], "DAPI_OPERATION_NOT_SUPPORT");
    let card = platform.admin_get(&format!("/admin/v1/cards/{card_id}")).await.json();
    assert_eq!(card["invalidateReason"], "the dog ate it");
    let customer_id = text(&ended["data"]["customerId"]);
    let list = format!("/open-api/card/v1/list?customerId={customer_id}");
    assert_eq!(caller.get(platform, &list).await["data"][0]["status"], "INVALID");
});

both_engines!(the_issuers_freeze_is_the_issuers, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let blocked = platform.done(&format!("/admin/v1/cards/{card_id}/block"), json!({})).await;
    assert_eq!(blocked["status"], "BLOCKED");
    let again = platform.admin_post(&format!("/admin/v1/cards/{card_id}/block"), &json!({})).await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("card_state")));
    let body = json!({"cardId": card_id, "freeze": false});
    let refused = caller.post(platform, FREEZE, &body).await;
    assert_eq!(refused["code"], "DAPI_CARD_STATUS_NOT_FROZEN");
    let unblocked = platform.done(&format!("/admin/v1/cards/{card_id}/unblock"), json!({})).await;
    assert_eq!(unblocked["status"], "ACTIVATED");
    for missing in ["1", "card_1"] {
        let path = format!("/admin/v1/cards/{missing}/block");
        assert_eq!(platform.admin_post(&path, &json!({})).await.status, 404);
    }
});

both_engines!(foreign_and_unknown_cards_are_not_found, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let theirs = other.new_card(platform, "ord-1").await;
    let (card_id, customer_id) = (text(&theirs["cardId"]), text(&theirs["customerId"]));
    for id in [card_id.as_str(), "1", "card_123456789", "0", "-1"] {
        let detail = caller.get(platform, &format!("/open-api/card/v1/detail?cardId={id}")).await;
        assert_eq!(detail["code"], "DAPI_CARD_NOT_FOUND", "{id}");
        let freeze = json!({"cardId": id, "freeze": true});
        let terminate = json!({"cardId": id, "invalidateReason": "CARD_LOST"});
        for (path, body) in [(FREEZE, &freeze), (TERMINATE, &terminate)] {
            let answer = caller.post(platform, path, body).await;
            assert_eq!(answer["code"], "DAPI_CARD_NOT_FOUND", "{path} {id}");
        }
    }
    for id in [customer_id.as_str(), "cust-1"] {
        let list = caller.get(platform, &format!("/open-api/card/v1/list?customerId={id}")).await;
        assert_eq!(list["code"], "DAPI_CUSTOMER_NOT_FOUND", "{id}");
    }
    let card = platform.admin_get(&format!("/admin/v1/cards/{card_id}")).await.json();
    assert_eq!(card["status"], "ACTIVATED");
});

both_engines!(malformed_requests_change_no_card, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    for body in [
        json!({"cardId": card_id}),
        json!({"cardId": card_id, "freeze": null}),
        json!({"cardId": card_id, "freeze": "yes"}),
        json!({"cardId": card_id, "freeze": 1}),
        json!({"cardId": {}, "freeze": true}),
        json!({"cardId": card_id, "freeze": true, "freezeReason": "x".repeat(257)}),
    ] {
        let answer = caller.post(platform, FREEZE, &body).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{body}");
    }
    let answer = caller.post(platform, TERMINATE, &json!({"cardId": card_id})).await;
    assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM");
    // A POST never reads its query.
    let target = format!("{FREEZE}?cardId={card_id}&freeze=true");
    let answer = caller.post(platform, &target, &json!({})).await;
    assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM");
    let card = platform.admin_get(&format!("/admin/v1/cards/{card_id}")).await.json();
    assert_eq!(card["status"], "ACTIVATED");
    // An id may be a JSON number.
    let number: u64 = card_id.parse().unwrap();
    let frozen = caller.post(platform, FREEZE, &json!({"cardId": number, "freeze": true})).await;
    assert_eq!(frozen["data"]["status"], "FROZEN");
});
