//! Webhooks: notices of events to an enterprise or one of its apps.

use crate::text::text_enum;
use crate::{EnterpriseId, Timestamp, VmAppId, WebhookId};

text_enum! {
    /// The subject of a webhook (cardbridge-open-api.md section 9).
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
        /// To an app: a transaction changed.
        VmTransaction = "VM_TRANSACTION",
        /// To an app: a cardholder is challenged; the body is stored sealed.
        VmCard3ds = "VM_CARD_3DS",
    }
}

impl WebhookType {
    /// True if it goes to an app of dialect 2, and not to the enterprise itself.
    #[must_use]
    pub const fn is_of_an_app(self) -> bool {
        matches!(self, Self::VmTransaction | Self::VmCard3ds)
    }
}

text_enum! {
    /// First or later message about an object.
    WebhookSubType {
        /// The first message about an object.
        Create = "CREATE",
        /// A later one.
        Update = "UPDATE",
    }
}

text_enum! {
    /// The state of a webhook's delivery.
    DeliveryStatus {
        /// To be sent, or sent again.
        Pending = "PENDING",
        /// Acknowledged.
        Delivered = "DELIVERED",
        /// Parked after its last try; resent by hand only.
        Dead = "DEAD",
    }
}

/// The receiver of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The enterprise.
    pub enterprise_id: EnterpriseId,
    /// One of its apps of dialect 2; `None` = the enterprise itself.
    pub vm_app_id: Option<VmAppId>,
}

impl Destination {
    /// The enterprise itself.
    #[must_use]
    pub const fn enterprise(enterprise_id: EnterpriseId) -> Self {
        Self { enterprise_id, vm_app_id: None }
    }
}

/// A webhook as it goes into the outbox: the exact bytes that will be signed, sent and resent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEvent {
    /// Receiver, or the owner of the app that receives it.
    pub enterprise_id: EnterpriseId,
    /// The app of dialect 2 that receives it; `None` = the enterprise itself.
    pub vm_app_id: Option<VmAppId>,
    /// Deduplication key; ids increase and define the order of sending.
    pub webhook_id: WebhookId,
    /// Its subject.
    pub webhook_type: WebhookType,
    /// New or changed.
    pub sub_type: WebhookSubType,
    /// Id of the object; webhooks of one object are sent in order.
    pub business_id: i64,
    /// The exact body; that of a [`WebhookType::VmCard3ds`] is sealed, and empty once wiped.
    pub body: Vec<u8>,
    /// When the event happened (business time).
    pub created_at: Timestamp,
}

impl WebhookEvent {
    /// Its receiver.
    #[must_use]
    pub const fn destination(&self) -> Destination {
        Destination { enterprise_id: self.enterprise_id, vm_app_id: self.vm_app_id }
    }
}
