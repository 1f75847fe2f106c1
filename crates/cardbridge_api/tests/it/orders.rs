//! Card orders over the wire (cardbridge-open-api.md section 6.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::field_cipher;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::signing::{Caller, envelope, text};

const APPLY: &str = "/open-api/card-order/v1/apply-virtual";
const DETAIL: &str = "/open-api/card-order/v1/detail";

/// A change of the application by JSON pointer.
fn changed(mut application: Value, pointer: &str, value: Value) -> Value {
    *application.pointer_mut(pointer).unwrap() = value;
    application
}

both_engines!(an_application_becomes_a_card, |platform| {
    let caller = Caller::new(platform).await;
    let order = caller.post(platform, APPLY, &caller.application("ord-1")).await;
    assert_eq!(order["code"], "SYS_SUCCESS", "{order}");
    assert_eq!(order["data"]["status"], "PENDING");
    assert_eq!(order["data"]["cardId"], Value::Null);
    assert_eq!(order["data"]["type"], "VIRTUAL");
    platform.advance(2).await;
    let id = text(&order["data"]["cardOrderId"]);
    let by_id = caller.get(platform, &format!("{DETAIL}?cardOrderId={id}")).await;
    let by_ref = caller.get(platform, &format!("{DETAIL}?cardOrderRef=ord-1")).await;
    assert_eq!(by_id, by_ref);
    assert_eq!(by_id["data"]["status"], "SUCCEED");
    let card_id = text(&by_id["data"]["cardId"]);
    let card = caller.get(platform, &format!("/open-api/card/v1/detail?cardId={card_id}")).await;
    assert_eq!(card["data"]["status"], "ACTIVATED");
    assert_eq!(card["data"]["panFirst6"], "411111");
    assert!(text(&card["data"]["createTime"]).ends_with("+08:00"));
    let customer_id = text(&card["data"]["customerId"]);
    let list =
        caller.get(platform, &format!("/open-api/card/v1/list?customerId={customer_id}")).await;
    assert_eq!(list["data"], json!([card["data"]]));
});

both_engines!(the_encrypted_twins_win, |platform| {
    let caller = Caller::new(platform).await;
    let plain = caller.application("ord-enc");
    let iv = [9; 12];
    let sealed = |object: &Value| {
        field_cipher::encrypt(&caller.secret, &iv, object.to_string().as_bytes()).unwrap()
    };
    let mut body = changed(plain.clone(), "/customerInfo/email", json!("not an address"));
    body["encryptionIV"] = json!(STANDARD.encode(iv));
    body["customerInfoEncryption"] = json!(sealed(&plain["customerInfo"]));
    body["kycInfoEncryption"] = json!(sealed(&plain["kycInfo"]));
    body["kycInfo"] = Value::Null;
    let order = caller.post(platform, APPLY, &body).await;
    assert_eq!(order["code"], "SYS_SUCCESS", "{order}");
    let tampered = changed(body, "/encryptionIV", json!(STANDARD.encode([8; 12])));
    let tampered = changed(tampered, "/cardOrderRef", json!("ord-enc-2"));
    let refused = caller.post(platform, APPLY, &tampered).await;
    assert_eq!(refused["code"], "DAPI_SYS_ILLEGAL_PARAM");
});

