//! Requests to the simulated network.

use domain::{AuthId, AuthType, CardId, Currency, Merchant, TransactionType};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

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

/// A purchase, cash withdrawal, inquiry, completion or refund.
pub struct Purchase {
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
    /// The authorisation that it follows: the reservation that a completion completes, or the
    /// purchase that a refund gives back. It has the same PAN.
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
