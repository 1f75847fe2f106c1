//! A shopper's 3DS challenge.

use platform::Failure;
use serde_json::json;

use super::screen::Screen;
use super::setting::{Scene, expect, failed, text};

/// The enterprise receives a challenge and approves it.
pub async fn approved(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let challenge = json!({"cardId": scene.card_id, "amount": "25.50", "currency": "840",
        "merchantId": "M0001", "merchantName": "TEST SHOP", "merchantCountry": "SG",
        "mcc": "5999"});
    let path = "/sandbox/v1/3ds-challenges";
    let made = scene.operator.post(path, &challenge).await.map_err(failed("3DS challenge"))?;
    let id = text(&made, "challengeId")?;
    let reached = |state: &'static str| {
        let id = id.clone();
        async move {
            scene
                .webhook("AUTHORISATION_3DS_CHALLENGE", &id, |it| it.text("/data/status") == state)
                .await
        }
    };
    reached("INIT").await?;
    let verdict = json!({"challengeId": id, "approveStatus": "APPROVE"});
    let answered = scene.post("3ds-challenge/v1/authenticate", &verdict).await?;
    expect("the challenge", &json!("APPROVED"), &answered["status"])?;
    reached("APPROVED").await?;
    screen.step("3DS challenge, the enterprise approves", "INIT, then APPROVED");
    Ok(())
}
