//! Cards in the issuer's hands.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Card;
use listener::once::Once;
use serde::Serialize;
use utoipa::ToSchema;

use super::PathText;
use crate::card_reference::{CardNames, NamesCards, card_id, named};
use crate::fields::NoBody;
use crate::problem::Problem;
use crate::state::ApiState;

/// A card. Of its number only the first six and last four digits are shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CardBody {
    card_id: String,
    enterprise_id: String,
    profile_id: String,
    customer_id: String,
    /// `VIRTUAL` or `PHYSICAL`.
    #[serde(rename = "type")]
    card_type: String,
    status: String,
    status_reason: String,
    pan_first6: String,
    pan_last4: String,
    currency: String,
    /// First moment at which it is expired, RFC 3339.
    valid_until: String,
    /// What the enterprise gave as reason when it terminated the card.
    invalidate_reason: Option<String>,
    created_at: String,
    modified_at: String,
}

impl NamesCards for CardBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

impl From<&Card> for CardBody {
    fn from(card: &Card) -> Self {
        Self {
            card_id: card.card_id.to_string(),
            enterprise_id: card.enterprise_id.to_string(),
            profile_id: card.profile_id.to_string(),
            customer_id: card.customer_id.to_string(),
            card_type: card.card_type.to_string(),
            status: card.status.to_string(),
            status_reason: card.status_reason.to_string(),
            pan_first6: card.pan_first6.clone(),
            pan_last4: card.pan_last4.clone(),
            currency: card.currency.to_string(),
            valid_until: card.valid_until.to_string(),
            invalidate_reason: card.invalidate_reason.clone(),
            created_at: card.created_at.to_string(),
            modified_at: card.modified_at.to_string(),
        }
    }
}

/// One card.
#[utoipa::path(get, path = "/admin/v1/cards/{id}", operation_id = "read_card", tag = "cards",
    params(("id" = String, Path)),
    responses((status = 200, body = CardBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<CardBody>, Problem> {
    let card = state.store.find_of_anyone::<Card>(card_id(&state, &id.0).await?).await?;
    let card = card.ok_or_else(|| Problem::not_found("card"))?;
    named(&state, CardBody::from(&card)).await
}

/// The issuer's own freeze.
#[utoipa::path(post, path = "/admin/v1/cards/{id}/block", tag = "cards",
    params(("id" = String, Path)), request_body = ref("NoFields"),
    responses((status = 200, body = CardBody)))]
pub(crate) async fn block(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    _: NoBody,
) -> Result<Json<CardBody>, Problem> {
    let card_id = card_id(&state, &id.0).await?;
    let card_text = card_id.to_string();
    let names = CardNames::of_card(&state, card_id).await?;
    let blocked = state.cards.block(&card_text);
    once.answer(move |card: &Card| names.put(CardBody::from(card)), blocked).await
}

/// Lifts the issuer's freeze.
#[utoipa::path(post, path = "/admin/v1/cards/{id}/unblock", tag = "cards",
    params(("id" = String, Path)), request_body = ref("NoFields"),
    responses((status = 200, body = CardBody)))]
pub(crate) async fn unblock(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    _: NoBody,
) -> Result<Json<CardBody>, Problem> {
    let card_id = card_id(&state, &id.0).await?;
    let card_text = card_id.to_string();
    let names = CardNames::of_card(&state, card_id).await?;
    let unblocked = state.cards.unblock(&card_text);
    once.answer(move |card: &Card| names.put(CardBody::from(card)), unblocked).await
}
