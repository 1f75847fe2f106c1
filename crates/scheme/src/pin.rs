//! A PIN that the shopper entered. It ends here, like the clear PAN.

use std::sync::Arc;

use domain::{Card, PinVerdict};
use store::{PinPresentation, Store};
use vault::{ClearPin, Vault};

use crate::error::SchemeError;

/// Judges the PIN and counts the try, in one commit.
pub(crate) async fn judge_pin(
    store: &Store,
    vault: &Arc<Vault>,
    card: &Card,
    pin: ClearPin,
) -> Result<PinVerdict, SchemeError> {
    let (enterprise_id, card_id) = (card.enterprise_id, card.card_id);
    let record = store.pan(enterprise_id, card.pan_id).await?.ok_or(SchemeError::CardNotFound)?;
    let pan = vault.open_pan(enterprise_id, card.pan_id, &record.sealed_pan)?;
    let vault = Arc::clone(vault);
    let matches = move |sealed: &[u8]| {
        let judged = vault.pin_matches(enterprise_id, card_id, &pan, &pin, sealed);
        judged.unwrap_or_else(|error| {
            tracing::error!(%card_id, %error, "a kept PIN cannot be opened");
            false
        })
    };
    let presentation = PinPresentation { enterprise_id, card_id, matches: Arc::new(matches) };
    Ok(store.present_pin(presentation).await?)
}
