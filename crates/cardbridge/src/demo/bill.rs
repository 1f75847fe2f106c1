//! A hotel's bill: reserved, raised, partly given back, cleared, partly refunded.

use platform::Failure;
use serde_json::{Value, json};

use super::purchase::buy_with;
use super::screen::Screen;
use super::setting::{Scene, expect, failed, text};

impl Scene {
    /// Sends a network's message about an authorisation.
    pub async fn network(&self, auth_id: &str, step: &str, body: &Value) -> Result<Value, Failure> {
        let path = format!("/sandbox/v1/authorisations/{auth_id}/{step}");
        self.operator.post(&path, body).await.map_err(failed(step))
    }

    /// Reverses an authorisation.
    pub async fn reverse(&self, auth_id: &str) -> Result<(), Failure> {
        self.network(auth_id, "reverse", &json!({})).await.map(|_| ())
    }

    /// The deposit's amounts now, as displayed.
    pub async fn deposit_now(&self) -> Result<String, Failure> {
        let path =
            format!("/admin/v1/ledger/accounts?order=asc&enterpriseId={}", self.enterprise_id);
        let accounts = self.operator.get(&path).await.map_err(failed("ledger accounts"))?;
        let of = |field: &str| text(&accounts["items"][0], field);
        let (free, held) = (of("availableAmount")?, of("heldAmount")?);
        Ok(format!("{free:>7} free {held:>6} held {:>6} posted", of("postedAmount")?))
    }
}

/// The whole bill.
pub async fn run(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let reserved = buy_with(scene, "100.00", &json!({"authType": "PRE_AUTH"})).await?;
    expect("the reservation", &json!(true), &reserved["approved"])?;
    let auth_id = text(&reserved, "authId")?;
    let deposit = scene.deposit_now().await?;
    screen.step_with_deposit("hotel reserves 100.00", "PRE_AUTH approved", &deposit);
    let raised = scene.network(&auth_id, "increment", &json!({"amount": "40.00"})).await?;
    expect("the increment", &json!(true), &raised["approved"])?;
    expect("the bill", &reserved["outsId"], &raised["outsId"])?;
    let deposit = scene.deposit_now().await?;
    screen.step_with_deposit("hotel raises it by 40.00", "increment approved", &deposit);
    scene.network(&auth_id, "reverse", &json!({"amount": "20.00"})).await?;
    let deposit = scene.deposit_now().await?;
    screen.step_with_deposit("hotel gives 20.00 back", "partial reversal", &deposit);
    scene.network(&auth_id, "clear", &json!({})).await?;
    let deposit = scene.deposit_now().await?;
    screen.step_with_deposit("hotel collects what is left", "cleared, nothing held", &deposit);
    let refund = json!({"authId": auth_id, "amount": "15.00", "currency": "840"});
    scene.operator.post("/sandbox/v1/refunds", &refund).await.map_err(failed("refund"))?;
    let deposit = scene.deposit_now().await?;
    screen.step_with_deposit("hotel refunds 15.00", "INCOMING, enterprise agrees", &deposit);
    Ok(())
}
