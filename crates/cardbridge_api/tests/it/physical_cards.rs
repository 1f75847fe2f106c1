//! From a virtual card to plastic (cardbridge-open-api.md sections 6.1.2, 6.2.6 and 6.2.8).

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::plastic::{ACTIVATE, ORDER, told};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const PURCHASE: &str = "/sandbox/v1/authorisations";

both_engines!(a_physical_twin_is_made_shipped_and_activated, |platform| {
    let caller = Caller::new(platform).await;
    caller.certify(platform).await;
    let virtual_card = caller.new_card(platform, "ord-1").await;
    let virtual_id = text(&virtual_card["cardId"]);
    let placed = caller.post(platform, ORDER, &caller.physical_order("v2p-1", &virtual_id)).await;
    let order = &placed["data"];
    assert_eq!(
        (&order["type"], &order["status"]),
        (&json!("VIRTUAL_TO_PHYSICAL"), &json!("PENDING"))
    );
    assert_eq!((&order["replaceCardId"], &order["cardId"]), (&json!(virtual_id), &Value::Null));
    platform.advance(2).await;
    let order_id = text(&order["cardOrderId"]);
    assert_eq!(
        told(platform, &order_id).await,
        ["PENDING", "PHYSICAL_SETTING_COMPLETED", "SUCCEED"]
    );
    let card_id = text(&caller.order(platform, "v2p-1").await["cardId"]);
    let card = caller.card(platform, &card_id).await;
    assert_eq!((&card["type"], &card["status"]), (&json!("PHYSICAL"), &json!("WAITING_ACTIVE")));
    for field in ["customerId", "profileId", "panFirst6", "panLast4"] {
        assert_eq!(card[field], virtual_card[field]);
    }
    let (own, twins) =
        (caller.card_data(platform, &card_id).await, caller.card_data(platform, &virtual_id).await);
    assert_eq!((own.pan, own.expiry, own.cvv2), (twins.pan, twins.expiry, twins.cvv2));
    assert_eq!(caller.card(platform, &virtual_id).await["status"], "ACTIVATED");

    let path = format!("/admin/v1/cards/{card_id}");
    let shipping = format!("/open-api/card/v1/shipping-info?cardId={card_id}");
    let early = json!({"cardId": card_id, "trackingNumber": null, "trackingCompanyName": null});
    assert_eq!(caller.get(platform, &shipping).await["data"], early);
    let refused = caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
    assert_eq!(refused["code"], "DAPI_CARD_NOT_EMBOSSED_ERROR");
    let parcel = json!({"trackingNumber": "T-1", "trackingCompanyName": "Post"});
    let too_early = platform.admin_post(&format!("{path}/ship"), &parcel).await;
    assert_eq!((too_early.status, &too_early.json()["code"]), (409, &json!("not_embossed")));
    let plastic = platform.admin_get(&format!("{path}/plastic")).await.json();
    assert_eq!(plastic["delivery"]["embossingName"], "TEST USER");
    assert_eq!(plastic["delivery"]["state"], "Singapore");
    platform.done(&format!("{path}/emboss"), json!({})).await;
    platform.done(&format!("{path}/emboss"), json!({})).await;
    platform.done(&format!("{path}/ship"), parcel).await;
    let on_its_way = caller.get(platform, &shipping).await["data"].clone();
    assert_eq!(
        (&on_its_way["trackingNumber"], &on_its_way["trackingCompanyName"]),
        (&json!("T-1"), &json!("Post"))
    );
    let plastic = platform.admin_get(&format!("{path}/plastic")).await.json();
    assert_eq!(plastic["delivery"], Value::Null);

    let activated = caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
    assert_eq!(activated["data"]["status"], "ACTIVATED", "{activated}");
    assert_eq!(caller.card(platform, &virtual_id).await["status"], "INVALID");
    assert_eq!(told(platform, &card_id).await, ["WAITING_ACTIVE", "ACTIVATED"]);
    assert_eq!(told(platform, &virtual_id).await, ["ACTIVATED", "INVALID"]);
    let again = caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
    assert_eq!(again["code"], "DAPI_CARD_STATUS_NOT_WAITING_ACTIVE");
});

