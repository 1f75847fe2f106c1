//! What the network sends after an authorisation: reversals and clearings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::AuthId;

use crate::fields::Fields;
use crate::operator::{AuthorisationBody, PathText, TransactionBody};
use crate::problem::Problem;
use crate::request_bodies::{Clearing, Reversal};
use crate::state::ApiState;

/// Takes an authorisation back, wholly or in part; answers with the reversal's own record.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/reverse", tag = "sandbox",
    params(("id" = String, Path)), request_body = Option<Reversal>,
    responses((status = 200, body = AuthorisationBody)))]
pub(crate) async fn reverse(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    body: Bytes,
) -> Result<Json<AuthorisationBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let amount = Fields::parse(&body, Reversal::FIELDS)?.decimal_text("amount")?;
    let reversal = state.network.reverse(auth_id, amount.as_deref()).await?;
    Ok(Json(AuthorisationBody::from(&reversal)))
}

/// Posts an authorisation, wholly or in part.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/clear", tag = "sandbox",
    params(("id" = String, Path)), request_body = Option<Clearing>,
    responses((status = 200, body = TransactionBody)))]
pub(crate) async fn clear(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    body: Bytes,
) -> Result<Json<TransactionBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let fields = Fields::parse(&body, Clearing::FIELDS)?;
    let amount = fields.decimal_text("amount")?;
    let is_final = fields.boolean("final")?.unwrap_or(true);
    let cleared = state.network.clear(auth_id, amount.as_deref(), is_final).await?;
    Ok(Json(TransactionBody::from(&cleared.posting)))
}
