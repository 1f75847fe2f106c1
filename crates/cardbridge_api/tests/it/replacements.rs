//! A new number in place of an old one (cardbridge-open-api.md section 6.1.3).

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::plastic::told;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const REPLACE: &str = "/open-api/card-order/v1/replace";

async fn replace(platform: &Platform, caller: &Caller, order_ref: &str, card_id: &str) -> Value {
    let body = json!({"cardOrderRef": order_ref, "replaceCardId": card_id});
    caller.post(platform, REPLACE, &body).await
}

both_engines!(a_replaced_card_ends_when_its_successor_is_there, |platform| {
    let caller = Caller::new(platform).await;
    caller.certify(platform).await;
    let old = caller.new_card(platform, "ord-1").await;
    let old_id = text(&old["cardId"]);
    let waiting = caller.new_twin(platform, &old_id, "v2p-1").await;
    let old_pan = caller.card_data(platform, &old_id).await.pan;
    let placed = replace(platform, &caller, "rep-1", &old_id).await["data"].clone();
    assert_eq!((&placed["type"], &placed["status"]), (&json!("REPLACEMENT"), &json!("PENDING")));
    assert_eq!(placed["replaceCardId"], json!(old_id));
    assert_eq!(caller.card(platform, &old_id).await["status"], "ACTIVATED");
    platform.advance(2).await;
    let order = caller.order(platform, "rep-1").await;
    let new_id = text(&order["cardId"]);
    let card = caller.card(platform, &new_id).await;
    assert_eq!((&card["type"], &card["status"]), (&json!("VIRTUAL"), &json!("ACTIVATED")));
    assert_eq!(card["customerId"], old["customerId"]);
    assert_ne!(caller.card_data(platform, &new_id).await.pan, old_pan);
    for ended in [&old_id, &waiting] {
        assert_eq!(caller.card(platform, ended).await["status"], "INVALID");
    }
    assert_eq!(told(platform, &text(&order["cardOrderId"])).await, ["PENDING", "SUCCEED"]);
    assert_eq!(told(platform, &new_id).await, ["ACTIVATED"]);
    assert_eq!(told(platform, &old_id).await, ["ACTIVATED", "INVALID"]);
    assert_eq!(told(platform, &waiting).await, ["WAITING_ACTIVE", "INVALID"]);
});

both_engines!(a_physical_card_is_replaced_by_a_virtual_one, |platform| {
    let caller = Caller::new(platform).await;
    let (card_id, _) = caller.new_physical(platform).await;
    assert_eq!(replace(platform, &caller, "rep-1", &card_id).await["code"], "SYS_SUCCESS");
    platform.advance(2).await;
    let new_id = text(&caller.order(platform, "rep-1").await["cardId"]);
    assert_eq!(caller.card(platform, &new_id).await["type"], "VIRTUAL");
    assert_eq!(caller.card(platform, &card_id).await["status"], "INVALID");
    caller.new_twin(platform, &new_id, "v2p-2").await;
});

both_engines!(a_replacement_is_refused_by_the_first_thing_wrong_with_it, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let code = async |caller: &Caller, order_ref: &str, card_id: &str| {
        text(&replace(platform, caller, order_ref, card_id).await["code"])
    };
    assert_eq!(code(&caller, "ord-1", "1").await, "DAPI_CARD_ORDER_REF_ALREADY_EXISTS");
    for (caller, id) in [(&caller, "1"), (&caller, "card_1"), (&other, &*card_id)] {
        assert_eq!(code(caller, "rep-1", id).await, "DAPI_ORIGINAL_CARD_NOT_FOUND");
    }
    for body in [json!({"cardOrderRef": "r"}), json!({"replaceCardId": card_id})] {
        let answer = caller.post(platform, REPLACE, &body).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM");
    }
    let freeze = json!({"cardId": card_id, "freeze": true});
    caller.post(platform, "/open-api/card/v1/freeze", &freeze).await;
    assert_eq!(code(&caller, "rep-1", &card_id).await, "DAPI_ORIGINAL_CARD_STATUS_NOT_ACTIVATED");
    let thaw = json!({"cardId": card_id, "freeze": false});
    caller.post(platform, "/open-api/card/v1/freeze", &thaw).await;
    let (one, other) =
        tokio::join!(code(&caller, "rep-1", &card_id), code(&caller, "rep-2", &card_id));
    let mut codes = [one, other];
    codes.sort();
    assert_eq!(codes, ["DAPI_EXIST_NOT_FAILED_REPLACE_CARD_ORDER", "SYS_SUCCESS"]);
});

both_engines!(a_stop_is_not_shaken_off_by_a_replacement, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    replace(platform, &caller, "rep-1", &card_id).await;
    platform.done(&format!("/admin/v1/cards/{card_id}/block"), json!({})).await;
    platform.advance(2).await;
    let order = caller.order(platform, "rep-1").await;
    assert_eq!((&order["status"], &order["cardId"]), (&json!("FAILED"), &Value::Null));
    assert_eq!(order["errorCode"], "DAPI_ORIGINAL_CARD_STATUS_NOT_ACTIVATED");
    assert_eq!(caller.card(platform, &card_id).await["status"], "BLOCKED");
    platform.done(&format!("/admin/v1/cards/{card_id}/unblock"), json!({})).await;
    assert_eq!(replace(platform, &caller, "rep-2", &card_id).await["code"], "SYS_SUCCESS");
});
