//! The operator's settings of dialect 2: its clock, the first status, tokens, numbers.

use domain::Timestamp;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::signing::now_ms;
use testkit::vm_client::{Merchant, post_raw};
use wire::vm::VmSettings;
use wire::vm::error_code::{ErrorCodes, ErrorName};
use wire::vm::time::Offset;
use wire::vm::transaction::State;

use crate::webhooks::Hook;

/// Midnight is neither that of UTC nor that of dialect 1.
fn offset() -> Offset {
    Offset::parse_difference("-03:30").unwrap()
}

/// Half past three in the night, UTC, is midnight there.
const MIDNIGHT_S: i64 = 12_600;
const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;

fn settings() -> VmSettings {
    let codes = ErrorCodes::default().with(ErrorName::CardId, 700_101);
    let codes = codes.and_then(|codes| codes.with(ErrorName::InvalidToken, 400_102));
    VmSettings {
        offset: offset(),
        open_state: State::Complete,
        token_lifetime_s: 600,
        extra_fields: true,
        codes: codes.and_then(|codes| codes.with(ErrorName::InvalidApp, 400_101)).unwrap(),
    }
}

async fn now(platform: &Platform) -> Timestamp {
    let clock = platform.admin_get("/sandbox/v1/clock").await.json();
    Timestamp::parse_rfc3339(clock["now"].as_str().unwrap()).unwrap()
}

/// The moment of a text at the offset, which is less than the offset away from now.
async fn moment_just_past(platform: &Platform, text: &Value) -> Timestamp {
    let moment = offset().parse(text.as_str().unwrap()).unwrap();
    let age_ms = now(platform).await.as_millis() - moment.as_millis();
    assert!((0..HOUR_S * 1_000).contains(&age_ms), "{text}: {age_ms}");
    moment
}

/// Goes on to the hour before the next midnight at the offset.
async fn to_the_last_hour_of_the_day(platform: &Platform) {
    let seconds = now(platform).await.as_millis() / 1_000;
    let left = (MIDNIGHT_S - HOUR_S - seconds).rem_euclid(DAY_S);
    platform.advance(u32::try_from(left).unwrap()).await;
}

async fn buy(platform: &Platform, card_id: &str, amount: &str) -> Value {
    let purchase = json!({ "cardId": card_id, "amount": amount, "currency": "840" });
    platform.done("/sandbox/v1/authorisations", purchase).await
}

async fn is_approved(platform: &Platform, card_id: &str, amount: &str) -> bool {
    buy(platform, card_id, amount).await["approved"] == true
}

both_engines!(the_days_of_limits_begin_at_the_offset, settings(), |platform, _location| {
    let merchant = Merchant::new(platform).await;
    let card_id = merchant.card(&merchant.share, 1_000).await;
    let limit = json!({ "card_id": card_id, "day_limit": 20 });
    merchant.done("/updateCardLimit", limit).await;
    let left = async || {
        let detail = merchant.detail(&card_id).await;
        let listed = merchant.done("/getCardList", json!({ "card_id": card_id })).await;
        assert_eq!(listed["list"][0]["available_amount"], detail["available_amount"]);
        (detail["limit"]["remaining_day_limit"].clone(), detail["available_amount"].clone())
    };
    to_the_last_hour_of_the_day(platform).await;
    assert!(is_approved(platform, &card_id, "20").await);
    assert!(!is_approved(platform, &card_id, "1").await);
    assert_eq!(left().await, (json!(0), json!(0)));
    platform.advance(3_601).await;
    assert_eq!(left().await, (json!(20), json!(20)));
    assert!(is_approved(platform, &card_id, "20").await);
    // The midnights of UTC and UTC+8 give nothing back.
    platform.advance(86_400 - 2 * 3_600).await;
    assert!(!is_approved(platform, &card_id, "1").await);
    assert_eq!(left().await.0, json!(0));
    platform.assert_ledger_adds_up().await;
});

