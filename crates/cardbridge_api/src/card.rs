//! Cards (cardbridge-open-api.md section 6.2).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::EnterpriseId;
use wire::cardbridge::card::{
    CardBody, CardIdBody, Freeze, Terminate, parse_detail_query, parse_list_query,
};
use wire::cardbridge::dictionary;
use wire::cardbridge::replacement::ShippingInfoBody;
use wire::cardbridge::velocity::{VelocityLimitsBody, parse_velocity_query};

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::state::ApiState;

/// `GET card/v1/detail`.
pub(crate) async fn detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardBody> {
    let card_id = parse_detail_query(signed.raw_query.as_deref())?;
    let card = state.cards.card(signed.enterprise_id, &card_id).await?;
    Ok(Success(CardBody::from(&card)))
}

/// `GET card/v1/list`.
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<Vec<CardBody>> {
    let customer_id = parse_list_query(signed.raw_query.as_deref())?;
    let cards = state.cards.cards_of_customer(signed.enterprise_id, &customer_id).await?;
    Ok(Success(cards.iter().map(CardBody::from).collect()))
}

/// `GET card/v1/card-velocity-limits`.
pub(crate) async fn velocity_limits(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<VelocityLimitsBody> {
    let card_id = parse_velocity_query(signed.raw_query.as_deref())?;
    let found = state.cards.velocity(signed.enterprise_id, &card_id).await?;
    Ok(Success(VelocityLimitsBody::new(&found.card, &found.limits, &found.used)))
}

/// `POST card/v1/freeze`: freezes, or lifts that. Any reason counts as USER_FREEZE.
pub(crate) async fn freeze(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardBody> {
    let request = Freeze::parse(&signed.body)?;
    let (enterprise_id, card_id) = (signed.enterprise_id, &request.card_id);
    if let Some(reason) = &request.freeze_reason {
        warn_of_unknown_code(
            enterprise_id,
            "freezeReason",
            reason,
            dictionary::FREEZE_REASON.codes,
        );
    }
    let card = if request.freeze {
        state.cards.freeze(enterprise_id, card_id).await?
    } else {
        state.cards.unfreeze(enterprise_id, card_id).await?
    };
    Ok(Success(CardBody::from(&card)))
}

/// `POST card/v1/terminate`.
pub(crate) async fn terminate(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardBody> {
    let Terminate { card_id, invalidate_reason } = Terminate::parse(&signed.body)?;
    let known = dictionary::INVALIDATE_REASON.codes;
    warn_of_unknown_code(signed.enterprise_id, "invalidateReason", &invalidate_reason, known);
    let card = state.cards.terminate(signed.enterprise_id, &card_id, invalidate_reason).await?;
    Ok(Success(CardBody::from(&card)))
}

/// A code outside its dictionary is worth a line in the log and no more. The value is the
/// caller's own text and stays out of it.
fn warn_of_unknown_code(
    enterprise_id: EnterpriseId,
    field: &'static str,
    code: &str,
    known: &[&str],
) {
    if !known.contains(&code) {
        tracing::warn!(%enterprise_id, field, "a code outside its dictionary");
    }
}

/// `POST card/v1/physical-active`.
pub(crate) async fn activate_physical(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardBody> {
    let CardIdBody { card_id } = CardIdBody::parse(&signed.body)?;
    let card = state.cards.activate_physical(signed.enterprise_id, &card_id).await?;
    Ok(Success(CardBody::from(&card)))
}

/// `GET card/v1/shipping-info`.
pub(crate) async fn shipping_info(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<ShippingInfoBody> {
    let card_id = parse_detail_query(signed.raw_query.as_deref())?;
    Ok(Success(state.cards.shipping_info(signed.enterprise_id, &card_id).await?))
}
