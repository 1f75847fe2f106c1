//! Intent tickets (cardbridge-open-api.md section 6.5).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use wire::cardbridge::intent_ticket::{CreateIntentTicket, IntentTicketBody, IntentTicketQuery};

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::state::ApiState;

/// `POST intent-ticket/v1/create`.
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<IntentTicketBody> {
    let request = CreateIntentTicket::parse(&signed.body)?;
    let ticket = state.cards.create_intent_ticket(signed.enterprise_id, &request).await?;
    Ok(Success(IntentTicketBody::from(&ticket)))
}

/// `GET intent-ticket/v1/detail`.
pub(crate) async fn detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<IntentTicketBody> {
    let wanted = IntentTicketQuery::parse(signed.raw_query.as_deref())?;
    let ticket = state.cards.wanted_intent_ticket(signed.enterprise_id, &wanted).await?;
    Ok(Success(IntentTicketBody::from(&ticket)))
}
