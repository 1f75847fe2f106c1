//! What identifies a message of a card network.

use crate::text::text_enum;
use crate::{AuthId, CardId, Currency, Money, NetworkMessageId, PanId};

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

    /// With what the message is about: a PAN that is not one of ours, by its keyed fingerprint.
    #[must_use]
    pub fn about_unknown(self, fingerprint: &[u8]) -> MessageIdentity {
        let digits: String = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        MessageIdentity { numbers: self, subject: format!("unknown:{digits}") }
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

/// What a message says beside its identity, as far as later messages are judged by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageFacts {
    /// When it was sent, in the network's words: MMDDhhmmss.
    pub transmitted_at: String,
    /// The processing code.
    pub processing_code: String,
    /// The amount as the shop asks for it.
    pub amount: Option<Money>,
    /// What remains of the original after a reversal, minor units of the shop's currency; `None` =
    /// nothing.
    pub remaining_minor: Option<i64>,
    /// The original that it names.
    pub original: Option<OriginalNumbers>,
}

/// The numbers by which a message names another one as its original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginalNumbers {
    /// The class of the original.
    pub kind: MessageKind,
    /// The acquirer's number without leading zeros.
    pub acquirer: String,
    /// System trace audit number.
    pub stan: String,
    /// When the original was made: when it was sent, MMDDhhmmss, or its local date and time, 14
    /// digits, whichever of them the dialect names it by.
    pub moment: String,
}

/// A message of a card network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivedMessage {
    /// What makes it known when it arrives again.
    pub identity: MessageIdentity,
    /// What it says.
    pub facts: MessageFacts,
}

/// What is kept of a link's message beside its identity and facts, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    /// Its id.
    pub message_id: NetworkMessageId,
    /// The link that brought it.
    pub link: String,
    /// Its type, four digits.
    pub mti: String,
    /// The settlement date that it gives, without its year: MMDD.
    pub settlement_date: Option<String>,
    /// The amount of the settlement that it gives.
    pub settlement: Option<Money>,
    /// The authorisation code that it gives.
    pub auth_code: Option<String>,
    /// The response code or reason that it gives.
    pub response_code: Option<String>,
}

/// A message that a link brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkArrival {
    /// The message.
    pub message: ArrivedMessage,
    /// What is kept of it for operators.
    pub record: MessageRecord,
}

text_enum! {
    /// What became of the answer to a link's message (network-iso8583.md section 6.4).
    AnswerDelivery {
        /// It is not in the socket yet.
        Pending = "PENDING",
        /// The socket took it, which is no proof that the peer has it.
        Written = "WRITTEN",
        /// The connection was gone, or its peer did not read.
        NotWritten = "NOT_WRITTEN",
        /// The network no longer waited for it.
        TooLate = "TOO_LATE",
        /// The process ended before that was known.
        Unknown = "UNKNOWN",
    }
}

/// How surely a message names another as its original, the surest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// By acquirer and RRN, without the numbers of the original.
    Rrn,
    /// By acquirer and RRN, and both have the same STAN.
    RrnAndStan,
    /// By the original's numbers, and both have the same local date and time.
    Stamp,
    /// By the original's numbers, and both have the same RRN.
    NumbersAndRrn,
    /// By the original's numbers with the moment of sending.
    Whole,
}

impl Likeness {
    /// True if several messages that are named so cannot be told apart: a wrong one would move the
    /// wrong money (network-iso8583.md section 5.4).
    #[must_use]
    pub const fn must_be_alone(self) -> bool {
        matches!(self, Self::Rrn)
    }
}

