//! Requests to the simulated network.

use domain::{
    AuthId, AuthType, CardId, Currency, EntryMode, Merchant, Money, ResponseCode, TransactionType,
    text_enum,
};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

use crate::network_code::decline_of;

/// A reference to the shopper's card.
pub enum CardReference {
    /// By the id of its record.
    Id(CardId),
    /// By the data printed on it.
    Pan {
        /// The PAN.
        pan: ClearPan,
        /// Expiry, YYMM or MM/YY.
        expiry: String,
        /// CVV2.
        cvv2: Zeroizing<String>,
    },
}

text_enum! {
    /// What a message wants: a question or a fact, of a hold or of a posting
    /// (network-iso8583.md section 3.1).
    MessageClass {
        /// It asks for an authorisation.
        Request = "request",
        /// It states what the network decided.
        Advice = "advice",
        /// It asks for an authorisation that is posted at once.
        Single = "single",
        /// It states a posting: a completion, or one that nothing authorised.
        SingleAdvice = "single_advice",
    }
}

impl MessageClass {
    /// True if it states a fact.
    #[must_use]
    pub const fn is_advice(self) -> bool {
        matches!(self, Self::Advice | Self::SingleAdvice)
    }

    /// True if it posts.
    #[must_use]
    pub const fn posts(self) -> bool {
        matches!(self, Self::Single | Self::SingleAdvice)
    }
}

/// What an advice says of the network's decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkDecision {
    /// The code of a decline; `None` = the network approved.
    pub decline: Option<ResponseCode>,
    /// The authorisation code that it gave.
    pub auth_code: Option<String>,
}

impl NetworkDecision {
    /// The decision that a response code of a network stands for.
    #[must_use]
    pub fn of_code(code: &str, auth_code: Option<String>) -> Self {
        Self { decline: decline_of(code), auth_code }
    }
}

/// What of an authorisation a reversal takes back: amounts in major units of the acquirer's
/// currency, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversing<'a> {
    /// All that is left.
    Whole,
    /// This much.
    Part(&'a str),
    /// As much as leaves this.
    To(&'a str),
}

impl<'a> From<Option<&'a str>> for Reversing<'a> {
    /// An amount; without one, all that is left.
    fn from(amount: Option<&'a str>) -> Self {
        amount.map_or(Self::Whole, Self::Part)
    }
}

/// A purchase, cash withdrawal, inquiry, completion or refund.
pub struct Purchase {
    /// What it wants.
    pub class: MessageClass,
    /// The card.
    pub card: CardReference,
    /// The PIN that the shopper entered, if any.
    pub pin: Option<ClearPin>,
    /// Amount in major units, as text (`15.50`).
    pub amount_text: String,
    /// Its currency.
    pub currency: Currency,
    /// The network's transaction type.
    pub transaction_type: TransactionType,
    /// Kind.
    pub auth_type: AuthType,
    /// The shop.
    pub merchant: Merchant,
    /// How the card was read, if it says so.
    pub entry_mode: Option<EntryMode>,
    /// The part of the amount that is paid out in cash, in the same currency.
    pub cash_back: Option<Money>,
    /// The authorisation that it follows: the reservation that a completion completes, the purchase
    /// that a refund gives back, or what an advice raises or posts. It has the same PAN.
    pub original_auth_id: Option<AuthId>,
    /// System trace audit number; with `rrn` the network's key.
    pub stan: Option<String>,
    /// Retrieval reference number; with `stan` the network's key.
    pub rrn: Option<String>,
}

/// An increment of an authorisation, as the network sends it.
pub struct Increment {
    /// The authorisation.
    pub auth_id: AuthId,
    /// Amount in major units of the acquirer's currency, as text.
    pub amount_text: String,
    /// System trace audit number; with `rrn` the network's key.
    pub stan: Option<String>,
    /// Retrieval reference number; with `stan` the network's key.
    pub rrn: Option<String>,
}

/// Money that a shop gives back.
pub struct Refund {
    /// To whom.
    pub of: RefundOf,
    /// Amount in major units, as text.
    pub amount_text: String,
    /// Its currency.
    pub currency: Currency,
    /// System trace audit number; with `rrn` the network's key.
    pub stan: Option<String>,
    /// Retrieval reference number; with `stan` the network's key.
    pub rrn: Option<String>,
}

/// The subject of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOf {
    /// An authorisation.
    Authorisation(AuthId),
    /// A card alone.
    Card(CardId),
}
