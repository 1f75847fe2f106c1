//! The columns of what is kept of a card's PIN.

use domain::{CardId, EnterpriseId, PinTries};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// What is kept of a PIN and of the tries at it.
#[derive(Default)]
pub(crate) struct KeptPin {
    /// The sealed verification value; none until a PIN is set.
    pub(crate) sealed_pvv: Option<Vec<u8>>,
    /// The wrong tries.
    pub(crate) tries: PinTries,
}

/// The columns of a kept PIN; the first two are its key.
pub(crate) const PIN_COLUMNS: &str =
    "enterprise_id, card_id, sealed_pvv, wrong_pins, wrong_resets, resets_locked_until";

/// Reads a kept PIN from [`PIN_COLUMNS`].
pub(crate) fn pin_from(row: &Row) -> Result<KeptPin, StoreError> {
    let mut f = Fields::of(row);
    f.id(EnterpriseId::from_i64)?;
    f.id(CardId::from_i64)?;
    Ok(KeptPin {
        sealed_pvv: f.opt_bytes()?,
        tries: PinTries {
            wrong_pins: f.small("card_pin.wrong_pins")?,
            wrong_resets: f.small("card_pin.wrong_resets")?,
            resets_locked_until: f.opt_time()?,
        },
    })
}

/// The values of a kept PIN for [`PIN_COLUMNS`].
pub(crate) fn pin_values(
    enterprise_id: EnterpriseId,
    card_id: CardId,
    kept: &KeptPin,
) -> Vec<Value> {
    vec![
        enterprise_id.into(),
        card_id.into(),
        kept.sealed_pvv.clone().into(),
        kept.tries.wrong_pins.into(),
        kept.tries.wrong_resets.into(),
        kept.tries.resets_locked_until.into(),
    ]
}
