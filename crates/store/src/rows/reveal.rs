//! The columns of an opening of card data.

use domain::{CardId, EnterpriseId, Reveal, RevealId};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of an opening.
pub(crate) const REVEAL_COLUMNS: &str =
    "enterprise_id, reveal_id, card_id, purpose, actor, revealed_at";

/// Reads an opening from [`REVEAL_COLUMNS`].
pub(crate) fn reveal_from(row: &Row) -> Result<Reveal, StoreError> {
    let mut f = Fields::of(row);
    Ok(Reveal {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        reveal_id: f.id(RevealId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        purpose: f.parsed("card_reveal.purpose")?,
        actor: f.text()?,
        revealed_at: f.time()?,
    })
}

/// The values of an opening for [`REVEAL_COLUMNS`].
pub(crate) fn reveal_values(reveal: &Reveal) -> Vec<Value> {
    vec![
        reveal.enterprise_id.into(),
        reveal.reveal_id.into(),
        reveal.card_id.into(),
        reveal.purpose.as_str().into(),
        (&reveal.actor).into(),
        reveal.revealed_at.into(),
    ]
}
