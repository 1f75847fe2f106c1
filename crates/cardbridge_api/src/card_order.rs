//! Card orders (cardbridge-open-api.md section 6.1).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use wire::cardbridge::order::{ApplyVirtual, CardOrderBody, OrderQuery};
use wire::cardbridge::replacement::{Replace, VirtualToPhysical};

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::state::ApiState;

/// `POST card-order/v1/apply-virtual`.
pub(crate) async fn apply_virtual(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardOrderBody> {
    let request = ApplyVirtual::parse(&signed.body, signed.secret.expose())?;
    let order = state.cards.apply_virtual(signed.enterprise_id, request).await?;
    Ok(Success(CardOrderBody::from(&order)))
}

/// `POST card-order/v1/virtual-to-physical`.
pub(crate) async fn virtual_to_physical(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardOrderBody> {
    let request = VirtualToPhysical::parse(&signed.body)?;
    let order = state.cards.order_physical(signed.enterprise_id, &request).await?;
    Ok(Success(CardOrderBody::from(&order)))
}

/// `POST card-order/v1/replace`.
pub(crate) async fn replace(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardOrderBody> {
    let request = Replace::parse(&signed.body)?;
    let order = state.cards.order_replacement(signed.enterprise_id, &request).await?;
    Ok(Success(CardOrderBody::from(&order)))
}

/// `GET card-order/v1/detail`.
pub(crate) async fn detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardOrderBody> {
    let wanted = OrderQuery::parse(signed.raw_query.as_deref())?;
    let order = state.cards.order(signed.enterprise_id, &wanted).await?;
    Ok(Success(CardOrderBody::from(&order)))
}
