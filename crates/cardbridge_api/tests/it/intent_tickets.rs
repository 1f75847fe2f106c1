//! Evidence over the wire (cardbridge-open-api.md sections 6.5.2, 6.5.3 and 7.1).

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const CREATE: &str = "/open-api/intent-ticket/v1/create";
const DETAIL: &str = "/open-api/intent-ticket/v1/detail";
const APPLY: &str = "/open-api/card-order/v1/apply-virtual";

/// Evidence for an order; evidence of the other family is ignored.
pub fn for_order(ticket_ref: &str, order_id: &str) -> Value {
    let documents = json!([{"fileName": "a.pdf", "filePath": "k/a.pdf"}]);
    json!({"ticketType": "CREATE_CARD_EDD", "ticketRef": ticket_ref,
        "businessType": "CARD_ORDER_ID", "businessId": order_id,
        "eddSowInheritance": {"deceasedName": "A", "docUrls": documents},
        "eddSofCrypto": {"holdingType": "string", "docUrls": documents}})
}

fn for_card(ticket_ref: &str, card_id: &str) -> Value {
    json!({"ticketType": "INCREASE_LIMIT_EDD", "ticketRef": ticket_ref,
        "businessType": "CARD_ID", "businessId": card_id,
        "eddSofOther": {"description": "savings"}})
}

/// An order that waits for evidence; its id.
async fn waiting_order(platform: &Platform, caller: &Caller, reference: &str) -> String {
    let mut body = caller.application(reference);
    body["kycInfo"]["sumsubShareToken"] = json!("edd-1");
    let order = caller.post(platform, APPLY, &body).await;
    platform.advance(2).await;
    let waiting = caller.order(platform, reference).await;
    assert_eq!(
        (&waiting["status"], &waiting["needEddFile"]),
        (&json!("CUSTOMER_PASS"), &json!(true))
    );
    text(&order["data"]["cardOrderId"])
}

async fn code(platform: &Platform, caller: &Caller, body: &Value) -> String {
    text(&caller.post(platform, CREATE, body).await["code"])
}

async fn created(platform: &Platform, caller: &Caller, body: &Value) -> String {
    let made = caller.post(platform, CREATE, body).await;
    assert_eq!(made["data"]["ticketStatus"], "INIT", "{made}");
    text(&made["data"]["ticketId"])
}

async fn decide(platform: &Platform, ticket_id: &str, outcome: &str) -> Value {
    let path = format!("/sandbox/v1/intent-tickets/{ticket_id}/decide");
    platform.done(&path, json!({"outcome": outcome, "reason": "as seen"})).await
}

/// The states in the webhooks about an object, with their sub-types.
async fn told(platform: &Platform, business_id: &str, field: &str) -> Vec<String> {
    let filter = store::DeliveryFilter {
        business_id: Some(business_id.parse().unwrap()),
        limit: 100,
        ..Default::default()
    };
    let deliveries = platform.store.deliveries(filter).await.unwrap();
    deliveries
        .iter()
        .map(|view| {
            let body: Value = serde_json::from_slice(&view.event.body).unwrap();
            format!("{} {}", text(&body["data"][field]), text(&body["webhookSubType"]))
        })
        .collect()
}

both_engines!(accepted_evidence_lets_the_order_go_on, |platform| {
    let caller = Caller::new(platform).await;
    let order_id = waiting_order(platform, &caller, "edd-1").await;
    let ticket_id = created(platform, &caller, &for_order("t-1", &order_id)).await;
    platform.advance(2).await;
    let by_ref = caller.get(platform, &format!("{DETAIL}?ticketRef=t-1")).await;
    assert_eq!(by_ref["data"]["ticketStatus"], "SUBMIT_COMPETED");
    let both = format!("{DETAIL}?ticketId={ticket_id}&ticketRef=t-1");
    assert_eq!(caller.get(platform, &both).await["data"], by_ref["data"]);
    assert_eq!(decide(platform, &ticket_id, "pass").await["ticketStatus"], "SUCCEED");
    assert_eq!(decide(platform, &ticket_id, "pass").await["ticketStatus"], "SUCCEED");
    let path = format!("/admin/v1/intent-tickets/{ticket_id}/decide");
    let other = platform.admin_post(&path, &json!({"outcome": "fail"})).await;
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("ticket_state")));
    platform.advance(2).await;
    assert_eq!(caller.order(platform, "edd-1").await["status"], "SUCCEED");
    let states = ["INIT CREATE", "SUBMIT_COMPETED UPDATE", "CHECK_PASS UPDATE", "SUCCEED UPDATE"];
    assert_eq!(told(platform, &ticket_id, "ticketStatus").await, states);
    let states = [
        "PENDING CREATE",
        "CUSTOMER_PASS UPDATE",
        "KYC_PASS UPDATE",
        "CHANNEL_CUSTOMER_PASS UPDATE",
        "SUCCEED UPDATE",
    ];
    assert_eq!(told(platform, &order_id, "status").await, states);
});

