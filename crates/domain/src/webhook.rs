//! What is told to an enterprise afterwards.

use crate::text::text_enum;
use crate::{EnterpriseId, Timestamp, WebhookId};

text_enum! {
    /// What a webhook is about (cardbridge-open-api.md section 9).
    WebhookType {
        /// A card order changed.
        CardOrder = "CARD_ORDER",
        /// A card changed.
        Card = "CARD",
        /// An authorisation was decided.
        AuthorisationResult = "AUTHORISATION_RESULT",
        /// A 3DS challenge changed.
        Authorisation3dsChallenge = "AUTHORISATION_3DS_CHALLENGE",
        /// An EDD ticket changed.
        IntentTicket = "INTENT_TICKET",
    }
}

text_enum! {
    /// Whether the object is new.
    WebhookSubType {
        /// The first message about an object.
        Create = "CREATE",
        /// A later one.
        Update = "UPDATE",
    }
}

text_enum! {
    /// Where the delivery of a webhook stands.
    DeliveryStatus {
        /// To be sent, or sent again.
        Pending = "PENDING",
        /// Acknowledged.
        Delivered = "DELIVERED",
        /// Parked after its last try; resent by hand only.
        Dead = "DEAD",
    }
}

/// A webhook as it goes into the outbox: the exact bytes that will be signed, sent
/// and sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Receiver.
    pub enterprise_id: EnterpriseId,
    /// Deduplication key; ids increase, and give the order of sending.
    pub webhook_id: WebhookId,
    /// What it is about.
    pub webhook_type: WebhookType,
    /// New or changed.
    pub sub_type: WebhookSubType,
    /// Id of the object; webhooks of one object are sent in order.
    pub business_id: i64,
    /// The exact body.
    pub body: Vec<u8>,
    /// When the event happened (business time).
    pub created_at: Timestamp,
}
