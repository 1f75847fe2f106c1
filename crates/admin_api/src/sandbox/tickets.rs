//! The reviewer, played.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use listener::once::Once;

use crate::operator::{self, IntentTicketBody, KycTicketBody, PathText};
use crate::problem::Problem;
use crate::state::ApiState;

/// Decides a KYC ticket; orders that wait for it go on or fail.
#[utoipa::path(post, path = "/sandbox/v1/kyc-tickets/{id}/decide",
    operation_id = "decide_kyc_ticket", tag = "sandbox", params(("id" = String, Path)),
    request_body = ref("TicketVerdict"), responses((status = 200, body = KycTicketBody)))]
pub(crate) async fn decide_kyc(
    state: State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<KycTicketBody>, Problem> {
    operator::decide_kyc(state, id, once, body).await
}

/// Decides an intent ticket; an order that waits for its evidence goes on or fails.
#[utoipa::path(post, path = "/sandbox/v1/intent-tickets/{id}/decide",
    operation_id = "decide_intent_ticket", tag = "sandbox", params(("id" = String, Path)),
    request_body = ref("TicketVerdict"), responses((status = 200, body = IntentTicketBody)))]
pub(crate) async fn decide_intent(
    state: State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<IntentTicketBody>, Problem> {
    operator::decide_intent(state, id, once, body).await
}
