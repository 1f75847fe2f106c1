//! What identifies a message of a card network.

use crate::text::text_enum;
use crate::{AuthId, CardId, PanId};

text_enum! {
    /// The class of a message, since networks repeat an original's numbers in its reversal
    /// (network-iso8583.md section 5.1).
    MessageKind {
        /// An authorisation request or advice.
        Authorisation = "AUTH",
        /// A financial request or advice.
        Financial = "FIN",
        /// A reversal.
        Reversal = "REV",
        /// An acquirer's reconciliation.
        Reconciliation = "REC",
    }
}

/// The numbers by which a network knows a message, whatever it is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageNumbers {
    /// The network whose numbers these are; several links may share one.
    pub network: String,
    /// The class of the message.
    pub kind: MessageKind,
    /// The acquirer's number without leading zeros; may be empty.
    pub acquirer: String,
    /// System trace audit number.
    pub stan: String,
    /// The local date and time of the message, 14 digits; may be empty.
    pub stamp: String,
    /// Retrieval reference number; may be empty.
    pub rrn: String,
}

impl MessageNumbers {
    /// The network of simulated messages.
    pub const SANDBOX: &'static str = "sandbox";

    /// With what the message is about: the PAN of a card.
    #[must_use]
    pub fn about(self, pan_id: PanId) -> MessageIdentity {
        MessageIdentity { numbers: self, subject: format!("pan:{pan_id}") }
    }
}

/// The identity of a message: one that arrives again has the same (network-iso8583.md section
/// 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageIdentity {
    /// The network's numbers.
    pub numbers: MessageNumbers,
    /// The card, PAN or original that the message is about.
    pub subject: String,
}

impl MessageIdentity {
    /// A simulated message about a card.
    #[must_use]
    pub fn of_card(card_id: CardId, stan: &str, rrn: &str) -> Self {
        Self::simulated(format!("card:{card_id}"), stan, rrn)
    }

    /// A simulated message that follows an authorisation. It may arrive on the card's twin, which
    /// has the same PAN but another card id.
    #[must_use]
    pub fn following(original: AuthId, stan: &str, rrn: &str) -> Self {
        Self::simulated(format!("after:{original}"), stan, rrn)
    }

    fn simulated(subject: String, stan: &str, rrn: &str) -> Self {
        let numbers = MessageNumbers {
            network: MessageNumbers::SANDBOX.to_owned(),
            kind: MessageKind::Authorisation,
            acquirer: String::new(),
            stan: stan.to_owned(),
            stamp: String::new(),
            rrn: rrn.to_owned(),
        };
        Self { numbers, subject }
    }
}
