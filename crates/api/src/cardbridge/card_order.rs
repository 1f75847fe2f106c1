//! Card orders (cardbridge-open-api.md section 6.1).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use wire::cardbridge::order::{ApplyVirtual, CardOrderBody, OrderQuery};

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

/// `GET card-order/v1/detail`.
pub(crate) async fn detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<CardOrderBody> {
    let wanted = OrderQuery::parse(signed.raw_query.as_deref())?;
    let order = state.cards.order(signed.enterprise_id, &wanted).await?;
    Ok(Success(CardOrderBody::from(&order)))
}
