//! The reviewer, played.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;

use crate::operator::{IntentTicketBody, KycTicketBody, PathText, verdict};
use crate::problem::Problem;
use crate::request_bodies::TicketVerdict;
use crate::state::ApiState;

/// Decides a KYC ticket; orders that wait for it go on or fail.
#[utoipa::path(post, path = "/sandbox/v1/kyc-tickets/{id}/decide",
    operation_id = "decide_kyc_ticket", tag = "sandbox", params(("id" = String, Path)),
    request_body = TicketVerdict, responses((status = 200, body = KycTicketBody)))]
pub(crate) async fn decide_kyc(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    body: Bytes,
) -> Result<Json<KycTicketBody>, Problem> {
    let ticket = state.cards.decide_kyc_ticket(&id.0, verdict(&body)?).await?;
    Ok(Json(KycTicketBody::from(&ticket)))
}

/// Decides an intent ticket; an order that waits for its evidence goes on or fails.
#[utoipa::path(post, path = "/sandbox/v1/intent-tickets/{id}/decide",
    operation_id = "decide_intent_ticket", tag = "sandbox", params(("id" = String, Path)),
    request_body = TicketVerdict, responses((status = 200, body = IntentTicketBody)))]
pub(crate) async fn decide_intent(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    body: Bytes,
) -> Result<Json<IntentTicketBody>, Problem> {
    let ticket = state.cards.decide_intent_ticket(&id.0, verdict(&body)?).await?;
    Ok(Json(IntentTicketBody::from(&ticket)))
}
