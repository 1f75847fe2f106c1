//! The audit of openings of card data.

use axum::Json;
use domain::{Card, Reveal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::problem::Problem;

answer_body! {
    /// One opening of a card's data.
    pub(crate) struct RevealBody of reveal: &Reveal, card_id: &str {
        reveal_id: String = reveal.reveal_id.to_string(),
        card_id: String = card_id.to_owned(),
        /// `RETRIEVE_SECURE_CARD` or `SHOW_CARD_PAGE`.
        purpose: String = reveal.purpose.to_string(),
        /// The API key that signed, or the id of the page's link.
        actor: String = reveal.actor.clone(),
        revealed_at: String = reveal.revealed_at.to_string(),
    }
}

/// Openings of a card's data.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevealsBody {
    /// Newest first, or oldest first with `order=asc`; the latest 500.
    items: Vec<RevealBody>,
}

/// `GET /admin/v1/cards/{id}/reveals`.
pub(crate) async fn list(call: Call) -> Answer<RevealsBody> {
    let query = call.query()?;
    let card = call.state.store.find_of_anyone::<Card>(call.card_id().await?).await?;
    let card = card.ok_or_else(|| Problem::not_found("card"))?;
    let reveals = call.state.store.reveals_of_card(card.enterprise_id, card.card_id).await?;
    let uuids = call.state.store.vm_card_uuids(vec![(card.enterprise_id, card.card_id)]).await?;
    let name = uuids.into_values().next().unwrap_or_else(|| card.card_id.to_string());
    let newest_first = reveals.iter().rev().map(|reveal| RevealBody::of(reveal, &name));
    let items = query.ordered(newest_first.collect())?;
    Ok(Json(RevealsBody { items }))
}
