//! The requests for authorisations and their results.

use std::collections::BTreeMap;

use domain::{
    AuthType, Authorisation, Card, Merchant, MessageIdentity, Money, NetworkKey, PinVerdict,
    TransactionType,
};
use store::{MoneyError, PinComparison, StoreError};
use thiserror::Error;
use tokio::time::Instant;

/// The result of comparing a value that the shopper presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PresentedValue {
    /// It was not presented.
    #[default]
    Absent,
    /// It is the card's.
    Matched,
    /// It is not the card's.
    Mismatched,
}

impl PresentedValue {
    /// The text in the decision receipt.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "ABSENT",
            Self::Matched => "MATCHED",
            Self::Mismatched => "MISMATCHED",
        }
    }
}

/// What became of a chip's cryptogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChipVerdict {
    /// It is the card's.
    Verified,
    /// It is not the card's.
    Wrong,
    /// There is no key for it.
    Unverified,
    /// There is no key for it, and the network is trusted to have verified it.
    Trusted,
}

impl ChipVerdict {
    /// The text in the decision receipt.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => PresentedValue::Matched.as_str(),
            Self::Wrong => PresentedValue::Mismatched.as_str(),
            Self::Unverified | Self::Trusted => "UNVERIFIED",
        }
    }
}

/// The values that were presented of the card besides its number, already compared; the values
/// themselves go no further than the network's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presented {
    /// The expiry.
    pub expiry: PresentedValue,
    /// The CVV2.
    pub cvv2: PresentedValue,
    /// The CVV of a track.
    pub cvv1: PresentedValue,
    /// The verdict on the chip's cryptogram; `None` if no chip was read.
    pub chip: Option<ChipVerdict>,
    /// The verdict on the PIN; `None` if it was not presented, or is still to be judged.
    pub pin: Option<PinVerdict>,
}

/// One purchase, cash withdrawal, inquiry or refund, as the network asks for it.
#[derive(Debug, Clone)]
pub struct AuthorisationRequest {
    /// The card record used.
    pub card: Card,
    /// Amount as the shop asks for it: above zero; an inquiry's may be zero.
    pub acquirer_amount: Money,
    /// The network's transaction type.
    pub transaction_type: TransactionType,
    /// Kind.
    pub auth_type: AuthType,
    /// The shop.
    pub merchant: Merchant,
    /// The network's key: repeated, it gives the first answer again.
    pub network_key: Option<NetworkKey>,
    /// What makes it known when it arrives again by a link; `None` for a simulated message, which
    /// is known by `network_key`.
    pub identity: Option<MessageIdentity>,
    /// The authorisation that it follows: the purchase that a refund gives back, or the reservation
    /// that a completion completes; any other message that follows a purchase increments it.
    pub original: Option<Authorisation>,
    /// The presented values, already compared.
    pub presented: Presented,
    /// What the chip sent and the receipt keeps: values in hexadecimal by their tags
    /// (network-iso8583.md section 3.6).
    pub chip_tags: BTreeMap<String, String>,
    /// The PIN that was entered: compared, and counted as a try, once the message may be decided.
    pub pin: Option<PinComparison>,
    /// When the network stops waiting for the decision (network-iso8583.md section 6.1); `None` =
    /// the enterprise's deadline alone counts.
    pub answer_by: Option<Instant>,
}

impl AuthorisationRequest {
    /// True if it raises a purchase or gives part of one back: a part of a bill, not a whole.
    pub(crate) const fn is_part(&self) -> bool {
        let is_refund = matches!(self.transaction_type, TransactionType::Refund);
        let is_completion = matches!(self.auth_type, AuthType::PreAuthCompletion);
        is_refund || (self.original.is_some() && !is_completion)
    }
}

/// A reversal, as the network asks for it.
#[derive(Debug, Clone)]
pub struct ReversalRequest {
    /// The approved authorisation.
    pub original: Authorisation,
    /// The amount in minor units of the acquirer's currency; `None` = all that is left of it and of
    /// its increments.
    pub acquirer_amount_minor: Option<i64>,
}

/// The answer to the network. A decline is an answer like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorisationAnswer {
    /// The decided authorisation.
    pub authorisation: Authorisation,
    /// True if the network's key was seen before, so this is the first answer again.
    pub repeated: bool,
    /// From arrival to decision, in milliseconds.
    pub total_ms: u64,
    /// The part of that time that the enterprise took, in milliseconds; `None` if it gave no answer
    /// in time or was not asked.
    pub enterprise_ms: Option<u64>,
}

/// Why there is no answer; nothing was decided.
#[derive(Debug, Clone, Error)]
pub enum AuthoriseError {
    /// The amount is not above zero; only an inquiry's may be zero.
    #[error("the amount must be above zero; that of an inquiry may be zero")]
    Amount,
    /// A completion names no reservation.
    #[error("a completion needs the authorisation that it completes")]
    OriginalMissing,
    /// A completion names something other than a reservation.
    #[error("only an authorisation of type PRE_AUTH is completed")]
    NotReserved,
    /// An increment names another increment or a completion.
    #[error("increments and completions are not incremented")]
    NotIncrementable,
    /// Too many authorisations are under way.
    #[error("too many authorisations are under way")]
    Overloaded,
    /// The first message with this network key remains undecided.
    #[error("the first message with this network key is not decided yet")]
    Undecided,
    /// The card's enterprise, profile or platform key is missing.
    #[error("missing: {0}")]
    Missing(&'static str),
    /// The process failed during the authorisation; a restart declines it.
    #[error("the authorisation broke off")]
    BrokenOff,
    /// The money.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthoriseError {
    /// True if something on our side failed; all other errors are the message's own fault, or a
    /// hold that is closed by now.
    pub(crate) const fn is_fault(&self) -> bool {
        match self {
            Self::Money(MoneyError::Store(StoreError::KeyTaken)) => false,
            Self::Missing(_)
            | Self::BrokenOff
            | Self::Money(MoneyError::Store(_))
            | Self::Store(_) => true,
            Self::Amount
            | Self::OriginalMissing
            | Self::NotReserved
            | Self::NotIncrementable
            | Self::Overloaded
            | Self::Undecided
            | Self::Money(_) => false,
        }
    }
}
