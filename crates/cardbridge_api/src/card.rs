//! Cards (cardbridge-open-api.md section 6.2).

use domain::EnterpriseId;
use wire::cardbridge::card::{CardBody, CardIdBody, Freeze, Terminate};
use wire::cardbridge::query::{CARD_ID, CUSTOMER_ID, Query};
use wire::cardbridge::replacement::ShippingInfoBody;
use wire::cardbridge::velocity::VelocityLimitsBody;

use super::call::Call;
use super::reply::{Reply, Success};

/// `GET card/v1/detail`.
pub(crate) async fn detail(call: Call<Query>) -> Reply<CardBody> {
    let card_id = call.query()?.required(CARD_ID)?;
    let card = call.state.cards.card(call.enterprise_id, &card_id).await?;
    Ok(Success(CardBody::from(&card)))
}

/// `GET card/v1/list`.
pub(crate) async fn list(call: Call<Query>) -> Reply<Vec<CardBody>> {
    let customer_id = call.query()?.required(CUSTOMER_ID)?;
    let cards = call.state.cards.cards_of_customer(call.enterprise_id, &customer_id).await?;
    Ok(Success(cards.iter().map(CardBody::from).collect()))
}

/// `GET card/v1/card-velocity-limits`.
pub(crate) async fn velocity_limits(call: Call<Query>) -> Reply<VelocityLimitsBody> {
    let card_id = call.query()?.required(CARD_ID)?;
    let found = call.state.cards.velocity(call.enterprise_id, &card_id).await?;
    Ok(Success(VelocityLimitsBody::new(&found.card, &found.limits, &found.used)))
}

/// `POST card/v1/freeze`: freezes, or lifts that. Any reason counts as USER_FREEZE.
pub(crate) async fn freeze(call: Call<Freeze>) -> Reply<CardBody> {
    let request = call.body()?;
    let (enterprise_id, card_id) = (call.enterprise_id, &request.card_id);
    warn_of_unknown_codes(enterprise_id, request.unknown_codes());
    let card = if request.freeze {
        call.state.cards.freeze(enterprise_id, card_id).await?
    } else {
        call.state.cards.unfreeze(enterprise_id, card_id).await?
    };
    Ok(Success(CardBody::from(&card)))
}

/// `POST card/v1/terminate`.
pub(crate) async fn terminate(call: Call<Terminate>) -> Reply<CardBody> {
    let request = call.body()?;
    warn_of_unknown_codes(call.enterprise_id, request.unknown_codes());
    let Terminate { card_id, invalidate_reason } = request;
    let card = call.state.cards.terminate(call.enterprise_id, &card_id, invalidate_reason).await?;
    Ok(Success(CardBody::from(&card)))
}

/// A code outside its dictionary is worth a line in the log. The line leaves out the value, which
/// is the caller's own text.
fn warn_of_unknown_codes(enterprise_id: EnterpriseId, fields: Vec<&'static str>) {
    for field in fields {
        tracing::warn!(%enterprise_id, field, "a code outside its dictionary");
    }
}

/// `POST card/v1/physical-active`.
pub(crate) async fn activate_physical(call: Call<CardIdBody>) -> Reply<CardBody> {
    let CardIdBody { card_id } = call.body()?;
    let card = call.state.cards.activate_physical(call.enterprise_id, &card_id).await?;
    Ok(Success(CardBody::from(&card)))
}

/// `GET card/v1/shipping-info`.
pub(crate) async fn shipping_info(call: Call<Query>) -> Reply<ShippingInfoBody> {
    let card_id = call.query()?.required(CARD_ID)?;
    Ok(Success(call.state.cards.shipping_info(call.enterprise_id, &card_id).await?))
}