both_engines!(a_physical_order_is_refused_by_the_first_thing_wrong_with_it, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let theirs = text(&other.new_card(platform, "ord-1").await["cardId"]);
    let sound = caller.physical_order("v2p-1", &card_id);
    // Each line corrects the mistake of the line before, except the first.
    let steps: [(&str, Value, &str); 7] = [
        ("/virtualToPhysicalInfo", Value::Null, "DAPI_SYS_ILLEGAL_PARAM"),
        ("/cardOrderRef", json!("ord-1"), "DAPI_CARD_ORDER_REF_ALREADY_EXISTS"),
        ("/replaceCardId", json!(theirs), "DAPI_ORIGINAL_CARD_NOT_FOUND"),
        ("/replaceCardId", json!("card_1"), "DAPI_ORIGINAL_CARD_NOT_FOUND"),
        ("/virtualToPhysicalInfo/cardLayoutCode", json!("NONE"), "DAPI_CARD_LAYOUT_NOT_FOUND"),
        (
            "/virtualToPhysicalInfo/countryCode",
            json!("FR"),
            "DAPI_CARD_PROFILE_NOT_SUPPORTING_COUNTRY_CODES",
        ),
        ("/virtualToPhysicalInfo/embossingName", json!("JOSÉ"), "DAPI_SYS_ILLEGAL_PARAM"),
    ];
    for (pointer, value, code) in steps {
        let mut body = sound.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let answer = caller.post(platform, ORDER, &body).await;
        assert_eq!(answer["code"], code, "{body}");
    }
    let freeze = async |freeze: bool| {
        let body = json!({"cardId": card_id, "freeze": freeze});
        caller.post(platform, "/open-api/card/v1/freeze", &body).await;
    };
    freeze(true).await;
    let answer = caller.post(platform, ORDER, &sound).await;
    assert_eq!(answer["code"], "DAPI_ORIGINAL_CARD_STATUS_NOT_ACTIVATED");
    freeze(false).await;
    let twin = caller.new_twin(platform, &card_id, "v2p-1").await;
    let again = caller.physical_order("v2p-2", &card_id);
    let answer = caller.post(platform, ORDER, &again).await;
    assert_eq!(answer["code"], "DAPI_EXIST_NOT_FAILED_REPLACE_CARD_ORDER");
    let answer = caller.post(platform, ORDER, &caller.physical_order("v2p-2", &twin)).await;
    assert_eq!(answer["code"], "DAPI_CARD_TYPE_NOT_VIRTUAL");
    // Once that twin has ended, another may be ordered.
    let end = json!({"cardId": twin, "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    assert_eq!(caller.card(platform, &card_id).await["status"], "ACTIVATED");
    assert_ne!(caller.new_twin(platform, &card_id, "v2p-2").await, twin);
});

/// True if the platform still has a card's delivery address.
async fn knows_delivery(platform: &Platform, card_id: &str) -> bool {
    let plastic = platform.admin_get(&format!("/admin/v1/cards/{card_id}/plastic")).await.json();
    assert_eq!(plastic["cardLayoutCode"], "MGEBP", "{plastic}");
    plastic["delivery"].is_object()
}

both_engines!(a_card_that_ends_before_it_is_shipped_is_delivered_nowhere, |platform| {
    let caller = Caller::new(platform).await;
    let virtual_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let first = caller.new_twin(platform, &virtual_id, "v2p-1").await;
    assert!(knows_delivery(platform, &first).await);
    let end = json!({"cardId": first, "invalidateReason": "CARD_LOST"});
    let ended = caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    assert_eq!(ended["data"]["status"], "INVALID", "{ended}");
    assert!(!knows_delivery(platform, &first).await);
    // A new number ends the twin with its source.
    let second = caller.new_twin(platform, &virtual_id, "v2p-2").await;
    assert!(knows_delivery(platform, &second).await);
    let body = json!({"cardOrderRef": "rep-1", "replaceCardId": virtual_id});
    let order = caller.post(platform, "/open-api/card-order/v1/replace", &body).await;
    assert_eq!(order["code"], "SYS_SUCCESS", "{order}");
    platform.advance(2).await;
    assert_eq!(caller.card(platform, &second).await["status"], "INVALID");
    assert!(!knows_delivery(platform, &second).await);
});

both_engines!(of_two_orders_for_one_card_at_once_one_wins, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let (one, other) =
        (caller.physical_order("v2p-1", &card_id), caller.physical_order("v2p-2", &card_id));
    let (first, second) =
        tokio::join!(caller.post(platform, ORDER, &one), caller.post(platform, ORDER, &other));
    let mut codes = [text(&first["code"]), text(&second["code"])];
    codes.sort();
    assert_eq!(codes, ["DAPI_EXIST_NOT_FAILED_REPLACE_CARD_ORDER", "SYS_SUCCESS"]);
    platform.advance(2).await;
    let twin = text(&caller.card(platform, &card_id).await["customerId"]);
    let list = caller.get(platform, &format!("/open-api/card/v1/list?customerId={twin}")).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
});

