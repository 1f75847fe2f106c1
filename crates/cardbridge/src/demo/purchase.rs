//! The shopper's purchases and their outcomes.

use std::time::Duration;

use domain::ResponseCode;
use platform::Failure;
use serde_json::{Value, json};
use sim::Behaviour;

use super::screen::Screen;
use super::setting::{Deposit, Scene, expect, failed, text};

/// The deadline that one answer misses, and how much later that answer comes.
const SHORT_DEADLINE_MS: u32 = domain::Enterprise::MIN_AUTH_DEADLINE_MS;
const LATE_BY: Duration = Duration::from_millis(800);
/// Longest wait for the receipt to name the late answer, in polls.
const MAX_RECEIPT_POLLS: u32 = 300;
const POLL_PAUSE: Duration = Duration::from_millis(100);

/// A purchase that the enterprise approves; returns its authId.
pub async fn approved(screen: &mut Screen, scene: &Scene) -> Result<String, Failure> {
    scene.enterprise.answer(Behaviour::APPROVE);
    let answer = buy(scene, "25.50").await?;
    let auth_id = decided(scene, &answer, true, None).await?;
    let deposit = scene.deposit(Deposit::HELD).await?;
    let latency = &answer["latencyMs"]["total"];
    screen.step_with_deposit("purchase of 25.50, enterprise approves", "approved", &deposit);
    screen.note(&format!("answered in {latency} ms, AUTHORISATION_RESULT webhook: A"));
    Ok(auth_id)
}

/// A purchase that the enterprise declines.
pub async fn declined(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    scene.enterprise.answer(Behaviour::DECLINE);
    let answer = buy(scene, "40.00").await?;
    decided(scene, &answer, false, Some("DAPI_AUTH_ENTERPRISE_REJECT")).await?;
    let deposit = scene.deposit(Deposit::HELD).await?;
    screen.step_with_deposit("purchase of 40.00, enterprise declines", "declined", &deposit);
    Ok(())
}

/// A purchase that the enterprise approves too late: recorded, and no money moves.
pub async fn late(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let pause = Duration::from_millis(SHORT_DEADLINE_MS.into()) + LATE_BY;
    scene.enterprise.answer(Behaviour::Late(ResponseCode::Approved, pause));
    scene.set_deadline(Some(SHORT_DEADLINE_MS)).await?;
    let answer = buy(scene, "60.00").await?;
    scene.set_deadline(None).await?;
    let reason = Some("DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT");
    let auth_id = decided(scene, &answer, false, reason).await?;
    scene.enterprise.answer(Behaviour::APPROVE);
    let late = late_answer(scene, &auth_id).await?;
    expect("the late answer's code", &json!("00"), &late["responseCode"])?;
    let deposit = scene.deposit(Deposit::HELD).await?;
    screen.step_with_deposit("purchase of 60.00, approved too late", "declined", &deposit);
    screen
        .note(&format!("the approval came after {} ms: recorded, not applied", late["receivedMs"]));
    Ok(())
}

/// A purchase with the frozen card: declined, and the enterprise is not asked.
pub async fn frozen(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let asked = scene.enterprise.notice_count();
    let answer = buy(scene, "10.00").await?;
    decided(scene, &answer, false, Some("DAPI_AUTH_INTERNAL_REJECT")).await?;
    expect("notices about a frozen card", &asked, &scene.enterprise.notice_count())?;
    let deposit = scene.deposit(Deposit::HELD).await?;
    screen.step_with_deposit("purchase of 10.00, nobody is asked", "declined", &deposit);
    Ok(())
}

/// The shop collects the approved purchase.
pub async fn clear(screen: &mut Screen, scene: &Scene, auth_id: &str) -> Result<(), Failure> {
    let path = format!("/sandbox/v1/authorisations/{auth_id}/clear");
    let posted = scene.operator.post(&path, &json!({})).await.map_err(failed("clearing"))?;
    text(&posted, "transactionId")?;
    let deposit = scene.deposit(Deposit::POSTED).await?;
    screen.step_with_deposit("clearing of the approved purchase", "posted", &deposit);
    Ok(())
}

async fn buy(scene: &Scene, amount: &str) -> Result<Value, Failure> {
    buy_with(scene, amount, &json!({})).await
}

/// A purchase with additional fields.
pub async fn buy_with(scene: &Scene, amount: &str, further: &Value) -> Result<Value, Failure> {
    let mut purchase = json!({
        "cardId": scene.card_id,
        "amount": amount,
        "currency": "840",
        "mcc": "5999",
        "merchantId": "M0001",
        "merchantName": "TEST SHOP",
        "merchantCountry": "SG",
    });
    for (name, value) in further.as_object().into_iter().flatten() {
        purchase[name] = value.clone();
    }
    scene.operator.post("/sandbox/v1/authorisations", &purchase).await.map_err(failed("purchase"))
}

/// Checks the answer and its webhook; returns the authId.
async fn decided(
    scene: &Scene,
    answer: &Value,
    approved: bool,
    reject_reason: Option<&str>,
) -> Result<String, Failure> {
    expect("approved", &json!(approved), &answer["approved"])?;
    let auth_id = text(answer, "authId")?;
    let webhook = scene.webhook("AUTHORISATION_RESULT", &auth_id, |_| true).await?;
    let flag = if approved { "A" } else { "D" };
    expect("approveFlag", &flag, &webhook.text("/data/approveFlag"))?;
    expect("rejectReason", &json!(reject_reason), &webhook.json["data"]["rejectReason"])?;
    Ok(auth_id)
}

/// Waits until the decision receipt names the late answer.
async fn late_answer(scene: &Scene, auth_id: &str) -> Result<Value, Failure> {
    let path = format!("/admin/v1/authorisations/{auth_id}");
    for _ in 0..MAX_RECEIPT_POLLS {
        let receipt = scene.operator.get(&path).await.map_err(failed("decision receipt"))?;
        if receipt["lateAnswer"].is_object() {
            return Ok(receipt["lateAnswer"].clone());
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
    Err(Failure::run("expected the late answer in the decision receipt"))
}
