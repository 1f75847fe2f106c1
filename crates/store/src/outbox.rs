//! The outbox of webhooks: claimed under a lease, tried, acknowledged or parked.

use domain::{DeliveryStatus, EnterpriseId, Timestamp, WebhookEvent, WebhookId};

use crate::engine::Tx;
use crate::rows::{EVENT_COLUMNS, event_values};
use crate::{Store, StoreError};

/// A webhook claimed for one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event with its exact body.
    pub event: WebhookEvent,
    /// Tries made so far in the present round; a resend by hand starts a new round.
    pub tries: u32,
    /// The lease's end (real time), which also proves the lease.
    pub leased_until: Timestamp,
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began (business time).
    pub at: Timestamp,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// How long it took, milliseconds.
    pub latency_ms: u32,
    /// The first bytes of the answer, or what went wrong.
    pub excerpt: String,
}

/// What follows a try.
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
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When it is due (business time), if it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// Its tries, oldest first.
    pub attempts: Vec<Attempt>,
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only with this status.
    pub status: Option<DeliveryStatus>,
    /// Only about this object.
    pub business_id: Option<i64>,
    /// Only after this id.
    pub cursor: Option<WebhookId>,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// Puts events into the outbox, due at once; part of the caller's commit, after which
/// `outbox_changed` must be told.
pub(crate) async fn insert_events(tx: &Tx, events: &[WebhookEvent]) -> Result<(), StoreError> {
    let columns = format!("{EVENT_COLUMNS}, status, tries, next_attempt_at");
    let rows: Vec<_> = events
        .iter()
        .map(|event| {
            let mut values = event_values(event);
            values.push(DeliveryStatus::Pending.as_str().into());
            values.push(0_i64.into());
            values.push(event.created_at.into());
            values
        })
        .collect();
    tx.insert_rows("webhook", &columns, &rows).await
}

impl Store {
    /// When the next delivery is due (business time), leased or not, among enterprises that
    /// have a webhook URL and objects without an earlier pending webhook.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        todo!()
    }

    /// Leases deliveries due by `now`, earliest due first, at most `limit`, for `lease_ms` of
    /// real time. Passed over: those leased by others, those of enterprises without a webhook
    /// URL, those whose object has an earlier pending webhook, and those of the enterprises in
    /// `passing_over`, which have enough under way already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease_ms: i64,
        limit: u32,
        passing_over: &[EnterpriseId],
    ) -> Result<Vec<Delivery>, StoreError> {
        let _ = (now, lease_ms, limit, passing_over);
        todo!()
    }

    /// Records a try and what follows it; false if the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_attempt(
        &self,
        delivery: &Delivery,
        attempt: Attempt,
        outcome: AttemptOutcome,
    ) -> Result<bool, StoreError> {
        let _ = (delivery, attempt, outcome);
        todo!()
    }

    /// Makes a delivered or parked webhook pending again, due at once; false if there is no such one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resend_delivery(
        &self,
        webhook_id: WebhookId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let _ = (webhook_id, now);
        todo!()
    }

    /// A delivery with its tries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(
        &self,
        webhook_id: WebhookId,
    ) -> Result<Option<DeliveryView>, StoreError> {
        let _ = webhook_id;
        todo!()
    }

    /// Deliveries in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        let _ = filter;
        todo!()
    }

    /// How many deliveries are pending and how many are parked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery_counts(&self) -> Result<(u64, u64), StoreError> {
        todo!()
    }
}
