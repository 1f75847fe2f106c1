//! The requests for authorisations and their results.

use domain::{
    AuthId, AuthType, Authorisation, BillingAmount, Card, LinkArrival, Merchant, MessageKind,
    MessageOutcome, Money, NetworkKey, PinVerdict, ResponseCode, TransactionType, text_enum,
};
use store::{MoneyError, PinComparison, StoreError};
use thiserror::Error;
use tokio::time::Instant;

use crate::network_facts::NetworkFacts;

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

text_enum! {
    /// Why an authorisation that a network's message names is not followed: the message is then
    /// authorised by itself (network-iso8583.md section 5.4).
    NotFollowed {
        /// No message of the card is the one that it names.
        NotFound = "not_found",
        /// The named authorisation is not approved, or nothing can follow it any longer.
        NotOpen = "not_open",
        /// The named authorisation has another currency of the shop.
        OtherCurrency = "other_currency",
    }
}

/// One purchase, cash withdrawal, inquiry or refund, as the network asks for it.
#[derive(Debug, Clone)]
pub struct AuthorisationRequest {
    /// The card record used.
    pub card: Card,
    /// Amount as the shop asks for it: above zero; an inquiry's may be zero.
    pub acquirer_amount: Money,
    /// The amount that the network bills, if it says so.
    pub billing: Option<BillingAmount>,
    /// The network's transaction type.
    pub transaction_type: TransactionType,
    /// Kind.
    pub auth_type: AuthType,
    /// The shop.
    pub merchant: Merchant,
    /// The network's key: repeated, it gives the first answer again.
    pub network_key: Option<NetworkKey>,
    /// The message, as it is known when it arrives again by a link; `None` for a simulated one,
    /// which is known by `network_key`.
    pub message: Option<LinkArrival>,
    /// The authorisation that it follows: the purchase that a refund gives back, or the reservation
    /// that a completion completes; any other message that follows a purchase increments it.
    pub original: Option<Authorisation>,
    /// Why it does not follow the authorisation that it names; `None` if it names none, or follows
    /// it.
    pub not_followed: Option<NotFollowed>,
    /// The presented values, already compared.
    pub presented: Presented,
    /// What the message says beside them, for the receipt.
    pub network: NetworkFacts,
    /// The PIN that was entered: compared, and counted as a try, once the message may be decided.
    pub pin: Option<PinComparison>,
    /// True for a single message: an approval is posted in its commit.
    pub posts: bool,
    /// When the network stops waiting for the decision (network-iso8583.md section 6.1); `None` =
    /// the enterprise's deadline alone counts.
    pub answer_by: Option<Instant>,
}

impl AuthorisationRequest {
    /// The class of a simulated message.
    pub(crate) const fn kind(&self) -> MessageKind {
        if self.posts { MessageKind::Financial } else { MessageKind::Authorisation }
    }

    /// What the network bills in the card's currency, which is then held as it stands
    /// (network-iso8583.md section 3.3).
    pub(crate) fn billed(&self) -> Option<&BillingAmount> {
        self.billing.as_ref().filter(|it| it.amount.currency() == self.card.currency)
    }

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
    /// What is to remain of it and of its increments, in place of an amount that is taken back.
    pub remaining_minor: Option<i64>,
    /// Why an operator reverses it, for the receipt; `None` = the network does.
    pub reason: Option<String>,
}

/// A reversal that a network sends: it says what remains of its original.
#[derive(Debug, Clone)]
pub struct NetworkReversal {
    /// The card record that is used.
    pub card: Card,
    /// The message.
    pub message: LinkArrival,
    /// The original's authorisation code, if the message gives it.
    pub auth_code: Option<String>,
}

/// What a network decided in the enterprise's place.
#[derive(Debug, Clone)]
pub struct AdviceRequest {
    /// The card, the amount and the shop, as a request for it would have them.
    pub fact: AuthorisationRequest,
    /// The message; `None` for a simulated one, which is known by the network's key.
    pub message: Option<LinkArrival>,
    /// The authorisation that a simulated one names.
    pub names: Option<AuthId>,
    /// The code of a decline; `None` = the network approved.
    pub decline: Option<ResponseCode>,
    /// The authorisation code that the message gives.
    pub auth_code: Option<String>,
    /// True if more clearings may follow one that leaves something.
    pub allows_more: bool,
    /// True if it is no fact, but a request to clear what it names within what that has left.
    pub must_clear: bool,
}

/// The answer to an advice: it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdviceAnswer {
    /// The authorisation that it made, or is about.
    pub auth_id: Option<AuthId>,
    /// The record of what it gave back.
    pub reversal_id: Option<AuthId>,
    /// True if the same advice was taken before.
    pub repeated: bool,
}

/// The answer to a network's reversal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReversalAnswer {
    /// What it led to.
    pub outcome: MessageOutcome,
    /// True if the same message led to it before.
    pub repeated: bool,
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
    /// A fact cannot be booked: no rate is set for its currency.
    #[error("no rate is set for the currency")]
    NoRate,
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
    /// True if the same message may succeed a moment later. What may have been written of it is
    /// declined first, so that a repeat charges nobody twice.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Overloaded => true,
            Self::Store(error) | Self::Money(MoneyError::Store(error)) => {
                error.is_passing() || matches!(error, StoreError::InDoubt(_))
            }
            _ => false,
        }
    }

    /// True if something on our side failed; all other errors are the message's own fault, or a
    /// hold that is closed by now.
    pub(crate) const fn is_fault(&self) -> bool {
        match self {
            Self::Money(MoneyError::Store(StoreError::KeyTaken)) => false,
            Self::NoRate
            | Self::Missing(_)
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