impl ArrivedMessage {
    /// How surely this message names `other` as its original; `None` if it does not
    /// (network-iso8583.md section 5.4). Peers differ in which of a repeat's values they name.
    #[must_use]
    pub fn names(&self, other: &Self) -> Option<Likeness> {
        let (own, its) = (&self.identity.numbers, &other.identity.numbers);
        let is_possible = own.network == its.network
            && self.identity.subject == other.identity.subject
            && its.kind.is_original();
        if !is_possible {
            return None;
        }
        let has_same_rrn = !own.rrn.is_empty() && own.rrn == its.rrn;
        let Some(named) = &self.facts.original else {
            let is_named = has_same_rrn
                && own.acquirer == its.acquirer
                && self.facts.currency() == other.facts.currency();
            let by_rrn = if own.stan == its.stan { Likeness::RrnAndStan } else { Likeness::Rrn };
            return is_named.then_some(by_rrn);
        };
        let acquirer = if named.acquirer.is_empty() { &own.acquirer } else { &named.acquirer };
        let is_named =
            named.kind == its.kind && named.stan == its.stan && *acquirer == its.acquirer;
        let has_same_stamp = !own.stamp.is_empty() && own.stamp == its.stamp;
        let has_moment = named.moment == other.facts.transmitted_at || named.moment == its.stamp;
        match () {
            () if !is_named => None,
            () if has_moment => Some(Likeness::Whole),
            () if has_same_rrn => Some(Likeness::NumbersAndRrn),
            () if has_same_stamp => Some(Likeness::Stamp),
            () => None,
        }
    }
}

impl MessageFacts {
    /// The currency of the shop.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.amount.map(|amount| amount.currency())
    }
}

impl MessageKind {
    /// True for the kinds that a reversal or advice may name as its original.
    #[must_use]
    pub const fn is_original(self) -> bool {
        matches!(self, Self::Authorisation | Self::Financial)
    }
}

text_enum! {
    /// What a message that asks nobody led to (network-iso8583.md sections 5.6 and 5.7).
    MessageOutcome {
        /// An advice was taken as the fact that it states.
        Accepted = "ACCEPTED",
        /// A reversal gave something back, or declined what was undecided.
        Reversed = "REVERSED",
        /// A reversal found nothing that is left to give back.
        NothingLeft = "NOTHING_LEFT",
        /// A reversal found its original cleared by other means: the merchant's claim stands.
        Cleared = "CLEARED",
        /// A reversal arrived before its original, which is declined if it comes.
        Early = "EARLY",
        /// A reversal names several messages that cannot be told apart, or one with another
        /// authorisation code: nothing was moved.
        Unclear = "UNCLEAR",
        /// A reversal names another currency than its original has.
        OtherCurrency = "OTHER_CURRENCY",
        /// The card is not one of ours.
        UnknownCard = "UNKNOWN_CARD",
    }
}

impl MessageOutcome {
    /// What a network states and is not posted: an operator must look.
    pub const UNPOSTED: [Self; 4] =
        [Self::UnknownCard, Self::Cleared, Self::Unclear, Self::OtherCurrency];
}

impl MessageIdentity {
    /// A simulated message about a card.
    #[must_use]
    pub fn of_card(kind: MessageKind, card_id: CardId, stan: &str, rrn: &str) -> Self {
        Self::simulated(kind, format!("card:{card_id}"), stan, rrn)
    }

    /// A simulated message without numbers, by the authorisation that it makes: it is never known
    /// when it arrives again.
    #[must_use]
    pub fn making(kind: MessageKind, auth_id: AuthId) -> Self {
        Self::simulated(kind, format!("made:{auth_id}"), "", "")
    }

    /// A simulated message that follows an authorisation. It may arrive on the card's twin, which
    /// has the same PAN but another card id.
    #[must_use]
    pub fn following(kind: MessageKind, original: AuthId, stan: &str, rrn: &str) -> Self {
        Self::simulated(kind, format!("after:{original}"), stan, rrn)
    }

