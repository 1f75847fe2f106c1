//! 3DS challenges, from the merchant's question to the verdict.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::receiver::Receiver;
use testkit::signing::{Caller, text};

const AUTHENTICATE: &str = "/open-api/3ds-challenge/v1/authenticate";
const TYPE: &str = "AUTHORISATION_3DS_CHALLENGE";

/// An enterprise with a card.
async fn cardholder(platform: &Platform) -> (Caller, String) {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "order-1").await;
    (caller, text(&card["cardId"]))
}

fn purchase(card_id: &str) -> Value {
    json!({"cardId": card_id, "amount": "25.50", "currency": "702", "merchantId": "M1",
        "merchantName": "TEST SHOP", "merchantCountry": "SG", "mcc": "5999"})
}

async fn challenge(platform: &Platform, card_id: &str) -> String {
    let made = platform.done("/sandbox/v1/3ds-challenges", purchase(card_id)).await;
    assert_eq!(made["status"], "INIT");
    text(&made["challengeId"])
}

async fn status(platform: &Platform, challenge_id: &str) -> String {
    let path = format!("/sandbox/v1/3ds-challenges/{challenge_id}");
    text(&platform.admin_get(&path).await.json()["status"])
}

async fn verdict(platform: &Platform, caller: &Caller, challenge_id: &str, verdict: &str) -> Value {
    let body = json!({"challengeId": challenge_id, "approveStatus": verdict});
    caller.post(platform, AUTHENTICATE, &body).await
}

/// The status in each webhook about a challenge; only the first says that it is new.
fn told(receiver: &Receiver, challenge_id: &str) -> Vec<String> {
    let about = |body: &Value| body["businessId"] == challenge_id;
    let bodies: Vec<_> = receiver.of_type(TYPE).into_iter().filter(about).collect();
    let new = bodies.iter().map(|body| body["webhookSubType"] == "CREATE");
    assert!(new.enumerate().all(|(index, is_new)| is_new == (index == 0)), "{bodies:?}");
    bodies.iter().map(|body| text(&body["data"]["status"])).collect()
}

both_engines!(an_approved_challenge_passes_every_state, |platform| {
    let (caller, card_id) = cardholder(platform).await;
    let receiver = Receiver::start().await;
    receiver.listen_for(platform, &caller).await;
    let id = challenge(platform, &card_id).await;
    platform.advance(1).await;
    assert_eq!(status(platform, &id).await, "NOTICED");
    let request = receiver.of_type(TYPE)[0].clone();
    assert_eq!(
        (&request["webhookSubType"], &request["businessId"]),
        (&json!("CREATE"), &json!(id))
    );
    let data = request["data"].clone();
    assert_eq!((&data["status"], &data["cardId"]), (&json!("INIT"), &json!(card_id)));
    assert_eq!((&data["amount"], &data["currency"]), (&json!(25.5), &json!("702")));
    assert_eq!((&data["merchantName"], &data["mcc"]), (&json!("TEST SHOP"), &json!("5999")));
    let reply = verdict(platform, &caller, &id, "APPROVE").await;
    assert_eq!(
        (&reply["code"], &reply["data"]["status"]),
        (&json!("SYS_SUCCESS"), &json!("APPROVED"))
    );
    assert_eq!(reply["data"]["expiryTime"], data["expiryTime"]);
    assert_eq!(reply["data"].as_object().unwrap().len(), 10);
    platform.advance(1).await;
    assert_eq!(told(&receiver, &id), ["INIT", "RECEIVED", "APPROVED"]);
    assert_eq!(status(platform, &id).await, "APPROVED");
    platform.advance(301).await;
    assert_eq!(told(&receiver, &id).len(), 3, "a challenge that is over does not expire");
});

both_engines!(the_same_verdict_again_is_the_same_object_and_the_other_is_refused, |platform| {
    let (caller, card_id) = cardholder(platform).await;
    let receiver = Receiver::start().await;
    let id = challenge(platform, &card_id).await;
    let first = verdict(platform, &caller, &id, "REJECT").await;
    assert_eq!(first["data"]["status"], "REJECTED");
    assert_eq!(verdict(platform, &caller, &id, "REJECT").await, first);
    let other = verdict(platform, &caller, &id, "APPROVE").await;
    assert_eq!(other["code"], "DAPI_OPERATION_NOT_SUPPORT");
    receiver.listen_for(platform, &caller).await;
    platform.advance(1).await;
    assert_eq!(told(&receiver, &id), ["INIT", "RECEIVED", "REJECTED"]);
    let late_notice = status(platform, &id).await;
    assert_eq!(late_notice, "REJECTED", "an acknowledgement never overwrites a later state");
});

