//! The audit of openings of card data.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{Card, Reveal};
use serde::Serialize;
use utoipa::ToSchema;

use super::PathText;
use crate::card_reference::card_id;
use crate::paging::ListQuery;
use crate::problem::Problem;
use crate::state::ApiState;

/// One opening of a card's data.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevealBody {
    reveal_id: String,
    card_id: String,
    /// `RETRIEVE_SECURE_CARD` or `SHOW_CARD_PAGE`.
    purpose: String,
    /// The API key that signed, or the id of the page's link.
    actor: String,
    revealed_at: String,
}

/// Openings of a card's data.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevealsBody {
    /// Newest first, or oldest first with `order=asc`; the latest 500.
    items: Vec<RevealBody>,
}

impl RevealBody {
    /// Of a card that its enterprise knows by this id.
    fn of(reveal: &Reveal, card_id: &str) -> Self {
        Self {
            reveal_id: reveal.reveal_id.to_string(),
            card_id: card_id.to_owned(),
            purpose: reveal.purpose.to_string(),
            actor: reveal.actor.clone(),
            revealed_at: reveal.revealed_at.to_string(),
        }
    }
}

/// Who opened this card's data, and why.
#[utoipa::path(get, path = "/admin/v1/cards/{id}/reveals", operation_id = "list_reveals",
    tag = "cards",
    params(("id" = String, Path), ("order" = Option<String>, Query)),
    responses((status = 200, body = RevealsBody)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    query: ListQuery,
) -> Result<Json<RevealsBody>, Problem> {
    let card = state.store.find_of_anyone::<Card>(card_id(&state, &id.0).await?).await?;
    let card = card.ok_or_else(|| Problem::not_found("card"))?;
    let reveals = state.store.reveals_of_card(card.enterprise_id, card.card_id).await?;
    let uuids = state.store.vm_card_uuids(vec![(card.enterprise_id, card.card_id)]).await?;
    let name = uuids.into_values().next().unwrap_or_else(|| card.card_id.to_string());
    let newest_first = reveals.iter().rev().map(|reveal| RevealBody::of(reveal, &name));
    let items = query.ordered(newest_first.collect())?;
    Ok(Json(RevealsBody { items }))
}