both_engines!(of_the_same_order_twice_at_once_the_loser_hears_of_its_reference, |platform| {
    let caller = Caller::new(platform).await;
    for number in 0..5 {
        let card_id = text(&caller.new_card(platform, &format!("ord-{number}")).await["cardId"]);
        let order = caller.physical_order(&format!("v2p-{number}"), &card_id);
        let (first, second) = tokio::join!(
            caller.post(platform, ORDER, &order),
            caller.post(platform, ORDER, &order)
        );
        let mut codes = [text(&first["code"]), text(&second["code"])];
        codes.sort();
        assert_eq!(codes, ["DAPI_CARD_ORDER_REF_ALREADY_EXISTS", "SYS_SUCCESS"]);
    }
});

both_engines!(a_failing_name_fails_the_order_and_frees_the_card, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    for (order_ref, name, code, states) in [
        (
            "v2p-1",
            "FAIL",
            "DAPI_CARD_ORDER_VIRTUAL_TO_PHYSICAL_FAILED",
            &["PENDING", "PHYSICAL_SETTING_COMPLETED", "FAILED"][..],
        ),
        (
            "v2p-2",
            "FAIL-CHANNEL-CUSTOMER",
            "DAPI_CHANNEL_CUSTOMER_NOT_FOUND",
            &["PENDING", "FAILED"],
        ),
    ] {
        let mut body = caller.physical_order(order_ref, &card_id);
        body["virtualToPhysicalInfo"]["embossingName"] = json!(name);
        caller.post(platform, ORDER, &body).await;
        platform.advance(2).await;
        let order = caller.order(platform, order_ref).await;
        assert_eq!((&order["errorCode"], &order["cardId"]), (&json!(code), &Value::Null));
        assert!(order["errorReason"].is_string());
        assert_eq!(told(platform, &text(&order["cardOrderId"])).await, states);
    }
    caller.new_twin(platform, &card_id, "v2p-3").await;
});

