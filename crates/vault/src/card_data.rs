//! A PAN and a CVV2 in the clear. Neither can be printed, serialised or copied, and
//! both are wiped when they go out of scope.

use crypto::{constant_time_eq, luhn};
use thiserror::Error;
use zeroize::Zeroizing;

/// A text that is not a PAN. The text itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a PAN is 12 to 19 digits of which the last is the Luhn digit of the others")]
pub struct PanError;

/// A PAN in the clear.
pub struct ClearPan(Zeroizing<String>);

impl ClearPan {
    /// Fewest digits.
    pub const MIN_DIGITS: usize = 12;
    /// Most digits (ISO/IEC 7812-1).
    pub const MAX_DIGITS: usize = 19;

    /// Reads 12 to 19 digits with a valid Luhn digit.
    ///
    /// # Errors
    /// [`PanError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, PanError> {
        let length = (Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&text.len());
        if length && luhn::is_valid(text) {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(PanError)
        }
    }

    /// The first six digits, which may be shown.
    #[must_use]
    pub fn first6(&self) -> &str {
        &self.0[..6]
    }

    /// The last four digits, which may be shown.
    #[must_use]
    pub fn last4(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// All digits. Must never reach a log, webhook, file or clear column.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A CVV2, or the CVV of a stripe, in the clear.
pub struct Cvv2(Zeroizing<String>);

impl Cvv2 {
    pub(crate) fn new(digits: String) -> Self {
        Self(Zeroizing::new(digits))
    }

    /// The three digits. Must never reach a log, webhook, file or column.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether `text` is this value, in time that does not depend on its digits.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pan_shows_its_first_six_and_last_four_digits() {
        let pan = ClearPan::parse("4111111111111111").unwrap();
        assert_eq!((pan.first6(), pan.last4()), ("411111", "1111"));
        assert_eq!(pan.expose(), "4111111111111111");
    }

    #[test]
    fn texts_of_wrong_length_wrong_digit_or_other_characters_are_not_pans() {
        for bad in [
            "",
            "4111111111111112",
            "4111 1111 1111 1111",
            "00000000000",
            "00000000000000000000",
            "４１１１１１１１１１１１１１１１",
            "+411111111111111",
        ] {
            assert!(ClearPan::parse(bad).is_err(), "{bad}");
        }
        assert!(ClearPan::parse("000000000000").is_ok());
        assert!(ClearPan::parse("0000000000000000000").is_ok());
    }

    #[test]
    fn a_cvv2_matches_its_own_three_digits_only() {
        let cvv2 = Cvv2::new("636".to_owned());
        assert!(cvv2.matches("636"));
        for other in ["637", "63", "6366", "", " 636"] {
            assert!(!cvv2.matches(other), "{other}");
        }
    }
}
