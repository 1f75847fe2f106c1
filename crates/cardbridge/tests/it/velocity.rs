//! Daily and monthly limits, with real purchases that an enterprise approves.

use domain::Timestamp;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::world::{World, application, purchase, text};

const DAY_SECONDS: i64 = 86_400;

/// Applies for a card whose profile has these limits; returns its id.
async fn card_with_limits(world: &World, limits: Value) -> String {
    let profile = json!({
        "enterpriseId": world.enterprise_id(), "name": "Limited", "binRange": "41111100",
        "network": "VISA", "currency": "840", "cardLayouts": [], "supportedCountries": [],
        "holdDays": {"NORMAL": 7, "PRE_AUTH": 30}, "limits": limits,
    });
    let profile = world.operator.post("/admin/v1/card-profiles", &profile).await.unwrap();
    let body = application(&text(&profile, "profileId"), "limited-1");
    let path = "/open-api/card-order/v1/apply-virtual";
    let body = Some(serde_json::to_vec(&body).unwrap());
    let reply = world.client.call(sdk::Method::POST, path, &[], body).await.unwrap();
    let order: Value = serde_json::from_str(reply.data.unwrap().get()).unwrap();
    world.card_of(&text(&order, "cardOrderId")).await
}

/// Advances business time to noon of the second day of a month, in UTC+8.
pub async fn advance_into_a_month(world: &World) {
    let clock = world.operator.get("/sandbox/v1/clock").await.unwrap();
    let now = Timestamp::parse_rfc3339(&text(&clock, "now")).unwrap();
    let noon = now.utc8_month_start_after(1).plus_seconds(DAY_SECONDS + DAY_SECONDS / 2);
    advance(world, noon.millis_since(now) / 1_000).await;
}

pub async fn advance(world: &World, seconds: i64) {
    let body = json!({ "seconds": seconds });
    world.operator.post("/sandbox/v1/clock/advance", &body).await.unwrap();
}

