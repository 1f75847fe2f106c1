//! A PIN in the clear, and the sealed verification value that is kept instead of it.

use crypto::constant_time_eq;
use crypto::pin_verification::{PIN_DIGITS, pvv};
use domain::{CardId, EnterpriseId};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::data_key::Purpose;
use crate::{ClearPan, Vault, VaultError};

/// Purpose under which the vault seals verification values; the record is the card's id.
const SEAL_PURPOSE: &str = "pin-verification";
/// Index of the PIN verification key; each enterprise has one.
const KEY_INDEX: u8 = 1;

/// A text that is not a PIN. The text itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a PIN is four digits")]
pub struct PinError;

/// A PIN in the clear. It cannot be printed, serialised or copied, and is wiped when it
/// goes out of scope.
pub struct ClearPin(Zeroizing<String>);

impl ClearPin {
    /// Reads four digits (cardbridge-open-api.md section 13, C6).
    ///
    /// # Errors
    /// [`PinError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        if text.len() == PIN_DIGITS && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(PinError)
        }
    }
}

impl Vault {
    /// The PVV of a card's PIN under the enterprise's own PIN verification key, which the card
    /// keeps instead of the PIN. It is sealed for this card, so no other card can use it.
    #[must_use]
    pub fn seal_pin(
        &self,
        enterprise: EnterpriseId,
        card_id: CardId,
        pan: &ClearPan,
        pin: &ClearPin,
    ) -> Vec<u8> {
        let value = self.pin_verification_value(enterprise, pan, pin);
        self.seal_secret(enterprise, SEAL_PURPOSE, &card_id.to_string(), value.as_bytes())
    }

    /// Returns whether a PIN has the verification value that [`Vault::seal_pin`] sealed, in time
    /// that does not depend on its digits.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed for this card.
    pub fn pin_matches(
        &self,
        enterprise: EnterpriseId,
        card_id: CardId,
        pan: &ClearPan,
        pin: &ClearPin,
        sealed: &[u8],
    ) -> Result<bool, VaultError> {
        let kept = self.open_secret(enterprise, SEAL_PURPOSE, &card_id.to_string(), sealed)?;
        let value = self.pin_verification_value(enterprise, pan, pin);
        Ok(constant_time_eq(&kept, value.as_bytes()))
    }

    fn pin_verification_value(
        &self,
        enterprise: EnterpriseId,
        pan: &ClearPan,
        pin: &ClearPin,
    ) -> Zeroizing<String> {
        let key = self.keys.derive(Purpose::PinVerification, enterprise);
        let mut key_pair = Zeroizing::new([0; 16]);
        key_pair.copy_from_slice(&key[..16]);
        pvv(&key_pair, KEY_INDEX, pan.expose(), &pin.0).expect("a PAN and a PIN have their form")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::SystemRandom;

    use super::*;
    use crate::MasterKey;

    const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(7);
    const CARD: CardId = CardId::from_i64(9);

    fn pin(text: &str) -> ClearPin {
        ClearPin::parse(text).unwrap()
    }

    #[test]
    fn only_four_digits_are_a_pin() {
        for bad in ["", "123", "12345", "12a4", "１２３４", " 123", "-123"] {
            assert!(ClearPin::parse(bad).is_err(), "{bad}");
        }
        assert!(ClearPin::parse("0000").is_ok());
    }

    #[test]
    fn a_stored_pin_matches_only_itself_for_its_own_card_and_pan() {
        let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        let pan = ClearPan::parse("4111111111111111").unwrap();
        let sealed = vault.seal_pin(ENTERPRISE, CARD, &pan, &pin("4711"));
        let matches = |card: CardId, pan: &ClearPan, text: &str| {
            vault.pin_matches(ENTERPRISE, card, pan, &pin(text), &sealed)
        };
        assert_eq!(matches(CARD, &pan, "4711"), Ok(true));
        let wrong = (0..100).filter(|n| matches(CARD, &pan, &format!("{n:04}")) == Ok(true));
        // Different PINs may share a verification value, but few do.
        assert!(wrong.count() < 3);
        let other_pan = ClearPan::parse("4012888888881881").unwrap();
        assert_eq!(matches(CARD, &other_pan, "4711"), Ok(false));
        assert_eq!(matches(CardId::from_i64(10), &pan, "4711"), Err(VaultError::Refused));
    }

    #[test]
    fn the_derivation_of_the_verification_key_never_changes() {
        let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        let pan = ClearPan::parse("4111111111111111").unwrap();
        let value = vault.pin_verification_value(ENTERPRISE, &pan, &pin("4711"));
        assert_eq!(value.as_str(), "7049");
    }
}
