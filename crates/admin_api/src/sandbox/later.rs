//! What the network sends after an authorisation: increments, reversals and clearings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::AuthId;
use listener::once::Once;
use scheme::Increment as NetworkIncrement;
use store::PostingOutcome;

use super::authorisations::{AnswerBody, answer_of};
use super::purchase;
use crate::card_reference::{CardNames, card_id, named};
use crate::fields::{Fields, currency, decimal_text, required_decimal, rrn, stan};
use crate::operator::{AuthorisationBody, PathText, TransactionBody};
use crate::problem::Problem;
use crate::request_bodies::{CLEARING, FORCED_CLEARING, INCREMENT, REVERSAL};
use crate::state::ApiState;
use wire::field;

/// Raises an approved authorisation by its own authorisation, with its own hold.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/increment", tag = "sandbox",
    params(("id" = String, Path)), request_body = ref("Increment"),
    responses((status = 200, body = AnswerBody)))]
pub(crate) async fn increment(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<AnswerBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let fields = Fields::parse_as(&INCREMENT, &body)?;
    let increment = NetworkIncrement {
        auth_id,
        amount_text: required_decimal(&fields, field!(INCREMENT, "amount"))?,
        stan: stan(&fields)?,
        rrn: rrn(&fields)?,
    };
    let answer = answer_of(&state, &once, state.network.increment(increment)).await?;
    Ok(Json(AnswerBody::from(&answer)))
}

/// Takes an authorisation back, wholly or in part, with its increments; answers with
/// the reversal's own record once the enterprise was told.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/reverse", tag = "sandbox",
    params(("id" = String, Path)), request_body = ref("Reversal"),
    responses((status = 200, body = AuthorisationBody)))]
pub(crate) async fn reverse(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<AuthorisationBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let fields = Fields::parse_as(&REVERSAL, &body)?;
    let amount = decimal_text(&fields, field!(REVERSAL, "amount"))?;
    let reversed = state.network.reverse(auth_id, amount.as_deref());
    let reversal = answer_of(&state, &once, reversed).await?;
    named(&state, AuthorisationBody::from(&reversal.authorisation)).await
}

/// Posts an authorisation and its increments, wholly or in part.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/clear", tag = "sandbox",
    params(("id" = String, Path)), request_body = ref("Clearing"),
    responses((status = 200, body = TransactionBody)))]
pub(crate) async fn clear(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<TransactionBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let fields = Fields::parse_as(&CLEARING, &body)?;
    let amount = decimal_text(&fields, field!(CLEARING, "amount"))?;
    let is_final = fields.boolean(field!(CLEARING, "final"))?.unwrap_or(true);
    let names = CardNames::of_authorisation(&state, auth_id).await?;
    let cleared = state.network.clear(auth_id, amount.as_deref(), is_final);
    once.answer(move |posted| names.put(body_of(posted)), cleared).await
}

/// Posts what nothing authorised (force post); nobody is asked.
#[utoipa::path(post, path = "/sandbox/v1/clearings", operation_id = "force_clearing",
    tag = "sandbox",
    request_body = ref("ForcedClearing"), responses((status = 200, body = TransactionBody)))]
pub(crate) async fn force(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<TransactionBody>, Problem> {
    let fields = Fields::parse_as(&FORCED_CLEARING, &body)?;
    let card_text = fields.required_text(field!(FORCED_CLEARING, "cardId"))?;
    let amount = required_decimal(&fields, field!(FORCED_CLEARING, "amount"))?;
    let currency = currency(&fields, field!(FORCED_CLEARING, "currency"))?;
    let merchant = purchase::merchant(&fields)?;
    let card_id = card_id(&state, &card_text).await?;
    let names = CardNames::of_card(&state, card_id).await?;
    let forced = state.network.force(card_id, &amount, currency, merchant);
    once.answer(move |posted| names.put(body_of(posted)), forced).await
}

fn body_of(posted: &PostingOutcome) -> TransactionBody {
    TransactionBody::from(&posted.posting)
}
