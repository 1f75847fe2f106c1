//! Openings of card data: who saw a PAN and CVV2 in the clear, and why.

use crate::text::text_enum;
use crate::{CardId, EnterpriseId, RevealId, Timestamp};

text_enum! {
    /// Why card data was opened.
    RevealPurpose {
        /// By `retrieve-secure-card`.
        RetrieveSecureCard = "RETRIEVE_SECURE_CARD",
        /// On the hosted page that shows the card.
        ShowCardPage = "SHOW_CARD_PAGE",
        /// By `cardDetail`.
        VmCardDetail = "VM_CARD_DETAIL",
    }
}

/// One opening of card data, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reveal {
    /// Owner of the card.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub reveal_id: RevealId,
    /// The card.
    pub card_id: CardId,
    /// Why.
    pub purpose: RevealPurpose,
    /// The opener: the API key that signed, the id of the page's link, or the app's id. Never a
    /// secret.
    pub actor: String,
    /// When.
    pub revealed_at: Timestamp,
}
