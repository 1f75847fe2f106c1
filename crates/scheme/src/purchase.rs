//! What the simulated network is told to do.

use domain::{AuthId, AuthType, CardId, Currency, Merchant, TransactionType};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

/// How the shopper's card is named.
pub enum CardReference {
    /// By the id of its record.
    Id(CardId),
    /// By what stands on it.
    Pan {
        /// The PAN.
        pan: ClearPan,
        /// Expiry, YYMM or MM/YY.
        expiry: String,
        /// CVV2.
        cvv2: Zeroizing<String>,
    },
}

/// A purchase, cash withdrawal or inquiry.
pub struct Purchase {
    /// The card.
    pub card: CardReference,
    /// The PIN that the shopper entered, if any.
    pub pin: Option<ClearPin>,
    /// Amount in major units, as text (`15.50`).
    pub amount_text: String,
    /// Its currency.
    pub currency: Currency,
    /// The network's transaction type; not a refund.
    pub transaction_type: TransactionType,
    /// Kind.
    pub auth_type: AuthType,
    /// The shop.
    pub merchant: Merchant,
    /// System trace audit number; with `rrn` the network's key.
    pub stan: Option<String>,
    /// Retrieval reference number; with `stan` the network's key.
    pub rrn: Option<String>,
}

/// What a refund refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOf {
    /// An authorisation.
    Authorisation(AuthId),
    /// A card alone.
    Card(CardId),
}
