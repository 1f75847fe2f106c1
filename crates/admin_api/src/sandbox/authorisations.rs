//! Purchases, played.

use std::sync::Arc;

use authorise::AuthorisationAnswer;
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::AuthorisationStatus;
use listener::once::Once;
use scheme::SchemeError;
use serde::Serialize;
use utoipa::ToSchema;

use super::purchase;
use crate::problem::Problem;
use crate::state::ApiState;

/// How long it took, milliseconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct LatencyBody {
    /// From arrival to decision.
    total: u64,
    /// What the enterprise took of it; null if it did not answer in time or was not asked.
    enterprise: Option<u64>,
}

/// The answer to the network.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnswerBody {
    auth_id: String,
    approved: bool,
    /// `00`, `01`, `11` or `21`.
    response_code: Option<String>,
    /// `DAPI_AUTH_*` of a decline.
    reason: Option<String>,
    /// What exactly led to the decision.
    detail: Option<String>,
    auth_code: Option<String>,
    /// The bill it belongs to.
    outs_id: String,
    /// What it increments, completes or refunds.
    original_auth_id: Option<String>,
    latency_ms: LatencyBody,
}

impl From<&AuthorisationAnswer> for AnswerBody {
    fn from(answer: &AuthorisationAnswer) -> Self {
        let auth = &answer.authorisation;
        Self {
            auth_id: auth.auth_id.to_string(),
            approved: auth.status == AuthorisationStatus::Approved,
            response_code: auth.response_code.map(|code| code.to_string()),
            reason: auth.reject_reason.map(|code| code.to_string()),
            detail: auth.detail.clone(),
            auth_code: auth.auth_code.clone(),
            outs_id: auth.outs_id.to_string(),
            original_auth_id: auth.original_auth_id.map(|id| id.to_string()),
            latency_ms: LatencyBody { total: answer.total_ms, enterprise: answer.enterprise_ms },
        }
    }
}

/// A purchase, cash withdrawal, inquiry, completion or refund through the whole
/// authorisation path. A decline is an answer like any other.
#[utoipa::path(post, path = "/sandbox/v1/authorisations", operation_id = "authorise",
    tag = "sandbox",
    request_body = ref("NewAuthorisation"), responses((status = 200, body = AnswerBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<AnswerBody>, Problem> {
    let purchase = purchase::read(&state, &body).await?;
    let answer = answer_of(&state, &once, state.network.purchase(purchase)).await?;
    Ok(Json(AnswerBody::from(&answer)))
}

/// The answer to a message. Where an earlier run of the same call began it, that is what became
/// of it, and nothing is sent.
pub(crate) async fn answer_of(
    state: &ApiState,
    once: &Once,
    message: impl Future<Output = Result<AuthorisationAnswer, SchemeError>>,
) -> Result<AuthorisationAnswer, Problem> {
    let Some(begun) = once.begun() else { return Ok(once.beginning(message).await?) };
    let auth_id = begun.parse().map_err(|_| Problem::internal())?;
    Ok(state.network.outcome(auth_id).await?)
}
