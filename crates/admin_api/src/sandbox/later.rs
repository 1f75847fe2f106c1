//! The network's messages after an authorisation: increments, reversals and clearings.

use axum::Json;
use scheme::Increment as NetworkIncrement;
use store::PostingOutcome;

use super::authorisations::AnswerBody;
use super::purchase;
use crate::begun::answer_of;
use crate::call::{Answer, Call};
use crate::card_reference::{CardNames, card_id};
use crate::fields::{currency, decimal_text, required_decimal, rrn, stan};
use crate::operator::{AuthorisationBody, TransactionBody};
use crate::request_bodies::{CLEARING, FORCED_CLEARING, INCREMENT};
use crate::reversing::reversed;
use wire::field;

/// `POST /sandbox/v1/authorisations/{id}/increment`.
pub(crate) async fn increment(call: Call) -> Answer<AnswerBody> {
    let auth_id = call.id("authorisation")?;
    let fields = call.fields()?;
    let increment = NetworkIncrement {
        auth_id,
        amount_text: required_decimal(&fields, field!(INCREMENT, "amount"))?,
        stan: stan(&fields)?,
        rrn: rrn(&fields)?,
    };
    let answer = answer_of(&call, call.state.network.increment(increment)).await?;
    Ok(Json(AnswerBody::of(&answer, None)))
}

/// `POST /sandbox/v1/authorisations/{id}/reverse`.
pub(crate) async fn reverse(call: Call) -> Answer<AuthorisationBody> {
    let auth_id = call.id("authorisation")?;
    reversed(&call, auth_id, &call.fields()?, None).await
}

/// `POST /sandbox/v1/authorisations/{id}/clear`.
pub(crate) async fn clear(call: Call) -> Answer<TransactionBody> {
    let auth_id = call.id("authorisation")?;
    let fields = call.fields()?;
    let amount = decimal_text(&fields, field!(CLEARING, "amount"))?;
    let is_final = fields.boolean(field!(CLEARING, "final"))?.unwrap_or(true);
    let names = CardNames::of_authorisation(&call.state, auth_id).await?;
    let cleared = call.state.network.clear(auth_id, amount.as_deref(), is_final);
    call.once.answer(move |posted| names.put(body_of(posted)), cleared).await
}

/// `POST /sandbox/v1/clearings`.
pub(crate) async fn force(call: Call) -> Answer<TransactionBody> {
    let fields = call.fields()?;
    let card_text = fields.required_text(field!(FORCED_CLEARING, "cardId"))?;
    let amount = required_decimal(&fields, field!(FORCED_CLEARING, "amount"))?;
    let currency = currency(&fields, field!(FORCED_CLEARING, "currency"))?;
    let merchant = purchase::merchant(&fields)?;
    let card_id = card_id(&call.state, &card_text).await?;
    let names = CardNames::of_card(&call.state, card_id).await?;
    let forced = call.state.network.force(card_id, &amount, currency, merchant);
    call.once.answer(move |posted| names.put(body_of(posted)), forced).await
}

fn body_of(posted: &PostingOutcome) -> TransactionBody {
    TransactionBody::of(&posted.posting)
}