both_engines!(without_a_verdict_a_challenge_is_rejected_after_five_minutes, |platform| {
    let (caller, card_id) = cardholder(platform).await;
    let receiver = Receiver::start().await;
    receiver.listen_for(platform, &caller).await;
    let late = challenge(platform, &card_id).await;
    platform.advance(290).await;
    let in_time = challenge(platform, &card_id).await;
    assert_eq!(status(platform, &late).await, "NOTICED");
    platform.advance(20).await;
    assert_eq!(status(platform, &late).await, "REJECTED");
    assert_eq!(told(&receiver, &late), ["INIT", "REJECTED"]);
    let refused = verdict(platform, &caller, &late, "APPROVE").await;
    assert_eq!(refused["code"], "DAPI_OPERATION_NOT_SUPPORT");
    let taken = verdict(platform, &caller, &in_time, "APPROVE").await;
    assert_eq!(taken["code"], "SYS_SUCCESS");
});

both_engines!(of_two_verdicts_at_once_one_wins, |platform| {
    let (caller, card_id) = cardholder(platform).await;
    for _ in 0..4 {
        let id = challenge(platform, &card_id).await;
        let (approve, reject) = tokio::join!(
            verdict(platform, &caller, &id, "APPROVE"),
            verdict(platform, &caller, &id, "REJECT")
        );
        let (won, lost) =
            if approve["success"] == true { (approve, reject) } else { (reject, approve) };
        assert_eq!(won["code"], "SYS_SUCCESS");
        assert_eq!(lost["code"], "DAPI_OPERATION_NOT_SUPPORT");
        assert_eq!(won["data"]["status"], status(platform, &id).await);
    }
});

both_engines!(bad_bodies_and_the_challenges_of_others_are_illegal, |platform| {
    let (caller, card_id) = cardholder(platform).await;
    let stranger = Caller::new(platform).await;
    let id = challenge(platform, &card_id).await;
    for body in [
        json!({"challengeId": "1", "approveStatus": "APPROVE"}),
        json!({"challengeId": "challenge_1", "approveStatus": "APPROVE"}),
        json!({"approveStatus": "APPROVE"}),
        json!({"challengeId": id}),
        json!({"challengeId": id, "approveStatus": "APPROVED"}),
        json!({"challengeId": id, "approveStatus": "DECLINED"}),
        json!([]),
    ] {
        let reply = caller.post(platform, AUTHENTICATE, &body).await;
        assert_eq!(reply["code"], "DAPI_SYS_ILLEGAL_PARAM", "{body}");
    }
    let foreign = verdict(platform, &stranger, &id, "APPROVE").await;
    assert_eq!(foreign["code"], "DAPI_SYS_ILLEGAL_PARAM");
    assert_eq!(status(platform, &id).await, "INIT");
});

both_engines!(what_cannot_be_challenged_is_refused, |platform| {
    let (caller, card_id) = cardholder(platform).await;
    let path = "/sandbox/v1/3ds-challenges";
    let with = |field: &str, value: Value| {
        let mut body = purchase(&card_id);
        body[field] = value;
        body
    };
    for (body, expected) in [
        (with("cardId", json!("1")), 404),
        (with("cardId", json!("card_1")), 404),
        (with("cardId", Value::Null), 422),
        (with("amount", json!("0")), 422),
        (with("amount", json!("1.005")), 422),
        (with("currency", json!("XQX")), 422),
        (with("mcc", json!("12")), 422),
        (with("pan", json!("x")), 422),
    ] {
        assert_eq!(platform.admin_post(path, &body).await.status, expected, "{body}");
    }
    let freeze = json!({"cardId": card_id, "freeze": true});
    caller.post(platform, "/open-api/card/v1/freeze", &freeze).await;
    challenge(platform, &card_id).await;
    let end = json!({"cardId": card_id, "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    let refused = platform.admin_post(path, &purchase(&card_id)).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("card_state")));
    assert_eq!(platform.admin_get("/sandbox/v1/3ds-challenges/1").await.status, 404);
});
