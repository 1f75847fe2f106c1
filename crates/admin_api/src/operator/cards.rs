//! Cards in the issuer's hands.

use domain::Card;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::card_reference::{CardNames, NamesCards, named};
use crate::problem::Problem;

answer_body! {
    /// A card. Of its number only the first six and last four digits are shown.
    pub(crate) struct CardBody of card: &Card {
        card_id: String = card.card_id.to_string(),
        enterprise_id: String = card.enterprise_id.to_string(),
        profile_id: String = card.profile_id.to_string(),
        customer_id: String = card.customer_id.to_string(),
        /// `VIRTUAL` or `PHYSICAL`.
        #[serde(rename = "type")]
        card_type: String = card.card_type.to_string(),
        status: String = card.status.to_string(),
        status_reason: String = card.status_reason.to_string(),
        pan_first6: String = card.pan_first6.clone(),
        pan_last4: String = card.pan_last4.clone(),
        currency: String = card.currency.to_string(),
        /// First moment at which it is expired, RFC 3339.
        valid_until: String = card.valid_until.to_string(),
        /// What the enterprise gave as reason when it terminated the card.
        invalidate_reason: Option<String> = card.invalidate_reason.clone(),
        created_at: String = card.created_at.to_string(),
        modified_at: String = card.modified_at.to_string(),
    }
}

impl NamesCards for CardBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

/// `GET /admin/v1/cards/{id}`.
pub(crate) async fn read(call: Call) -> Answer<CardBody> {
    let card = call.state.store.find_of_anyone::<Card>(call.card_id().await?).await?;
    let card = card.ok_or_else(|| Problem::not_found("card"))?;
    named(&call.state, CardBody::of(&card)).await
}

/// `POST /admin/v1/cards/{id}/block`.
pub(crate) async fn block(call: Call) -> Answer<CardBody> {
    let (card_id, names) = card(&call).await?;
    let blocked = call.state.cards.block(&card_id);
    call.once.answer(move |card| names.put(CardBody::of(card)), blocked).await
}

/// `POST /admin/v1/cards/{id}/unblock`.
pub(crate) async fn unblock(call: Call) -> Answer<CardBody> {
    let (card_id, names) = card(&call).await?;
    let unblocked = call.state.cards.unblock(&card_id);
    call.once.answer(move |card| names.put(CardBody::of(card)), unblocked).await
}

/// The card that a call without fields names, and what it is called in the answer.
async fn card(call: &Call) -> Result<(String, CardNames), Problem> {
    call.fields()?;
    let card_id = call.card_id().await?;
    Ok((card_id.to_string(), CardNames::of_card(&call.state, card_id).await?))
}
