//! The records of dialect 2, the VM API: apps, their products, and what a card of theirs has
//! beside the card itself (vm-api.md).

use ipnet::IpNet;

use crate::text::text_enum;
use crate::{CardId, EnterpriseId, ProfileId, Timestamp, VmAppId};

text_enum! {
    /// Where the money of a card comes from (vm-api.md section 7.4).
    VmFunding {
        /// The card holds its own balance.
        Prepaid = "save",
        /// The card draws on the merchant's wallet within limits.
        CreditLine = "share",
    }
}

/// A merchant's application, which authenticates and owns cards. Its secret is kept as a
/// digest only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmApp {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id of the record.
    pub vm_app_id: VmAppId,
    /// What the app calls itself on the wire.
    pub app_id: String,
    /// SHA-256 of its secret.
    pub secret_digest: [u8; 32],
    /// The merchant's RSA public key, DER of its SPKI, which answers are encrypted with.
    pub merchant_public_key: Option<Vec<u8>>,
    /// Where webhooks go.
    pub webhook_url: Option<String>,
    /// Whether webhooks bear our own signature header.
    pub signs_webhooks: bool,
    /// Networks that may call; empty = any in the sandbox, none in production.
    pub ip_whitelist: Vec<IpNet>,
    /// Created.
    pub created_at: Timestamp,
}

/// What an app can open cards of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmProduct {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The app it is open to.
    pub vm_app_id: VmAppId,
    /// What createCard takes.
    pub product_code: String,
    /// Where the numbers, network and hold days come from.
    pub profile_id: ProfileId,
    /// Prepaid or credit line.
    pub funding: VmFunding,
    /// Where its cards are issued, as shown.
    pub issuing_area: String,
    /// How many more cards may be opened.
    pub remaining_cards: i64,
    /// Created.
    pub created_at: Timestamp,
}

/// Limits of a card in minor units; zero is no limit of that kind (vm-api.md section 16, 22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmLimits {
    /// Of one authorisation.
    pub single_minor: i64,
    /// Of a day.
    pub day_minor: i64,
    /// Of a month.
    pub month_minor: i64,
    /// Of all that was ever authorised and not given back.
    pub total_minor: i64,
}

/// What a card of dialect 2 has beside its card record.
#[derive(Clone, PartialEq, Eq)]
pub struct VmCard {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// The app that opened it.
    pub vm_app_id: VmAppId,
    /// Its id on the wire, a UUID.
    pub card_uuid: String,
    /// The product it was opened of.
    pub product_code: String,
    /// Where its money comes from.
    pub funding: VmFunding,
    /// The caller's label.
    pub label: String,
    /// Name, address and contact, sealed by the vault.
    pub sealed_holder: Vec<u8>,
    /// Its limits.
    pub limits: VmLimits,
    /// Opened.
    pub created_at: Timestamp,
}
