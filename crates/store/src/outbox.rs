//! The outbox of webhooks: claimed under a lease, tried, acknowledged or parked.

mod claim;
mod delivery;
mod destination;
mod finish;
#[cfg(test)]
mod plans;
mod queue;
#[cfg(test)]
mod takeover;
mod view;

use domain::{Timestamp, WebhookId};

use crate::engine::with;
use crate::jobs::Lease;
use crate::{MAX_PAGE_ROWS, Store, StoreError};

pub use claim::{DueDestination, Grant};
pub use delivery::{Attempt, AttemptOutcome, Delivery, DeliveryFilter, DeliveryView};
pub(crate) use destination::{look_at_all, set_has_url};
pub(crate) use queue::{insert_events, queue_events};

impl Store {
    /// The due time (business time) of the next delivery without a lease, among destinations with a
    /// webhook URL and a free place; now, if a destination's lease or pause is over.
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let (now, real_now) = (self.clock().now(), self.clock().real_now());
        self.read(move |tx| Box::pin(claim::next_due(tx, now, real_now))).await
    }

    /// Destinations with a webhook URL where something may be due by `now`, at most `limit`, by
    /// turns: one that was just served comes after all others.
    pub async fn due_destinations(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueDestination>, StoreError> {
        let (real_now, limit) = (self.clock().real_now(), limit.min(MAX_PAGE_ROWS));
        self.read(move |tx| Box::pin(claim::due_destinations(tx, now, real_now, limit))).await
    }

    /// Leases deliveries due by `now` of these destinations, of each the earliest due first, for
    /// `lease_ms` of real time. Skipped are those leased by others, and those behind an earlier
    /// webhook of their object. A destination without a free place is skipped for two seconds.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease_ms: i64,
        grants: Vec<Grant>,
    ) -> Result<Vec<Delivery>, StoreError> {
        let real_now = self.clock().real_now();
        let limit = MAX_PAGE_ROWS;
        let lease = Lease { now, real_now, until: real_now.plus_millis(lease_ms), limit };
        let request = (lease, grants);
        self.write(with(request, async |tx, (lease, grants)| {
            claim::claim(tx, *lease, grants).await
        }))
        .await
    }

    /// Records a try and its consequence; false if the lease was lost.
    pub async fn finish_attempt(
        &self,
        delivery: &Delivery,
        attempt: Attempt,
        outcome: AttemptOutcome,
    ) -> Result<bool, StoreError> {
        let request = (delivery.clone(), attempt, outcome, self.clock().now());
        let held = self
            .write(with(request, async |tx, (delivery, attempt, outcome, now)| {
                finish::finish(tx, delivery, attempt, *outcome, *now).await
            }))
            .await?;
        // The next webhook of the same object may go now, or this one at another time.
        self.inner.outbox_changed.notify_one();
        Ok(held)
    }

    /// Makes a delivered or parked webhook pending again, due at once; None if there is no such
    /// webhook. A webhook that an app acknowledged is not sent again (vm-api.md section 10.3), and
    /// a wiped body cannot be sent.
    pub async fn resend_delivery(
        &self,
        webhook_id: WebhookId,
        now: Timestamp,
    ) -> Result<Option<DeliveryView>, StoreError> {
        let resent = self
            .write_kept(move |tx| {
                Box::pin(async move {
                    if !finish::resend(tx, webhook_id, now).await? {
                        return Ok(None);
                    }
                    view::view(tx, webhook_id).await
                })
            })
            .await?;
        self.inner.outbox_changed.notify_one();
        Ok(resent)
    }

    /// A delivery with its tries.
    pub async fn delivery(
        &self,
        webhook_id: WebhookId,
    ) -> Result<Option<DeliveryView>, StoreError> {
        self.read(move |tx| Box::pin(view::view(tx, webhook_id))).await
    }

    /// Deliveries in order of id.
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        self.read(with(filter, view::views)).await
    }

    /// The numbers of pending and of parked deliveries.
    pub async fn delivery_counts(&self) -> Result<(u64, u64), StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let count = async |sql| {
                    let rows: Option<u64> = tx.one(sql, &[]).await?;
                    Ok::<_, StoreError>(rows.unwrap_or(0))
                };
                let pending = count("SELECT COUNT(*) FROM webhook WHERE status = 'PENDING'");
                let dead = count("SELECT COUNT(*) FROM webhook WHERE status = 'DEAD'");
                Ok((pending.await?, dead.await?))
            })
        })
        .await
    }
}
