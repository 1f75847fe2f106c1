//! A PIN that the shopper entered. It ends here, like the clear PAN.

use std::sync::Arc;

use domain::Card;
use store::{PanRecord, PinComparison, Store};
use vault::{ClearPin, Vault};

use crate::error::SchemeError;
use crate::order::OrderPin;

/// An entered PIN, as the authorisation judges it.
pub(crate) enum EnteredPin {
    /// It is compared, and counted if it is wrong.
    Compared(PinComparison),
    /// Its block could not be opened.
    Unreadable,
}

/// Turns the entered PIN into the result of comparing it with the card's stored verification value.
pub(crate) async fn entered(
    store: &Store,
    vault: &Arc<Vault>,
    card: &Card,
    pin: OrderPin,
) -> Result<EnteredPin, SchemeError> {
    Ok(match pin {
        OrderPin::Clear(pin) => EnteredPin::Compared(comparison(store, vault, card, pin).await?),
        OrderPin::OtherLength => EnteredPin::Compared(PinComparison::new(|_| false)),
        // A block that nobody opened has no key.
        OrderPin::Block(_) | OrderPin::Unreadable => EnteredPin::Unreadable,
    })
}

async fn comparison(
    store: &Store,
    vault: &Arc<Vault>,
    card: &Card,
    pin: ClearPin,
) -> Result<PinComparison, SchemeError> {
    let (enterprise_id, card_id) = (card.enterprise_id, card.card_id);
    let record = store
        .find::<PanRecord>((enterprise_id, card.pan_id))
        .await?
        .ok_or(SchemeError::CardNotFound)?;
    let pan = vault.open_pan(enterprise_id, card.pan_id, &record.sealed_pan)?;
    let vault = Arc::clone(vault);
    Ok(PinComparison::new(move |sealed| {
        let judged = vault.pin_matches(enterprise_id, card_id, &pan, &pin, sealed);
        judged.unwrap_or_else(|error| {
            tracing::error!(%card_id, %error, "a kept PIN cannot be opened");
            false
        })
    }))
}
