//! PINs: proven, set, presented (cardbridge-open-api.md sections 6.2.7 and 14, U44).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::plastic::{CardData, RESET};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const AUTHORISATIONS: &str = "/sandbox/v1/authorisations";
const DAY_S: u32 = 24 * 60 * 60;

/// A physical card in use, and the data on it.
async fn physical(platform: &Platform) -> (Caller, String, CardData) {
    let caller = Caller::new(platform).await;
    caller.certify(platform).await;
    let (card_id, _) = caller.new_physical(platform).await;
    let data = caller.card_data(platform, &card_id).await;
    (caller, card_id, data)
}

/// The cause of a decline of a purchase with this PIN; `no_auth_url` if nothing else is wrong.
async fn buy(platform: &Platform, card_id: &str, pin: &str) -> String {
    let body = json!({"cardId": card_id, "amount": "1.00", "currency": "840", "pin": pin});
    text(&platform.done("/sandbox/v1/authorisations", body).await["detail"])
}

both_engines!(a_pin_that_was_set_buys_and_a_wrong_one_does_not, |platform| {
    let (caller, card_id, data) = physical(platform).await;
    assert_eq!(buy(platform, &card_id, "4711").await, "pin_not_set");
    let last4 = &data.pan[12..];
    let slashed = format!("{}/{}", &data.expiry[2..], &data.expiry[..2]);
    for (expiry, iv, pin) in [(&data.expiry, &[9; 12][..], "4711"), (&slashed, &[9; 16], "1234")] {
        let body = caller.reset_body(&card_id, [expiry, &data.cvv2, last4, pin], iv);
        let answer = caller.post(platform, RESET, &body).await;
        assert_eq!(answer["data"], true, "{answer}");
        assert_eq!(buy(platform, &card_id, pin).await, "no_auth_url");
    }
    // Base64 in lines, in the alphabet for URLs and without padding, as other libraries write it.
    let mut body =
        caller.reset_body(&card_id, [&data.expiry, &data.cvv2, last4, "1234"], &[0xFB; 16]);
    for field in
        ["encryptedExpireDate", "encryptedCvv2", "encryptedPanLast4", "encryptedNewPin", "iv"]
    {
        let plain = text(&body[field]).replace('+', "-").replace('/', "_").replace('=', "");
        body[field] = json!(format!("{}\r\n{}\n", &plain[..7], &plain[7..]));
    }
    let answer = caller.post(platform, RESET, &body).await;
    assert_eq!(answer["data"], true, "{answer}");
    // A message repeated by the network is one try.
    let message = json!({"cardId": card_id, "amount": "1.00", "currency": "840", "pin": "4712",
        "stan": "000001", "rrn": "000000000001"});
    let first = platform.done("/sandbox/v1/authorisations", message.clone()).await;
    for _ in 0..5 {
        let again = platform.done("/sandbox/v1/authorisations", message.clone()).await;
        assert_eq!((&again["authId"], &again["detail"]), (&first["authId"], &json!("wrong_pin")));
    }
    for _ in 0..4 {
        assert_eq!(buy(platform, &card_id, "4712").await, "wrong_pin");
    }
    assert_eq!(buy(platform, &card_id, "1234").await, "pin_tries_exceeded");
    let answer = caller.reset(platform, &card_id, [&data.expiry, &data.cvv2, last4, "5678"]).await;
    assert_eq!(answer["data"], true);
    assert_eq!(buy(platform, &card_id, "5678").await, "no_auth_url");
    let body = json!({"cardId": card_id, "amount": "1.00", "currency": "840", "pin": "12"});
    let answer = platform.admin_post("/sandbox/v1/authorisations", &body).await;
    assert_eq!(answer.status, 422);
});

both_engines!(equal_messages_at_once_are_one_try_of_the_pin, |platform| {
    let (caller, card_id, data) = physical(platform).await;
    let fields = [&*data.expiry, &*data.cvv2, &data.pan[12..], "4711"];
    assert_eq!(caller.reset(platform, &card_id, fields).await["data"], true);
    let message = |number: u32, pin: &str| {
        json!({"cardId": card_id, "amount": "1.00", "currency": "840", "pin": pin,
            "stan": "000001", "rrn": format!("{number:012}")})
    };
    let send = async |number| platform.done(AUTHORISATIONS, message(number, "4712")).await;
    // Four wrong PINs, each in messages that arrive at once; the fifth would be the last.
    for number in 0..4 {
        let answers = tokio::join!(send(number), send(number), send(number), send(number));
        for answer in [&answers.0, &answers.1, &answers.2, &answers.3] {
            assert_eq!(answer["detail"], "wrong_pin", "{answer}");
            assert_eq!(answer["authId"], answers.0["authId"]);
        }
    }
    // A message that is not a purchase is not a try either.
    let not_taken = [json!({"amount": "0"}), json!({"authType": "PRE_AUTH_COMPLETION"})];
    for (number, wrong) in (10..).zip(not_taken.iter().cycle().take(6)) {
        let mut body = message(number, "4712");
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert_eq!(platform.admin_post(AUTHORISATIONS, &body).await.status, 422, "{body}");
    }
    assert_eq!(buy(platform, &card_id, "4711").await, "no_auth_url");
    for number in 20..25 {
        assert_eq!(send(number).await["detail"], "wrong_pin");
    }
    assert_eq!(send(25).await["detail"], "pin_tries_exceeded");
    assert_eq!(send(24).await["detail"], "wrong_pin");
});

