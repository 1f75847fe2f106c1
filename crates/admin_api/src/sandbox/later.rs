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
use crate::fields::Fields;
use crate::operator::{AuthorisationBody, PathText, TransactionBody};
use crate::problem::Problem;
use crate::request_bodies::{Clearing, ForcedClearing, Increment, Reversal};
use crate::state::ApiState;

/// Raises an approved authorisation by its own authorisation, with its own hold.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/increment", tag = "sandbox",
    params(("id" = String, Path)), request_body = Increment,
    responses((status = 200, body = AnswerBody)))]
pub(crate) async fn increment(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<AnswerBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let fields = Fields::parse(&body, Increment::FIELDS)?;
    let increment = NetworkIncrement {
        auth_id,
        amount_text: fields.required("amount", fields.decimal_text("amount")?)?,
        stan: fields.stan()?,
        rrn: fields.rrn()?,
    };
    let answer = answer_of(&state, &once, state.network.increment(increment)).await?;
    Ok(Json(AnswerBody::from(&answer)))
}

/// Takes an authorisation back, wholly or in part, with its increments; answers with
/// the reversal's own record once the enterprise was told.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/reverse", tag = "sandbox",
    params(("id" = String, Path)), request_body = Option<Reversal>,
    responses((status = 200, body = AuthorisationBody)))]
pub(crate) async fn reverse(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<AuthorisationBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let amount = Fields::parse(&body, Reversal::FIELDS)?.decimal_text("amount")?;
    let reversed = state.network.reverse(auth_id, amount.as_deref());
    let reversal = answer_of(&state, &once, reversed).await?;
    named(&state, AuthorisationBody::from(&reversal.authorisation)).await
}

/// Posts an authorisation and its increments, wholly or in part.
#[utoipa::path(post, path = "/sandbox/v1/authorisations/{id}/clear", tag = "sandbox",
    params(("id" = String, Path)), request_body = Option<Clearing>,
    responses((status = 200, body = TransactionBody)))]
pub(crate) async fn clear(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<TransactionBody>, Problem> {
    let auth_id = id.id::<AuthId>("authorisation")?;
    let fields = Fields::parse(&body, Clearing::FIELDS)?;
    let amount = fields.decimal_text("amount")?;
    let is_final = fields.boolean("final")?.unwrap_or(true);
    let names = CardNames::of_authorisation(&state, auth_id).await?;
    let cleared = state.network.clear(auth_id, amount.as_deref(), is_final);
    once.answer(move |posted| names.put(body_of(posted)), cleared).await
}

/// Posts what nothing authorised (force post); nobody is asked.
#[utoipa::path(post, path = "/sandbox/v1/clearings", operation_id = "force_clearing",
    tag = "sandbox",
    request_body = ForcedClearing, responses((status = 200, body = TransactionBody)))]
pub(crate) async fn force(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<TransactionBody>, Problem> {
    let fields = Fields::parse(&body, ForcedClearing::FIELDS)?;
    let card_text = fields.required_text("cardId")?;
    let amount = fields.required("amount", fields.decimal_text("amount")?)?;
    let currency = fields.required("currency", fields.currency("currency")?)?;
    let merchant = purchase::merchant(&fields)?;
    let card_id = card_id(&state, &card_text).await?;
    let names = CardNames::of_card(&state, card_id).await?;
    let forced = state.network.force(card_id, &amount, currency, merchant);
    once.answer(move |posted| names.put(body_of(posted)), forced).await
}

fn body_of(posted: &PostingOutcome) -> TransactionBody {
    TransactionBody::from(&posted.posting)
}
