//! What protects the messages of a link (network-iso8583.md sections 7.1 and 8).

use iso8583::Mti;
use vault::PinBlockFormat;

use crate::translate::CardReading;

/// The class of network management.
const NETWORK_MANAGEMENT: u8 = 8;

/// Which received messages need a message authentication code. If any does, all that is sent has
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MacUse {
    /// None; nothing is signed.
    #[default]
    None,
    /// All but network management.
    Verify,
    /// All.
    All,
}

impl MacUse {
    /// Whether a message of this type needs one.
    pub(crate) const fn is_due(self, mti: Mti) -> bool {
        match self {
            Self::None => false,
            Self::Verify => mti.class() != NETWORK_MANAGEMENT,
            Self::All => true,
        }
    }
}

/// What protects the messages of a link.
#[derive(Debug, Clone)]
pub struct LinkSecurity {
    /// Which messages need a message authentication code.
    pub mac: MacUse,
    /// Whether a message with a wrong one is answered; otherwise it is dropped.
    pub answers_bad_mac: bool,
    /// The format of PIN blocks.
    pub pin_block: PinBlockFormat,
    /// Where a card's verification values stand.
    pub reading: CardReading,
    /// The field of a key that comes.
    pub key_field: u8,
    /// Whether a chip's cryptogram for which there is no key counts as verified by the network.
    pub trusts_unverified_chips: bool,
}

/// The field of a key that comes, unless a link says otherwise.
const KEY_FIELD: u8 = 48;

impl Default for LinkSecurity {
    fn default() -> Self {
        Self {
            mac: MacUse::None,
            answers_bad_mac: false,
            pin_block: PinBlockFormat::Iso0,
            reading: CardReading::default(),
            key_field: KEY_FIELD,
            trusts_unverified_chips: false,
        }
    }
}
