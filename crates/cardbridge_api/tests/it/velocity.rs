//! Velocity limits over the wire (cardbridge-open-api.md section 6.2.9). Purchases that use
//! them are in the binary's tests, where an enterprise plays along.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::signing::{Caller, text};

const PATH: &str = "/open-api/card/v1/card-velocity-limits";

both_engines!(a_new_card_has_used_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let target = format!("{PATH}?cardId={card_id}");
    let expected = json!({"cardId": card_id, "currency": "840", "limits": [
        {"period": "SINGLE", "limitAmount": 500.0, "usedAmount": 0.0, "availableAmount": 500.0,
            "limitCount": null, "usedCount": null},
        {"period": "DAILY", "limitAmount": 800.0, "usedAmount": 0.0, "availableAmount": 800.0,
            "limitCount": 20, "usedCount": 0},
        {"period": "MONTHLY", "limitAmount": null, "usedAmount": null, "availableAmount": null,
            "limitCount": null, "usedCount": null},
    ]});
    assert_eq!(caller.get(platform, &target).await["data"], expected);
    // A card that was ended still shows its limits.
    let end = json!({"cardId": card_id, "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    assert_eq!(caller.get(platform, &target).await["data"], expected);
});

both_engines!(limits_of_foreign_and_unknown_cards_are_not_found, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let theirs = text(&other.new_card(platform, "ord-1").await["cardId"]);
    for id in [theirs.as_str(), "1", "card_123456789", "0"] {
        let answer = caller.get(platform, &format!("{PATH}?cardId={id}")).await;
        assert_eq!(
            (&answer["code"], &answer["data"]),
            (&json!("DAPI_CARD_NOT_FOUND"), &Value::Null)
        );
    }
    for target in [PATH.to_owned(), format!("{PATH}?cardId=")] {
        let answer = caller.get(platform, &target).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{target}");
    }
});
