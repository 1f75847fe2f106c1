//! Deliveries: as they are claimed, tried and shown.

use domain::{DeliveryStatus, EnterpriseId, Timestamp, WebhookEvent, WebhookId};

use crate::listing::ListOrder;

/// A webhook claimed for one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event with its exact body.
    pub event: WebhookEvent,
    /// Tries made so far in the present round; a resend by hand starts a new round.
    pub tries: u32,
    /// Its place among the webhooks of its object, from 1; 0 if it was delivered before places were
    /// counted.
    pub seq: u32,
    /// The lease's end (real time), which also proves the lease.
    pub leased_until: Timestamp,
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its beginning (business time).
    pub at: Timestamp,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// Its duration, milliseconds.
    pub latency_ms: u32,
    /// The first bytes of the answer, or the error.
    pub excerpt: String,
    /// The reason why an answer did not acknowledge, if one came.
    pub refusal: Option<String>,
}

/// The consequence of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Acknowledged.
    Delivered,
    /// To be tried again at this business time.
    RetryAt(Timestamp),
    /// No further try.
    Dead,
}

/// A delivery as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryView {
    /// The event.
    pub event: WebhookEvent,
    /// See [`Delivery::seq`].
    pub seq: u32,
    /// Its status.
    pub status: DeliveryStatus,
    /// Its due time (business time), if it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// Its tries, oldest first.
    pub attempts: Vec<Attempt>,
}

/// Selects the deliveries of a list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only with this status.
    pub status: Option<DeliveryStatus>,
    /// Only about this object.
    pub business_id: Option<i64>,
    /// Only deliveries after this id.
    pub cursor: Option<WebhookId>,
    /// The order of the list.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}