both_engines!(refused_evidence_fails_the_order_for_good, |platform| {
    let caller = Caller::new(platform).await;
    let order_id = waiting_order(platform, &caller, "edd-1").await;
    let ticket_id = created(platform, &caller, &for_order("t-1", &order_id)).await;
    assert_eq!(decide(platform, &ticket_id, "fail").await["ticketStatus"], "FAILED");
    let order = caller.order(platform, "edd-1").await;
    assert_eq!(
        (&order["status"], &order["errorCode"]),
        (&json!("FAILED"), &json!("DAPI_REQUEST_REJECTION_ERROR"))
    );
    assert_eq!(order["errorReason"], "as seen");
    assert_eq!(
        code(platform, &caller, &for_order("t-2", &order_id)).await,
        "DAPI_REQUEST_REJECTION_ERROR"
    );
    platform.advance(5).await;
    assert_eq!(caller.order(platform, "edd-1").await["status"], "FAILED");
});

both_engines!(a_reference_that_begins_with_fail_is_refused_by_the_sandbox, |platform| {
    let caller = Caller::new(platform).await;
    let order_id = waiting_order(platform, &caller, "edd-1").await;
    let ticket_id = created(platform, &caller, &for_order("fail-1", &order_id)).await;
    platform.advance(2).await;
    let states = ["INIT CREATE", "FAILED UPDATE"];
    assert_eq!(told(platform, &ticket_id, "ticketStatus").await, states);
    assert_eq!(caller.order(platform, "edd-1").await["status"], "FAILED");
});

both_engines!(each_refusal_of_a_ticket_has_its_code, |platform| {
    let (caller, other) = (Caller::new(platform).await, Caller::new(platform).await);
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let order_id = text(&caller.order(platform, "ord-1").await["cardOrderId"]);
    let first = created(platform, &caller, &for_card("t-1", &card_id)).await;
    for (who, body, expected) in [
        (&caller, for_card("t-1", "1"), "DAPI_TICKET_REF_REPEATED"),
        (&caller, for_card("t-2", "1"), "DAPI_CARD_ID_INCORRECT_ERROR"),
        (&caller, for_card("t-2", "card_1"), "DAPI_CARD_ID_INCORRECT_ERROR"),
        (&other, for_card("t-2", &card_id), "DAPI_CARD_ID_INCORRECT_ERROR"),
        (&caller, for_card("t-2", &card_id), "DAPI_EXIST_ONGOING_TICKET_ERROR"),
        (&caller, for_order("t-2", "1"), "DAPI_CARD_ORDER_ID_INCORRECT_ERROR"),
        (&other, for_order("t-2", &order_id), "DAPI_CARD_ORDER_ID_INCORRECT_ERROR"),
        // It has its card and waits for nothing.
        (&caller, for_order("t-2", &order_id), "DAPI_CARD_ORDER_ID_INCORRECT_ERROR"),
    ] {
        assert_eq!(code(platform, who, &body).await, expected, "{body}");
    }
    let sound = for_card("t-3", &card_id);
    for (field, value) in [
        ("ticketType", json!("OTHER")),
        ("businessType", json!("CARD_ORDER_ID")),
        ("ticketRef", json!("blank end ")),
        ("eddSofOther", Value::Null),
        ("eddSofOther", json!("text")),
    ] {
        let mut body = sound.clone();
        body[field] = value;
        assert_eq!(code(platform, &caller, &body).await, "DAPI_SYS_ILLEGAL_PARAM", "{body}");
    }
    for target in ["ticketId=1", "ticketRef=none", "", "ticketId=x"] {
        let answer = caller.get(platform, &format!("{DETAIL}?{target}")).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{target}");
    }
    let foreign = other.get(platform, &format!("{DETAIL}?ticketId={first}")).await;
    assert_eq!(foreign["code"], "DAPI_SYS_ILLEGAL_PARAM");
    let end = json!({"cardId": card_id, "invalidateReason": "CARD_LOST"});
    decide(platform, &first, "pass").await;
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    assert_eq!(
        code(platform, &caller, &for_card("t-4", &card_id)).await,
        "DAPI_CARD_ID_INCORRECT_ERROR"
    );
});

both_engines!(of_the_same_ticket_twice_at_once_one_wins, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let (one, two) = (for_card("same", &card_id), for_card("same", &card_id));
    let (one, two) = tokio::join!(code(platform, &caller, &one), code(platform, &caller, &two));
    let mut codes = [one, two];
    codes.sort();
    assert_eq!(codes, ["DAPI_TICKET_REF_REPEATED", "SYS_SUCCESS"]);
});