both_engines!(five_wrong_proofs_lock_resets_for_a_day_and_all_look_alike, |platform| {
    let (caller, card_id, data) = physical(platform).await;
    let right = [&*data.expiry, &*data.cvv2, &data.pan[12..], "4711"];
    let other = |text: &str| if text == "000" { "001" } else { "000" };
    let mut undecipherable = caller.reset_body(&card_id, right, &[9; 12]);
    undecipherable["iv"] = json!(STANDARD.encode([8; 12]));
    let wrong_last4 = if right[2] == "0000" { "0001" } else { "0000" };
    let answers = [
        caller.reset(platform, &card_id, ["0001", right[1], right[2], "4711"]).await,
        caller.reset(platform, &card_id, [right[0], other(right[1]), right[2], "4711"]).await,
        caller.reset(platform, &card_id, [right[0], right[1], wrong_last4, "4711"]).await,
        caller.post(platform, RESET, &undecipherable).await,
        caller.reset(platform, &card_id, ["", "", "", "4711"]).await,
        caller.reset(platform, &card_id, right).await,
    ];
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(answers[0]["code"], "DAPI_SYS_ILLEGAL_PARAM");
    platform.advance(DAY_S - 60).await;
    assert_eq!(caller.reset(platform, &card_id, right).await["success"], false);
    platform.advance(60).await;
    assert_eq!(caller.reset(platform, &card_id, right).await["data"], true);
});

both_engines!(wrong_proofs_at_once_are_all_counted, |platform| {
    let (caller, card_id, data) = physical(platform).await;
    let right = [&*data.expiry, &*data.cvv2, &data.pan[12..], "4711"];
    let wrong = async || caller.reset(platform, &card_id, ["0001", right[1], right[2], "1"]).await;
    // A malformed PIN says nothing of the card's data and counts for nothing.
    for _ in 0..6 {
        assert_eq!(wrong().await["code"], "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER");
    }
    let wrong =
        async || caller.reset(platform, &card_id, ["0001", right[1], right[2], "4711"]).await;
    tokio::join!(wrong(), wrong(), wrong(), wrong(), wrong());
    assert_eq!(caller.reset(platform, &card_id, right).await["code"], "DAPI_SYS_ILLEGAL_PARAM");
});

both_engines!(only_an_activated_physical_card_of_ones_own_takes_a_pin, |platform| {
    let (caller, card_id, data) = physical(platform).await;
    let other = Caller::new(platform).await;
    let right = [&*data.expiry, &*data.cvv2, &data.pan[12..], "4711"];
    let virtual_id = text(&other.new_card(platform, "ord-1").await["cardId"]);
    let code = async |caller: &Caller, card_id: &str| {
        text(&caller.reset(platform, card_id, right).await["code"])
    };
    assert_eq!(code(&other, &card_id).await, "DAPI_CARD_NOT_FOUND");
    assert_eq!(code(&caller, "card_1").await, "DAPI_CARD_NOT_FOUND");
    assert_eq!(code(&other, &virtual_id).await, "DAPI_CARD_TYPE_NOT_PHYSICAL");
    let waiting = other.new_twin(platform, &virtual_id, "v2p-1").await;
    assert_eq!(code(&other, &waiting).await, "DAPI_CARD_STATUS_NOT_ACTIVATED");
    for field in ["cardId", "encryptedExpireDate", "encryptedCvv2", "encryptedNewPin", "iv"] {
        let mut body = caller.reset_body(&card_id, right, &[9; 12]);
        body[field] = Value::Null;
        let answer = caller.post(platform, RESET, &body).await;
        assert_eq!(answer["messageDetail"], json!(format!("{field} is missing")));
    }
    let freeze = json!({"cardId": card_id, "freeze": true});
    caller.post(platform, "/open-api/card/v1/freeze", &freeze).await;
    assert_eq!(code(&caller, &card_id).await, "DAPI_CARD_STATUS_NOT_ACTIVATED");
});