both_engines!(each_refusal_has_its_code, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let taken = caller.post(platform, APPLY, &caller.application("taken")).await;
    assert_eq!(taken["code"], "SYS_SUCCESS");
    let fresh = || caller.application("fresh");
    let table = [
        (caller.application("taken"), "DAPI_CARD_ORDER_REF_ALREADY_EXISTS"),
        (changed(fresh(), "/profileId", json!("999")), "DAPI_CARD_ORDER_PROFILE_NOT_FOUND"),
        (changed(fresh(), "/profileId", json!("card_1")), "DAPI_CARD_ORDER_PROFILE_NOT_FOUND"),
        (
            changed(fresh(), "/profileId", json!(other.profile_id)),
            "DAPI_CARD_ORDER_PROFILE_NOT_FOUND",
        ),
        (
            changed(fresh(), "/kycInfo/country", json!("FR")),
            "DAPI_CARD_PROFILE_NOT_SUPPORTING_COUNTRY_CODES",
        ),
        (changed(fresh(), "/customerInfo", json!({})), "DAPI_CUSTOMER_EMAIL_OR_PHONE_REQUIRED"),
        (changed(fresh(), "/customerInfo/phone", json!("+1")), "DAPI_PHONE_INVALID"),
        (changed(fresh(), "/customerInfo/email", json!("nobody")), "DAPI_EMAIL_INVALID"),
        (
            changed(
                fresh(),
                "/customerInfo",
                json!({"email": "holder@example.com",
                "phone": "+6599999999"}),
            ),
            "DAPI_EMAIL_ALREADY_EXISTS",
        ),
        (
            changed(
                fresh(),
                "/customerInfo",
                json!({"email": "else@example.com",
                "phone": "+6581234567"}),
            ),
            "DAPI_PHONE_ALREADY_EXISTS",
        ),
        (
            changed(
                fresh(),
                "/customerInfo",
                json!({"email": "else@example.com",
                "phone": "+6599999999", "customerRef": "cust-1"}),
            ),
            "DAPI_CUSTOMER_REF_NOT_UNIQUE",
        ),
    ];
    for (body, code) in table {
        assert_eq!(caller.post(platform, APPLY, &body).await["code"], code, "{body}");
    }
    let normal = json!({"profileId": caller.profile_id, "cardType": "VIRTUAL",
        "cardOrderRef": "normal", "cardApplyMode": "NORMAL", "customerId": "1",
        "kycTicketId": "1"});
    let refused = caller.post(platform, APPLY, &normal).await;
    assert_eq!(refused["code"], "DAPI_CUSTOMER_NOT_FOUND");
    let unknown = changed(normal, "/cardApplyMode", json!("OTHER"));
    let refused = caller.post(platform, APPLY, &unknown).await;
    assert_eq!(refused["code"], "DAPI_OPERATION_NOT_SUPPORT");
});

both_engines!(malformed_applications_leave_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let fresh = || caller.application("fresh");
    let mut bodies: Vec<Vec<u8>> = ["", "{", "[]", "null", "\"x\"", "{\"a\":1} {}"]
        .map(|text| text.as_bytes().to_vec())
        .into();
    bodies.push(b"{\"cardOrderRef\":\"\xff\"}".to_vec());
    for body in [
        changed(fresh(), "/cardOrderRef", Value::Null),
        changed(fresh(), "/cardOrderRef", json!("blank end ")),
        changed(fresh(), "/cardOrderRef", json!("x".repeat(129))),
        changed(fresh(), "/cardOrderRef", json!(["fresh"])),
        changed(fresh(), "/customerInfo", json!("text")),
        changed(fresh(), "/customerInfo/email", json!(true)),
        changed(fresh(), "/kycInfo/sumsubShareToken", Value::Null),
        changed(fresh(), "/kycInfo/employmentStatus", json!("x".repeat(257))),
        changed(fresh(), "/kycInfo/sourceOfFunds", json!("nul\u{0}")),
        changed(fresh(), "/kycInfo", Value::Null),
    ] {
        bodies.push(body.to_string().into_bytes());
    }
    for body in bodies {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let answer = caller.send(platform, Request::post(APPLY, body)).await;
        assert_eq!(envelope(&answer)["code"], "DAPI_SYS_ILLEGAL_PARAM", "{shown}");
    }
    let nothing = caller.get(platform, &format!("{DETAIL}?cardOrderRef=fresh")).await;
    assert_eq!(nothing["code"], "DAPI_CARD_ORDER_NOT_FOUND");
    let deliveries = platform.admin_get("/admin/v1/webhook-deliveries?order=asc").await.json();
    assert_eq!(deliveries["items"], json!([]));
});

both_engines!(orders_of_others_are_not_found, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let order = other.post(platform, APPLY, &other.application("theirs")).await;
    let id = text(&order["data"]["cardOrderId"]);
    for query in [
        format!("cardOrderId={id}"),
        "cardOrderRef=theirs".to_owned(),
        "cardOrderId=order_1".to_owned(),
        "cardOrderId=99999999999999999999999".to_owned(),
    ] {
        let answer = caller.get(platform, &format!("{DETAIL}?{query}")).await;
        assert_eq!(answer["code"], "DAPI_CARD_ORDER_NOT_FOUND", "{query}");
    }
    let both = format!("{DETAIL}?cardOrderId={id}&cardOrderRef=another");
    assert_eq!(other.get(platform, &both).await["code"], "DAPI_CARD_ORDER_NOT_FOUND");
    for query in ["", "?cardOrderId=", "?cardOrderId=1&cardOrderId=2", "?cardOrderId=%zz"] {
        let answer = caller.get(platform, &format!("{DETAIL}{query}")).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{query}");
    }
});