both_engines!(times_are_told_and_read_at_the_offset, settings(), |platform, _location| {
    let merchant = Merchant::new(platform).await;
    let card_id = merchant.card(&merchant.save, 100).await;
    let made = buy(platform, &card_id, "10").await;
    let text = merchant.detail(&card_id).await["create_time"].clone();
    let moment = moment_just_past(platform, &text).await;
    let rows = merchant.done("/cardTransaction", json!({})).await;
    let (row, auth_time) = (&rows["list"][0], &rows["list"][0]["auth_time"]);
    assert_eq!((&row["auth_id"], auth_time), (&made["authId"], &row["create_time"]));
    let in_utc = Offset::default().text(moment);
    for (path, time) in [("/getCardList", &text), ("/cardTransaction", auth_time)] {
        let at_offset = json!({ "start_time": time, "end_time": time });
        assert_eq!(merchant.done(path, at_offset).await["total"], 1, "{path}");
        let at_utc = json!({ "start_time": in_utc });
        assert_eq!(merchant.done(path, at_utc).await["total"], 0, "{path}");
    }
    let flow = merchant.done("/getCardFlow", json!({})).await;
    moment_just_past(platform, &flow["list"][0]["create_time"]).await;
    let (detail, listed) =
        (merchant.detail(&card_id).await, merchant.done("/getCardList", json!({})).await);
    for ours in ["create_time", "label", "product_code"] {
        assert_eq!(detail[ours], listed["list"][0][ours], "{ours}");
    }
});

both_engines!(an_open_authorisation_may_be_told_as_complete, settings(), |platform, _location| {
    let merchant = Merchant::new(platform).await;
    let hook = Hook::saying(&[]).await;
    merchant.app.patch(platform, json!({ "webhookUrl": hook.url })).await;
    let card_id = merchant.card(&merchant.save, 100).await;
    let made = buy(platform, &card_id, "10").await;
    assert!(!is_approved(platform, &card_id, "100").await);
    let rows = async |filter: Value| merchant.done("/cardTransaction", filter).await;
    let complete = rows(json!({ "status": "COMPLETE" })).await;
    let row = &complete["list"][0];
    assert_eq!((&complete["total"], &row["auth_id"]), (&json!(1), &made["authId"]));
    assert_eq!((&row["type"], &row["status"]), (&json!("Authorization"), &json!("COMPLETE")));
    assert_eq!(row["settle_amount"], 0);
    assert_eq!(rows(json!({ "status": "PENDING" })).await["total"], 0);
    assert_eq!(rows(json!({ "status": "DECLINED" })).await["total"], 1);
    platform.advance(1).await;
    let told = hook.bodies();
    let told = told.iter().find(|it| it["auth_id"] == made["authId"]).unwrap();
    assert_eq!(told, row, "the notice tells what the row tells");
});

both_engines!(numbers_and_lives_of_tokens_are_those_decided, settings(), |platform, _location| {
    let merchant = Merchant::new(platform).await;
    let nobody = json!({ "card_id": "nobody" });
    let refused = merchant.refused("/cardDetail", nobody.clone()).await;
    assert_eq!(refused, (700_101, "Invalid CardId".to_owned()));
    let refused = merchant.refused("/deleteCard", nobody).await;
    assert_eq!(refused.0, 700_101);
    let refused = merchant.refused("/createCard", json!({})).await;
    assert_eq!(refused, (400, "field product_code is not set".to_owned()));
    let bad = post_raw(platform, "no-token", "/getAccountBalance", b"{}").await;
    assert_eq!(bad.json(), json!({ "code": 400_102, "msg": "Invalid Token" }));
    assert_eq!(bad.status, 200);
    let token = merchant.app.ask_for_token(platform).await.json();
    let end_ms = token["data"]["expired_time"].as_i64().unwrap() * 1_000;
    let life_ms = end_ms - now_ms();
    assert!((540_000..=600_000).contains(&life_ms), "{life_ms}");
    let path = format!("/getAccessToken?app_id={}&app_secret=x", merchant.app.app_id);
    let wrong = testkit::http::send(platform.public, &testkit::http::Request::get(path)).await;
    assert_eq!(wrong.json(), json!({ "code": 400_101, "msg": "Invalid AppId Or AppSecret" }));
});
