//! Refunds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use scheme::RefundOf;

use crate::fields::Fields;
use crate::operator::TransactionBody;
use crate::problem::Problem;
use crate::request_bodies::Refund;
use crate::state::ApiState;

/// Posts a refund at once, as its own authorisation.
#[utoipa::path(post, path = "/sandbox/v1/refunds", operation_id = "refund", tag = "sandbox", request_body = Refund,
    responses((status = 200, body = TransactionBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    body: Bytes,
) -> Result<Json<TransactionBody>, Problem> {
    let fields = Fields::parse(&body, Refund::FIELDS)?;
    let of = refunded(&fields)?;
    let amount = fields.required("amount", fields.decimal_text("amount")?)?;
    let currency = fields.required("currency", fields.currency("currency")?)?;
    let refunded = state.network.refund(of, &amount, currency).await?;
    Ok(Json(TransactionBody::from(&refunded.posting)))
}

fn refunded(fields: &Fields<'_>) -> Result<RefundOf, Problem> {
    match (fields.text("authId")?, fields.text("cardId")?) {
        (Some(id), None) => {
            let id = id.parse().map_err(|_| Problem::not_found("authorisation"))?;
            Ok(RefundOf::Authorisation(id))
        }
        (None, Some(id)) => Ok(RefundOf::Card(id.parse().map_err(|_| Problem::not_found("card"))?)),
        (Some(_), Some(_)) => Err(fields.wrong("authId", "and cardId exclude each other")),
        (None, None) => Err(fields.wrong("authId", "or cardId is missing")),
    }
}
