//! The outbox of webhooks: claimed under a lease, tried, acknowledged or parked.

mod claim;
mod view;

use std::sync::Arc;

use domain::{
    ChallengeId, DeliveryStatus, Destination, EnterpriseId, Timestamp, WebhookEvent, WebhookId,
    WebhookSubType, WebhookType,
};

use crate::engine::{Tx, Value};
use crate::jobs::Lease;
use crate::rows::{EVENT_COLUMNS, event_values};
use crate::three_ds::acknowledge;
use crate::{MAX_PAGE_ROWS, Store, StoreError};

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
    /// When the next delivery is due (business time), leased or not, among destinations that
    /// have a webhook URL and objects without an earlier pending webhook.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_delivery_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|tx| Box::pin(claim::next_due(tx))).await
    }

    /// Leases deliveries due by `now`, earliest due first, at most `limit`, for `lease_ms` of
    /// real time. Passed over: those leased by others, those of destinations without a webhook
    /// URL, those whose object has an earlier pending webhook, and those of the destinations in
    /// `passing_over`, which have enough under way already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease_ms: i64,
        limit: u32,
        passing_over: &[Destination],
    ) -> Result<Vec<Delivery>, StoreError> {
        let real_now = self.clock().real_now();
        let limit = limit.min(MAX_PAGE_ROWS);
        let lease = Lease { now, real_now, until: real_now.plus_millis(lease_ms), limit };
        let passing_over: Arc<[Destination]> = passing_over.into();
        self.write(move |tx| {
            let passing_over = Arc::clone(&passing_over);
            Box::pin(async move { claim::claim(tx, lease, &passing_over).await })
        })
        .await
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
        let tried = Arc::new((Claimed::of(delivery), attempt));
        let held = self
            .write(move |tx| {
                let tried = Arc::clone(&tried);
                Box::pin(async move { finish(tx, tried.0, &tried.1, outcome).await })
            })
            .await?;
        // The next webhook of the same object may go now, or this one at another time.
        self.inner.outbox_changed.notify_one();
        Ok(held)
    }

    /// Makes a delivered or parked webhook pending again, due at once; none if there is no
    /// such one. An app is never told again what it acknowledged (vm-api.md section 10.3), and
    /// a wiped body cannot be sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn resend_delivery(
        &self,
        webhook_id: WebhookId,
        now: Timestamp,
    ) -> Result<Option<DeliveryView>, StoreError> {
        let resent = self
            .write_kept(move |tx| {
                Box::pin(async move {
                    let sql = "UPDATE webhook SET status = 'PENDING', tries = 0, \
                        next_attempt_at = $1, leased_until = NULL \
                        WHERE webhook_id = $2 AND status <> 'PENDING' \
                        AND (vm_app_id = 0 OR status = 'DEAD') AND LENGTH(body) > 0";
                    let params = [now.into(), webhook_id.into()];
                    if tx.execute(sql, &params).await? == 0 {
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
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery(
        &self,
        webhook_id: WebhookId,
    ) -> Result<Option<DeliveryView>, StoreError> {
        self.read(move |tx| Box::pin(view::view(tx, webhook_id))).await
    }

    /// Deliveries in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
    ) -> Result<Vec<DeliveryView>, StoreError> {
        let filter = Arc::new(filter);
        self.read(move |tx| {
            let filter = Arc::clone(&filter);
            Box::pin(async move { view::views(tx, &filter).await })
        })
        .await
    }

    /// How many deliveries are pending and how many are parked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivery_counts(&self) -> Result<(u64, u64), StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let count = async |sql| {
                    let row = tx.query_opt(sql, &[]).await?;
                    row.map_or(Ok(0), |row| row.int(0)).map(i64::unsigned_abs)
                };
                let pending = count("SELECT COUNT(*) FROM webhook WHERE status = 'PENDING'");
                let dead = count("SELECT COUNT(*) FROM webhook WHERE status = 'DEAD'");
                Ok((pending.await?, dead.await?))
            })
        })
        .await
    }
}

/// What names a claimed delivery and proves its lease.
#[derive(Clone, Copy)]
struct Claimed {
    enterprise_id: EnterpriseId,
    webhook_id: WebhookId,
    leased_until: Timestamp,
    /// The 3DS challenge that the webhook asks a verdict of.
    challenge_id: Option<ChallengeId>,
    /// Whether the body is wiped once it is of no more use (contract section 5, Mail).
    is_wiped_after: bool,
}

impl Claimed {
    fn of(delivery: &Delivery) -> Self {
        let event = &delivery.event;
        let is_app_challenge = event.webhook_type == WebhookType::VmCard3ds;
        let asks = is_app_challenge
            || (event.webhook_type == WebhookType::Authorisation3dsChallenge
                && event.sub_type == WebhookSubType::Create);
        Self {
            challenge_id: asks.then(|| ChallengeId::from_i64(event.business_id)),
            enterprise_id: delivery.event.enterprise_id,
            webhook_id: delivery.event.webhook_id,
            leased_until: delivery.leased_until,
            is_wiped_after: is_app_challenge,
        }
    }
}

/// Ends a lease with what came of the try; false, and nothing written, if it was lost.
async fn finish(
    tx: &Tx,
    claimed: Claimed,
    attempt: &Attempt,
    outcome: AttemptOutcome,
) -> Result<bool, StoreError> {
    let (status, next_attempt_at) = match outcome {
        AttemptOutcome::Delivered => (DeliveryStatus::Delivered, None),
        AttemptOutcome::RetryAt(at) => (DeliveryStatus::Pending, Some(at)),
        AttemptOutcome::Dead => (DeliveryStatus::Dead, None),
    };
    let settle = "UPDATE webhook SET status = $1, tries = tries + 1, leased_until = NULL, \
        next_attempt_at = COALESCE($2, next_attempt_at) WHERE enterprise_id = $3 \
        AND webhook_id = $4 AND status = 'PENDING' AND leased_until = $5";
    let params = [
        status.as_str().into(),
        next_attempt_at.into(),
        claimed.enterprise_id.into(),
        claimed.webhook_id.into(),
        claimed.leased_until.into(),
    ];
    if tx.execute(settle, &params).await? == 0 {
        return Ok(false);
    }
    let record = "INSERT INTO webhook_attempt (enterprise_id, webhook_id, attempt, attempted_at, \
        status, latency_ms, excerpt) SELECT $1, $2, COALESCE(MAX(attempt), 0) + 1, $3, $4, $5, $6 \
        FROM webhook_attempt WHERE enterprise_id = $1 AND webhook_id = $2";
    let params: [Value; 6] = [
        claimed.enterprise_id.into(),
        claimed.webhook_id.into(),
        attempt.at.into(),
        attempt.status.into(),
        attempt.latency_ms.into(),
        (&attempt.excerpt).into(),
    ];
    tx.execute(record, &params).await?;
    let is_over = !matches!(outcome, AttemptOutcome::RetryAt(_));
    if claimed.is_wiped_after && is_over {
        let wipe = "UPDATE webhook SET body = $1 WHERE enterprise_id = $2 AND webhook_id = $3";
        let empty: &[u8] = &[];
        let params = [empty.into(), claimed.enterprise_id.into(), claimed.webhook_id.into()];
        tx.execute(wipe, &params).await?;
    }
    if let (AttemptOutcome::Delivered, Some(challenge_id)) = (outcome, claimed.challenge_id) {
        acknowledge(tx, claimed.enterprise_id, challenge_id, attempt.at).await?;
    }
    Ok(true)
}
