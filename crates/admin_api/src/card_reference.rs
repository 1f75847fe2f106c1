//! Cards as operators and the sandbox name them: by id, or by the UUID of a card of dialect 2
//! (operator-and-sandbox.md section 5, VM cards).

use std::collections::HashMap;

use axum::Json;
use domain::{AuthId, Authorisation, Card, CardId, EnterpriseId};

use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// Characters of a UUID.
const UUID_CHARS: usize = 36;

/// The card that a text names, which may not exist.
pub(crate) async fn card_id(state: &ApiState, text: &str) -> Result<CardId, Problem> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let found = match text.len() {
        UUID_CHARS => state.store.card_id_of_uuid(&text.to_ascii_lowercase()).await?,
        _ => None,
    };
    found.ok_or_else(|| Problem::not_found("card"))
}

/// The filter `cardId` of a list.
pub(crate) async fn card_id_filter(
    state: &ApiState,
    query: &ListQuery,
) -> Result<Option<CardId>, Problem> {
    match query.text("cardId")? {
        Some(text) if text.len() == UUID_CHARS => card_id(state, &text).await.map(Some),
        _ => query.id("cardId"),
    }
}

/// A body that names cards, at first by their internal ids.
pub(crate) trait NamesCards {
    /// Each card that it names, with the id of its enterprise.
    fn cards(&mut self) -> Vec<(&str, &mut String)>;
}

impl<T: NamesCards> NamesCards for Page<T> {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        self.items.iter_mut().flat_map(NamesCards::cards).collect()
    }
}

/// The ids on the wire of cards of dialect 2.
#[derive(Clone)]
pub(crate) struct CardNames(HashMap<CardId, String>);

impl CardNames {
    /// The ids of those cards that are of dialect 2.
    pub(crate) async fn of(
        state: &ApiState,
        mut cards: Vec<(EnterpriseId, CardId)>,
    ) -> Result<Self, Problem> {
        cards.sort_unstable();
        cards.dedup();
        Ok(Self(state.store.vm_card_uuids(cards).await?))
    }

    /// The id of one card of any enterprise.
    pub(crate) async fn of_card(state: &ApiState, card_id: CardId) -> Result<Self, Problem> {
        let card = state.store.find_of_anyone::<Card>(card_id).await?;
        Self::of(state, card.map(|it| (it.enterprise_id, it.card_id)).into_iter().collect()).await
    }

    /// The id of the card of an authorisation.
    pub(crate) async fn of_authorisation(
        state: &ApiState,
        auth_id: AuthId,
    ) -> Result<Self, Problem> {
        let found = state.store.find_of_anyone::<Authorisation>(auth_id).await?;
        Self::of(state, found.map(|it| (it.enterprise_id, it.card_id)).into_iter().collect()).await
    }

    /// The body with these names, so that callers can send back what they got.
    pub(crate) fn put<T: NamesCards>(&self, mut body: T) -> T {
        for (_, card) in body.cards() {
            if let Some(uuid) = card.parse().ok().and_then(|id: CardId| self.0.get(&id)) {
                card.clone_from(uuid);
            }
        }
        body
    }
}

/// The body as it is served: a card of dialect 2 by its UUID.
pub(crate) async fn named<T: NamesCards>(
    state: &ApiState,
    mut body: T,
) -> Result<Json<T>, Problem> {
    let wanted = body.cards().into_iter();
    let wanted = wanted.filter_map(|(owner, card)| Some((owner.parse().ok()?, card.parse().ok()?)));
    let wanted = wanted.collect();
    Ok(Json(CardNames::of(state, wanted).await?.put(body)))
}