    fn simulated(kind: MessageKind, subject: String, stan: &str, rrn: &str) -> Self {
        let numbers = MessageNumbers {
            network: MessageNumbers::SANDBOX.to_owned(),
            kind,
            acquirer: String::new(),
            stan: stan.to_owned(),
            stamp: String::new(),
            rrn: rrn.to_owned(),
        };
        Self { numbers, subject }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DE7: &str = "1129120001";

    fn message(kind: MessageKind, stan: &str, stamp: &str, rrn: &str) -> ArrivedMessage {
        let numbers = MessageNumbers {
            network: "switch-a".into(),
            kind,
            acquirer: "412345".into(),
            stan: stan.into(),
            stamp: stamp.into(),
            rrn: rrn.into(),
        };
        let amount = Some(Money::new(1_550, Currency::USD));
        let facts = MessageFacts { transmitted_at: DE7.into(), amount, ..MessageFacts::default() };
        ArrivedMessage { identity: numbers.about(PanId::from_i64(5)), facts }
    }

    fn purchase() -> ArrivedMessage {
        message(MessageKind::Authorisation, "000001", "20261129200001", "633312000001")
    }

    /// A reversal that names the purchase by its numbers alone.
    fn reversal(acquirer: &str, moment: &str) -> ArrivedMessage {
        let mut it = message(MessageKind::Reversal, "000007", "20261129200500", "");
        it.facts.original = Some(OriginalNumbers {
            kind: MessageKind::Authorisation,
            acquirer: acquirer.into(),
            stan: "000001".into(),
            moment: moment.into(),
        });
        it
    }

    #[test]
    fn an_original_is_named_by_its_numbers_and_one_more_value() {
        let first = purchase();
        assert_eq!(reversal("412345", DE7).names(&first), Some(Likeness::Whole));
        assert_eq!(reversal("", DE7).names(&first), Some(Likeness::Whole));
        assert_eq!(reversal("", "20261129200001").names(&first), Some(Likeness::Whole));
        assert_eq!(reversal("", "20261129200002").names(&first), None);
        assert_eq!(reversal("999999", DE7).names(&first), None);
        let mut vague = reversal("412345", "1129120031");
        assert_eq!(vague.names(&first), None);
        vague.identity.numbers.stamp = "20261129200001".into();
        assert_eq!(vague.names(&first), Some(Likeness::Stamp));
        vague.identity.numbers.rrn = "633312000001".into();
        assert_eq!(vague.names(&first), Some(Likeness::NumbersAndRrn));
        let sale = ArrivedMessage {
            identity: MessageIdentity {
                numbers: MessageNumbers {
                    kind: MessageKind::Financial,
                    ..first.identity.numbers.clone()
                },
                ..first.identity.clone()
            },
            ..first
        };
        assert_eq!(vague.names(&sale), None);
    }

    #[test]
    fn without_numbers_the_rrn_names_it_for_the_same_acquirer_and_currency() {
        let by_rrn = |stan: &str, rrn: &str| message(MessageKind::Reversal, stan, "", rrn);
        let first = purchase();
        assert_eq!(by_rrn("000007", "633312000001").names(&first), Some(Likeness::Rrn));
        assert_eq!(by_rrn("000001", "633312000001").names(&first), Some(Likeness::RrnAndStan));
        assert_eq!(by_rrn("000001", "633312000002").names(&first), None);
        let nameless = message(MessageKind::Authorisation, "000001", "", "");
        assert_eq!(by_rrn("000001", "").names(&nameless), None);
        let mut foreign = by_rrn("000001", "633312000001");
        foreign.facts.amount = Some(Money::new(1_550, Currency::parse("EUR").unwrap()));
        assert_eq!(foreign.names(&first), None);
        let other = by_rrn("000001", "633312000001");
        assert_eq!(other.names(&by_rrn("000001", "633312000001")), None, "reversals are none");
    }

    #[test]
    fn messages_of_other_cards_and_networks_are_never_named() {
        let first = purchase();
        let mut it = reversal("412345", DE7);
        it.identity.subject = "pan:6".into();
        assert_eq!(it.names(&first), None);
        let mut it = reversal("412345", DE7);
        it.identity.numbers.network = "switch-b".into();
        assert_eq!(it.names(&first), None);
    }
}
