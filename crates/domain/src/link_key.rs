//! Keys that a link to a card network shares with its peer.

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