both_engines!(a_card_that_ends_meanwhile_gets_no_twin, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    caller.post(platform, ORDER, &caller.physical_order("v2p-1", &card_id)).await;
    let end = json!({"cardId": card_id, "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    platform.advance(2).await;
    let order = caller.order(platform, "v2p-1").await;
    assert_eq!(order["errorCode"], "DAPI_CARD_ORDER_VIRTUAL_TO_PHYSICAL_FAILED", "{order}");
});

both_engines!(activation_keeps_the_stop_of_a_twin, |platform| {
    let caller = Caller::new(platform).await;
    let virtual_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let card_id = caller.new_twin(platform, &virtual_id, "v2p-1").await;
    platform.done(&format!("/admin/v1/cards/{card_id}/emboss"), json!({})).await;
    platform.done(&format!("/admin/v1/cards/{virtual_id}/block"), json!({})).await;
    let refused = caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
    assert_eq!(refused["code"], "DAPI_CARD_ACTIVATION_FAILED");
    assert_eq!(caller.card(platform, &card_id).await["status"], "WAITING_ACTIVE");
    let purchase = json!({"cardId": card_id, "amount": "1.00", "currency": "840"});
    assert_eq!(platform.done(PURCHASE, purchase).await["detail"], "card_waiting_active");
    platform.done(&format!("/admin/v1/cards/{virtual_id}/unblock"), json!({})).await;
    let activated = caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
    assert_eq!(activated["code"], "SYS_SUCCESS");
});

both_engines!(a_number_that_was_stopped_does_not_live_on_in_its_twin, |platform| {
    let caller = Caller::new(platform).await;
    for (number, is_blocked, reason, twin_ends) in [
        (1, true, "no longer wanted", true),
        (2, false, "CARD_STOLEN", true),
        (3, false, "no longer wanted", false),
    ] {
        let virtual_id = text(&caller.new_card(platform, &format!("ord-{number}")).await["cardId"]);
        let card_id = caller.new_twin(platform, &virtual_id, &format!("v2p-{number}")).await;
        platform.done(&format!("/admin/v1/cards/{card_id}/emboss"), json!({})).await;
        if is_blocked {
            platform.done(&format!("/admin/v1/cards/{virtual_id}/block"), json!({})).await;
        }
        let end = json!({"cardId": virtual_id, "invalidateReason": reason});
        let ended = caller.post(platform, "/open-api/card/v1/terminate", &end).await;
        assert_eq!(ended["data"]["status"], "INVALID", "{ended}");
        let activated = caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
        let code = if twin_ends { "DAPI_CARD_STATUS_NOT_WAITING_ACTIVE" } else { "SYS_SUCCESS" };
        assert_eq!(activated["code"], code, "{reason}");
        let states = told(platform, &card_id).await;
        assert_eq!(states.last().is_some_and(|it| it == "INVALID"), twin_ends, "{states:?}");
    }
});

both_engines!(what_is_no_waiting_plastic_of_ones_own_is_not_activated, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let virtual_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let card_id = caller.new_twin(platform, &virtual_id, "v2p-1").await;
    let activate = async |caller: &Caller, card_id: &str| {
        text(&caller.post(platform, ACTIVATE, &json!({"cardId": card_id})).await["code"])
    };
    assert_eq!(activate(&caller, &virtual_id).await, "DAPI_CARD_TYPE_NOT_PHYSICAL");
    assert_eq!(activate(&other, &card_id).await, "DAPI_CARD_NOT_FOUND");
    assert_eq!(activate(&caller, "card_1").await, "DAPI_CARD_NOT_FOUND");
    let answer = caller.post(platform, ACTIVATE, &json!({})).await;
    assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM");
    for (id, code) in
        [(virtual_id.as_str(), "DAPI_CARD_TYPE_NOT_PHYSICAL"), ("1", "DAPI_CARD_NOT_FOUND")]
    {
        let target = format!("/open-api/card/v1/shipping-info?cardId={id}");
        assert_eq!(caller.get(platform, &target).await["code"], code);
    }
    let foreign = format!("/open-api/card/v1/shipping-info?cardId={card_id}");
    assert_eq!(other.get(platform, &foreign).await["code"], "DAPI_CARD_NOT_FOUND");
    let emboss = |id: &str| format!("/admin/v1/cards/{id}/emboss");
    let answer = platform.admin_post(&emboss(&virtual_id), &json!({})).await;
    assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("not_physical")));
    assert_eq!(platform.admin_post(&emboss("1"), &json!({})).await.status, 404);
    let end = json!({"cardId": card_id, "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    assert_eq!(activate(&caller, &card_id).await, "DAPI_CARD_STATUS_NOT_WAITING_ACTIVE");
    assert_eq!(platform.admin_post(&emboss(&card_id), &json!({})).await.status, 409);
    let parcel = json!({"trackingNumber": "T-1"});
    let ship = format!("/admin/v1/cards/{card_id}/ship");
    assert_eq!(platform.admin_post(&ship, &parcel).await.status, 422);
});

both_engines!(a_purchase_with_the_number_uses_the_active_twin, |platform| {
    let caller = Caller::new(platform).await;
    caller.certify(platform).await;
    let (card_id, virtual_id) = caller.new_physical(platform).await;
    let data = caller.card_data(platform, &card_id).await;
    let purchase = json!({"pan": data.pan, "expiry": data.expiry, "cvv2": data.cvv2,
        "amount": "1.00", "currency": "840"});
    let detail = async || {
        let answer = platform.done(PURCHASE, purchase.clone()).await;
        let path = format!("/admin/v1/authorisations/{}", text(&answer["authId"]));
        let receipt = platform.admin_get(&path).await.json();
        (text(&answer["detail"]), text(&receipt["cardId"]))
    };
    // Only the enterprise cannot be reached.
    assert_eq!(detail().await, ("no_auth_url".to_owned(), card_id.clone()));
    let ended = json!({"cardId": virtual_id, "amount": "1.00", "currency": "840"});
    assert_eq!(platform.done(PURCHASE, ended).await["detail"], "card_invalid");
    let freeze = json!({"cardId": card_id, "freeze": true});
    caller.post(platform, "/open-api/card/v1/freeze", &freeze).await;
    assert_eq!(detail().await, ("card_frozen".to_owned(), card_id));
});
