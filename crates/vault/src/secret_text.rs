//! A secret that travels as text: an API secret or a token.

use crypto::constant_time_eq;
use zeroize::Zeroizing;

/// A secret text. It cannot be printed, serialised or copied, and is wiped when it
/// goes out of scope.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes `text` over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Takes an opened secret over; `None` if it is not UTF-8.
    #[must_use]
    pub fn from_utf8(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self::new(text.to_owned()))
    }

    /// The text. Must never reach a log, file or clear column.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether `text` is this secret, in time that depends on its length only.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        constant_time_eq(self.0.as_bytes(), text.as_bytes())
    }
}
