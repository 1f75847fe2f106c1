//! Refunds.

use authorise::AuthorisationAnswer;
use domain::{AuthorisationStatus, Posting};
use scheme::{Refund as NetworkRefund, RefundOf};
use store::PostingFilter;

use super::authorisations::AnswerBody;
use crate::answer_body::answer_body;
use crate::begun::answer_of;
use crate::call::{Answer, Call};
use crate::card_reference::{NamesCards, card_id, named};
use crate::fields::{Fields, currency, required_decimal, rrn, stan};
use crate::problem::Problem;
use crate::request_bodies::REFUND;
use crate::state::ApiState;
use wire::field;

answer_body! {
    /// The answer to a refund. Amounts are decimal texts in major units.
    pub(crate) struct RefundBody of answered: &AuthorisationAnswer, posting: Option<&Posting> {
        #[serde(flatten)]
        answer: AnswerBody = AnswerBody::of(answered, None),
        /// The posting; null if the refund was declined.
        transaction_id: Option<String> = posting.map(|it| it.transaction_id.to_string()),
        enterprise_id: String = answered.authorisation.enterprise_id.to_string(),
        card_id: String = answered.authorisation.card_id.to_string(),
        customer_id: String = answered.authorisation.customer_id.to_string(),
        direction: String = answered.authorisation.direction.to_string(),
        amount: String = answered.authorisation.amount.to_major(),
        currency: String = answered.authorisation.amount.currency().to_string(),
        acquirer_amount: String = answered.authorisation.acquirer_amount.to_major(),
        acquirer_currency: String = answered.authorisation.acquirer_amount.currency().to_string(),
        /// When it was posted; null if it was declined.
        posted_at: Option<String> = posting.map(|it| it.posted_at.to_string()),
    }
}

impl NamesCards for RefundBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

/// `POST /sandbox/v1/refunds`.
pub(crate) async fn create(call: Call) -> Answer<RefundBody> {
    let fields = call.fields()?;
    let refund = NetworkRefund {
        of: refunded(&call.state, &fields).await?,
        amount_text: required_decimal(&fields, field!(REFUND, "amount"))?,
        currency: currency(&fields, field!(REFUND, "currency"))?,
        stan: stan(&fields)?,
        rrn: rrn(&fields)?,
    };
    let answer = answer_of(&call, call.state.network.refund(refund)).await?;
    let it = &answer.authorisation;
    let mut postings = Vec::new();
    if it.status == AuthorisationStatus::Approved {
        let filter = PostingFilter {
            enterprise_id: Some(it.enterprise_id),
            auth_id: Some(it.auth_id),
            limit: 1,
            ..PostingFilter::default()
        };
        postings = call.state.store.postings(filter).await?;
    }
    named(&call.state, RefundBody::of(&answer, postings.first())).await
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