/// Makes a purchase; returns the authId, and the detail of a refusal.
async fn buy(world: &World, card_id: &str, amount: &str) -> (String, Option<String>) {
    let body = purchase(card_id, amount);
    let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    let auth_id = text(&answer, "authId");
    if answer["approved"] == true {
        return (auth_id, None);
    }
    assert_eq!(answer["responseCode"], "01", "{answer}");
    assert_eq!(answer["reason"], "DAPI_AUTH_INTERNAL_REJECT", "{answer}");
    let path = format!("/admin/v1/authorisations/{auth_id}");
    let receipt = world.operator.get(&path).await.unwrap();
    let detail = text(&receipt, "detail");
    let checks = receipt["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["passed"] == false).collect();
    assert_eq!(failed.len(), 1, "{receipt}");
    assert_eq!(failed[0], &json!({"name": "velocity_limits", "passed": false, "detail": detail}));
    assert_eq!(receipt["transfers"], json!([]));
    (auth_id, Some(detail))
}

/// The line of a period.
async fn shown(world: &World, card_id: &str, period: &str) -> Value {
    let path = "/open-api/card/v1/card-velocity-limits";
    let query = [("cardId", card_id)];
    let reply = world.client.call(sdk::Method::GET, path, &query, None).await.unwrap();
    let data: Value = serde_json::from_str(reply.data.unwrap().get()).unwrap();
    let lines = data["limits"].as_array().unwrap();
    lines.iter().find(|line| line["period"] == period).unwrap().clone()
}

async fn purchases_keep_to_the_limits(engine: &Engine) {
    let world = World::new(engine, &[]).await;
    let limits =
        json!({"DAILY": {"amount": "100.00", "count": 3}, "MONTHLY": {"amount": "150.00"}});
    let card_id = card_with_limits(&world, limits).await;
    advance_into_a_month(&world).await;

    let (first, refusal) = buy(&world, &card_id, "100.00").await;
    assert_eq!(refusal, None);
    let asked = world.enterprise.notices().len();
    let (_, refusal) = buy(&world, &card_id, "0.01").await;
    assert_eq!(refusal.as_deref(), Some("daily_amount_exceeded"));
    assert_eq!(world.enterprise.notices().len(), asked, "nobody was asked");
    let line = shown(&world, &card_id, "DAILY").await;
    assert_eq!(
        line,
        json!({"period": "DAILY", "limitAmount": 100.0, "usedAmount": 100.0,
        "availableAmount": 0.0, "limitCount": 3, "usedCount": 1})
    );

    // A reversal gives back its amount.
    let reverse = format!("/sandbox/v1/authorisations/{first}/reverse");
    world.operator.post(&reverse, &json!({"amount": "20.00"})).await.unwrap();
    assert_eq!(buy(&world, &card_id, "15.00").await.1, None);
    assert_eq!(buy(&world, &card_id, "5.00").await.1, None);
    assert_eq!(buy(&world, &card_id, "0.01").await.1.as_deref(), Some("daily_amount_exceeded"));
    world.operator.post(&reverse, &json!({})).await.unwrap();
    let line = shown(&world, &card_id, "DAILY").await;
    assert_eq!((&line["usedAmount"], &line["usedCount"]), (&json!(20.0), &json!(2)));
    assert_eq!(buy(&world, &card_id, "80.00").await.1, None);

    // The next day begins at zero, the month goes on.
    advance(&world, DAY_SECONDS).await;
    let line = shown(&world, &card_id, "DAILY").await;
    assert_eq!((&line["usedAmount"], &line["usedCount"]), (&json!(0.0), &json!(0)));
    assert_eq!(shown(&world, &card_id, "MONTHLY").await["usedAmount"], json!(100.0));
    for amount in ["1.00", "1.00", "1.00"] {
        assert_eq!(buy(&world, &card_id, amount).await.1, None);
    }
    assert_eq!(buy(&world, &card_id, "1.00").await.1.as_deref(), Some("daily_count_exceeded"));
    advance(&world, DAY_SECONDS).await;
    assert_eq!(buy(&world, &card_id, "47.01").await.1.as_deref(), Some("monthly_amount_exceeded"));
    let (cleared, refusal) = buy(&world, &card_id, "47.00").await;
    assert_eq!(refusal, None);
    // A clearing does not count again.
    let clear = format!("/sandbox/v1/authorisations/{cleared}/clear");
    world.operator.post(&clear, &json!({})).await.unwrap();
    let line = shown(&world, &card_id, "MONTHLY").await;
    assert_eq!((&line["usedAmount"], &line["availableAmount"]), (&json!(150.0), &json!(0.0)));
    assert_eq!(line["usedCount"], Value::Null);

    advance(&world, 31 * DAY_SECONDS).await;
    assert_eq!(shown(&world, &card_id, "MONTHLY").await["usedAmount"], json!(0.0));
    assert_eq!(buy(&world, &card_id, "100.00").await.1, None);
    world.verify_ledger().await;
}

#[tokio::test]
async fn purchases_keep_to_the_limits_on_sqlite() {
    purchases_keep_to_the_limits(&Engine::embedded()).await;
}

#[tokio::test]
async fn purchases_keep_to_the_limits_on_postgres() {
    let engine = Engine::postgres().await;
    purchases_keep_to_the_limits(&engine).await;
}

async fn increments_together_keep_to_the_single_limit(engine: &Engine) {
    let world = World::new(engine, &[]).await;
    let card_id = card_with_limits(&world, json!({"SINGLE": {"amount": "100.00"}})).await;
    let (first, refusal) = buy(&world, &card_id, "60.00").await;
    assert_eq!(refusal, None);
    let path = format!("/sandbox/v1/authorisations/{first}/increment");
    let raise = async |amount: &str| {
        world.operator.post(&path, &json!({ "amount": amount })).await.unwrap()
    };
    assert_eq!(raise("20.00").await["approved"], true);
    // Each is within the limit, but not both together.
    let (one, two) = tokio::join!(raise("15.00"), raise("15.00"));
    let answers = [one, two];
    let refused: Vec<_> = answers.iter().filter(|it| it["approved"] == false).collect();
    assert_eq!(refused.len(), 1, "{answers:?}");
    assert_eq!(
        (&refused[0]["responseCode"], &refused[0]["reason"]),
        (&json!("01"), &json!("DAPI_AUTH_INTERNAL_REJECT"))
    );
    let receipt = format!("/admin/v1/authorisations/{}", text(refused[0], "authId"));
    let receipt = world.operator.get(&receipt).await.unwrap();
    assert_eq!(receipt["detail"], "single_limit_exceeded");
    let checks = receipt["checks"].as_array().unwrap();
    let failed: Vec<_> = checks.iter().filter(|check| check["passed"] == false).collect();
    let expected =
        json!({"name": "single_limit", "passed": false, "detail": "single_limit_exceeded"});
    assert_eq!(failed, [&expected], "{receipt}");
    assert_eq!(raise("5.01").await["approved"], false);
    // A reversed amount does not count; a cleared one does.
    let reverse = format!("/sandbox/v1/authorisations/{first}/reverse");
    world.operator.post(&reverse, &json!({"amount": "10.00"})).await.unwrap();
    let clear = format!("/sandbox/v1/authorisations/{first}/clear");
    world.operator.post(&clear, &json!({"amount": "60.00", "final": false})).await.unwrap();
    assert_eq!(raise("15.01").await["approved"], false);
    assert_eq!(raise("15.00").await["approved"], true);
    world.verify_ledger().await;
}

#[tokio::test]
async fn increments_together_keep_to_the_single_limit_on_sqlite() {
    increments_together_keep_to_the_single_limit(&Engine::embedded()).await;
}

#[tokio::test]
async fn increments_together_keep_to_the_single_limit_on_postgres() {
    increments_together_keep_to_the_single_limit(&Engine::postgres().await).await;
}
