//! Keys that a link to a card network shares with its peer.

use crate::Timestamp;
use crate::text::text_enum;

text_enum! {
    /// The use of a zone key (network-iso8583.md section 8.4).
    LinkKeyKind {
        /// Encrypts PINs.
        Pin = "ZPK",
        /// Authenticates messages.
        Mac = "ZAK",
    }
}

/// A zone key that came by a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkKey {
    /// The link's name.
    pub link: String,
    /// Its use.
    pub kind: LinkKeyKind,
    /// Counts the keys of its kind that came, from 1.
    pub version: u32,
    /// The key, sealed by the vault.
    pub sealed: Vec<u8>,
    /// Its check value: six hexadecimal digits, which may be shown.
    pub check_value: String,
    /// When it came, in real time.
    pub activated_at: Timestamp,
}
