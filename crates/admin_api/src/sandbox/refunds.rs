//! Refunds.

use std::sync::Arc;

use authorise::AuthorisationAnswer;
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{AuthorisationStatus, Posting};
use listener::once::Once;
use scheme::{Refund as NetworkRefund, RefundOf};
use serde::Serialize;
use store::PostingFilter;
use utoipa::ToSchema;

use super::authorisations::{AnswerBody, answer_of};
use crate::card_reference::{NamesCards, card_id, named};
use crate::fields::{Fields, currency, required_decimal, rrn, stan};
use crate::problem::Problem;
use crate::request_bodies::REFUND;
use crate::state::ApiState;
use wire::field;

/// The answer to a refund. Amounts are decimal texts in major units.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefundBody {
    #[serde(flatten)]
    answer: AnswerBody,
    /// The posting; null if the refund was declined.
    transaction_id: Option<String>,
    enterprise_id: String,
    card_id: String,
    customer_id: String,
    direction: String,
    amount: String,
    currency: String,
    acquirer_amount: String,
    acquirer_currency: String,
    /// When it was posted; null if it was declined.
    posted_at: Option<String>,
}

impl NamesCards for RefundBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

impl RefundBody {
    fn of(answer: &AuthorisationAnswer, posting: Option<&Posting>) -> Self {
        let refund = &answer.authorisation;
        Self {
            answer: AnswerBody::from(answer),
            transaction_id: posting.map(|posting| posting.transaction_id.to_string()),
            enterprise_id: refund.enterprise_id.to_string(),
            card_id: refund.card_id.to_string(),
            customer_id: refund.customer_id.to_string(),
            direction: refund.direction.to_string(),
            amount: refund.amount.to_major(),
            currency: refund.amount.currency().to_string(),
            acquirer_amount: refund.acquirer_amount.to_major(),
            acquirer_currency: refund.acquirer_amount.currency().to_string(),
            posted_at: posting.map(|posting| posting.posted_at.to_string()),
        }
    }
}

/// Asks the enterprise to take a refund; an approved one is posted at once, a declined one
/// is an answer like any other.
#[utoipa::path(post, path = "/sandbox/v1/refunds", operation_id = "refund", tag = "sandbox",
    request_body = ref("Refund"),
    responses((status = 200, body = RefundBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<RefundBody>, Problem> {
    let fields = Fields::parse_as(&REFUND, &body)?;
    let refund = NetworkRefund {
        of: refunded(&state, &fields).await?,
        amount_text: required_decimal(&fields, field!(REFUND, "amount"))?,
        currency: currency(&fields, field!(REFUND, "currency"))?,
        stan: stan(&fields)?,
        rrn: rrn(&fields)?,
    };
    let answer = answer_of(&state, &once, state.network.refund(refund)).await?;
    let it = &answer.authorisation;
    let mut postings = Vec::new();
    if it.status == AuthorisationStatus::Approved {
        let filter = PostingFilter {
            enterprise_id: Some(it.enterprise_id),
            auth_id: Some(it.auth_id),
            limit: 1,
            ..PostingFilter::default()
        };
        postings = state.store.postings(filter).await?;
    }
    named(&state, RefundBody::of(&answer, postings.first())).await
}

async fn refunded(state: &ApiState, fields: &Fields<'_>) -> Result<RefundOf, Problem> {
    match (fields.text(field!(REFUND, "authId"))?, fields.text(field!(REFUND, "cardId"))?) {
        (Some(id), None) => {
            let id = id.parse().map_err(|_| Problem::not_found("authorisation"))?;
            Ok(RefundOf::Authorisation(id))
        }
        (None, Some(id)) => card_id(state, &id).await.map(RefundOf::Card),
        (Some(_), Some(_)) => {
            Err(fields.wrong(field!(REFUND, "authId"), "and cardId exclude each other"))
        }
        (None, None) => Err(fields.wrong(field!(REFUND, "authId"), "or cardId is missing")),
    }
}
