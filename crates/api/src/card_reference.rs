//! How operators and the sandbox name a card: by its id, or by the UUID of a card of
//! dialect 2 (operator-and-sandbox.md section 5, VM cards).

use domain::CardId;

use crate::paging::ListQuery;
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
