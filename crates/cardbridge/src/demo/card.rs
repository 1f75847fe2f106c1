//! The card: ordered, frozen, unfrozen, terminated.

use platform::Failure;
use sdk::wire::cardbridge::applicant::{CustomerInfo, KycInfo};
use sdk::wire::cardbridge::card::{Freeze, Terminate};
use sdk::wire::cardbridge::order::{ApplyVirtual, ForwardingApplication};

use super::screen::Screen;
use super::setting::{Deposit, Scene, WEBHOOK_WAIT, expect, failed};

/// States of a virtual card's order (cardbridge-open-api.md section 7.1).
const STATES: [&str; 5] =
    ["PENDING", "CUSTOMER_PASS", "KYC_PASS", "CHANNEL_CUSTOMER_PASS", "SUCCEED"];

/// Applies for a virtual card and watches the order until the card is issued.
pub async fn order(screen: &mut Screen, scene: &mut Scene) -> Result<(), Failure> {
    let application = application(&scene.profile_id);
    let order = scene.client.apply_virtual(&application).await.map_err(failed("apply-virtual"))?;
    screen.step("enterprise applies for a virtual card", &format!("order {}", order.card_order_id));
    for state in STATES {
        scene
            .webhook("CARD_ORDER", &order.card_order_id, |webhook| {
                webhook.text("/data/status") == state
            })
            .await?;
        screen.step("webhook CARD_ORDER", state);
    }
    let order =
        scene.client.order(&order.card_order_id).await.map_err(failed("card-order detail"))?;
    expect("the order's state", &"SUCCEED", &order.status.as_str())?;
    scene.card_id = order
        .card_id
        .ok_or_else(|| Failure::run("expected a cardId in the order that succeeded"))?;
    let webhook = scene.webhook("CARD", &scene.card_id, |_| true).await?;
    expect("the card's state", &"ACTIVATED", &webhook.text("/data/status"))?;
    let (first, last) = (webhook.text("/data/panFirst6"), webhook.text("/data/panLast4"));
    let outcome = format!("ACTIVATED {first}******{last}");
    screen.step_with_deposit("webhook CARD", &outcome, &scene.deposit(Deposit::WHOLE).await?);
    Ok(())
}

/// Freezes the card.
pub async fn freeze(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    set_frozen(scene, true, "FROZEN").await?;
    let deposit = scene.deposit(Deposit::HELD).await?;
    screen.step_with_deposit("enterprise freezes the card", "FROZEN, webhook came", &deposit);
    Ok(())
}

/// Lifts the freeze.
pub async fn unfreeze(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    set_frozen(scene, false, "ACTIVATED").await?;
    let deposit = scene.deposit(Deposit::HELD).await?;
    screen.step_with_deposit("enterprise unfreezes the card", "ACTIVATED, webhook came", &deposit);
    Ok(())
}

async fn set_frozen(scene: &Scene, freeze: bool, state: &str) -> Result<(), Failure> {
    let seen = scene.enterprise.webhook_count();
    let request = Freeze { card_id: scene.card_id.clone(), freeze, freeze_reason: None };
    let card = scene.client.freeze(&request).await.map_err(failed("freeze"))?;
    expect("the card's state", &state, &card.status.as_str())?;
    reached(scene, seen, state).await
}

/// Terminates the card for good.
pub async fn terminate(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let seen = scene.enterprise.webhook_count();
    let request =
        Terminate { card_id: scene.card_id.clone(), invalidate_reason: "CARD_LOST".to_owned() };
    let card = scene.client.terminate(&request).await.map_err(failed("terminate"))?;
    expect("the card's state", &"INVALID", &card.status.as_str())?;
    reached(scene, seen, "INVALID").await?;
    let deposit = scene.deposit(Deposit::POSTED).await?;
    screen.step_with_deposit("enterprise terminates the card", "INVALID, webhook came", &deposit);
    Ok(())
}

/// Waits until a webhook after the first `seen` reports the card's state.
async fn reached(scene: &Scene, seen: usize, state: &str) -> Result<(), Failure> {
    let found = scene.enterprise.wait_for(WEBHOOK_WAIT, |webhooks| {
        webhooks.iter().skip(seen).find(|webhook| {
            webhook.webhook_type() == "CARD" && webhook.text("/data/status") == state
        })?;
        Some(())
    });
    found.await.ok_or_else(|| Failure::run(format_args!("expected a CARD webhook with {state}")))
}

fn application(profile_id: &str) -> ApplyVirtual {
    let text = |value: &str| Some(value.to_owned());
    ApplyVirtual::Forwarding(Box::new(ForwardingApplication {
        profile_id: profile_id.to_owned(),
        card_order_ref: "demo-order-1".to_owned(),
        customer_info: CustomerInfo {
            phone_country_code: text("SG"),
            phone: text("+6580000000"),
            email: text("shopper@example.com"),
            customer_ref: text("demo-shopper"),
        },
        kyc_info: kyc_info(),
    }))
}

fn kyc_info() -> KycInfo {
    let text = |value: &str| Some(value.to_owned());
    KycInfo {
        sumsub_share_token: "pass-demonstration".to_owned(),
        poa_doc_type: text("UTILITY_BILL"),
        poa_doc_url_list: Vec::new(),
        poa_doc_date: None,
        address_line1: text("1 Test Road"),
        address_line2: None,
        state: None,
        city: text("Singapore"),
        postal_code: text("000001"),
        country: text("SG"),
        employment_status: "EMPLOYED".to_owned(),
        employer_name: text("Test Employer"),
        employment_job_industry: text("RETAIL_TRADE"),
        occupation: text("CLERK"),
        job_seniority: text("ASSOCIATE"),
        purpose_of_account: text("DAILY_SPENDING"),
        source_of_funds: "OWN_BANK_ACCOUNT".to_owned(),
        source_of_funds_country: text("SG"),
        source_of_wealth: "EMPLOYMENT".to_owned(),
    }
}
