//! A credit-line card of dialect 2, its 3DS code, and the delivery of the merchant's webhooks.

use std::time::Duration;

use platform::Failure;
use serde_json::{Value, json};

use super::app::{App, decimal};
use super::prepaid::buy;
use super::screen::Screen;
use super::setting::{Scene, WEBHOOK_WAIT, expect, failed, text};

/// Pause between two polls of deliveries that are under way.
const POLL_PAUSE: Duration = Duration::from_millis(50);
/// More webhooks than the whole demonstration sends.
const MAX_DELIVERIES: u32 = 200;

/// A card that draws on the wallet until its line is used up; returns its id.
pub async fn limit(screen: &mut Screen, scene: &Scene, app: &App) -> Result<String, Failure> {
    let card_id = app.open_credit_line("30.00").await?;
    let shown = checked(app, &card_id, "50.00", "30.00").await?;
    screen.step_with_deposit("merchant opens a credit-line card", "line of 30.00", &shown);
    let within = buy(scene, &card_id, "18.00").await?;
    expect("a purchase within the line", &json!(true), &within["approved"])?;
    app.told(&text(&within, "authId")?, "Authorization", "PENDING").await?;
    let shown = checked(app, &card_id, "32.00", "12.00").await?;
    screen.step_with_deposit("purchase of 18.00, within the line", "approved", &shown);
    let above = buy(scene, &card_id, "12.01").await?;
    expect("a purchase above the line", &json!(false), &above["approved"])?;
    app.told(&text(&above, "authId")?, "Authorization", "DECLINED").await?;
    let shown = checked(app, &card_id, "32.00", "12.00").await?;
    screen.step_with_deposit("purchase of 12.01, above what is left", "declined", &shown);
    Ok(card_id)
}

/// Checks the wallet's amount and the part that the card may still spend.
async fn checked(app: &App, card_id: &str, wallet: &str, left: &str) -> Result<String, Failure> {
    expect("the wallet", &decimal(wallet)?, &app.accounts().await?.1)?;
    expect("what the card has left", &decimal(left)?, &app.card(card_id).await?.1)?;
    Ok(format!("{wallet:>6} wallet, {left:>5} left of the line"))
}

/// The merchant receives a 3DS code, and the cardholder types it in.
pub async fn challenge(
    screen: &mut Screen,
    scene: &Scene,
    app: &App,
    card_id: &str,
) -> Result<(), Failure> {
    let path = "/sandbox/v1/3ds-challenges";
    let body = json!({ "cardId": card_id, "amount": "9.99", "currency": "840",
        "merchantName": "TEST SHOP" });
    let made = scene.operator.post(path, &body).await.map_err(failed("3DS challenge"))?;
    let is_code = |it: &Value| it["business_type"] == "Card3ds";
    let notice = app.merchant.wait_for_webhook(WEBHOOK_WAIT, is_code).await;
    let notice = notice.ok_or_else(|| Failure::run("expected a Card3ds webhook"))?;
    expect("the card", &json!(card_id), &notice["data"]["card_id"])?;
    let otp = text(&notice["data"], "otp")?;
    let challenge_id = text(&made, "challengeId")?;
    let path = format!("{path}/{challenge_id}/verify");
    let typed = scene.operator.post(&path, &json!({ "otp": otp })).await;
    let typed = typed.map_err(failed("the code"))?;
    expect("the challenge", &json!("APPROVED"), &typed["status"])?;
    screen.step("3DS code told, cardholder types it", "Card3ds, then APPROVED");
    Ok(())
}

/// Checks that every webhook to the app was acknowledged at the first try.
pub async fn acknowledged(screen: &mut Screen, scene: &Scene, app: &App) -> Result<(), Failure> {
    let until = tokio::time::Instant::now() + WEBHOOK_WAIT;
    loop {
        let (pending, delivered) =
            (deliveries(scene, "PENDING").await?, deliveries(scene, "DELIVERED").await?);
        if pending.is_empty() {
            let told = app.merchant.webhooks().len();
            expect("webhooks that were acknowledged", &told, &delivered.len())?;
            let tries = |it: &Value| it["attempts"].as_array().map(Vec::len);
            expect("first tries", &true, &delivered.iter().all(|it| tries(it) == Some(1)))?;
            screen.step("webhooks to the merchant", &format!("{told} received and acknowledged"));
            return Ok(());
        }
        if tokio::time::Instant::now() > until {
            return Err(Failure::run("expected every webhook to the app to be acknowledged"));
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
}

/// Deliveries to the app that have a status.
async fn deliveries(scene: &Scene, status: &str) -> Result<Vec<Value>, Failure> {
    let path = format!("/admin/v1/webhook-deliveries?status={status}&limit={MAX_DELIVERIES}");
    let found = scene.operator.get(&path).await.map_err(failed("webhook deliveries"))?;
    let items = found["items"].as_array().into_iter().flatten();
    let is_of_app =
        |it: &&Value| it["webhookType"].as_str().is_some_and(|name| name.starts_with("VM_"));
    Ok(items.filter(is_of_app).cloned().collect())
}
