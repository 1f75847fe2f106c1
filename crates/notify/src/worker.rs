//! Takes webhooks from the outbox and delivers them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use outbound::Outbound;
use schedule::{Boxed, Worker};
use store::{AttemptOutcome, Delivery, Store, StoreError};
use vault::Vault;

use crate::attempt::{Tried, attempt};
use crate::receiver::{Receiver, Receivers};
use crate::retry;
use crate::under_way::UnderWay;

/// How long a worker may hold a delivery, in milliseconds of real time
/// (operator-and-sandbox.md section 5): longer than a try may take.
const LEASE_MS: i64 = 10_000;
/// Changes are gathered this long before the outbox is looked at again, so that one claim
/// takes several webhooks when there are many.
const GATHERING: Duration = Duration::from_millis(20);
/// Tries by outcome.
const ATTEMPTS_COUNTER: &str = "cardbridge_webhook_attempts_total";

/// Delivers webhooks: leases them, sends them to the destination's current URL, and records
/// each try. Success is HTTP 200 and nothing else, from an app of dialect 2 any 2xx with
/// `code` 0 in its body; [`crate::RETRY_DELAYS_S`] says what
/// follows a failure.
pub struct WebhookWorker {
    shared: Arc<Shared>,
    under_way: Arc<UnderWay>,
}

impl WebhookWorker {
    /// A worker over this store's outbox. Several may run at once.
    #[must_use]
    pub fn new(store: Store, vault: Arc<Vault>, outbound: Outbound) -> Self {
        let receivers = Receivers::new(store.clone(), vault);
        Self { shared: Arc::new(Shared { store, receivers, outbound }), under_way: UnderWay::new() }
    }

    /// Starts one claim's deliveries; each destination's settings are read once.
    async fn start(&self, claimed: Vec<Delivery>) -> Result<(), StoreError> {
        let mut receivers: HashMap<_, Arc<Receiver>> = HashMap::new();
        for delivery in claimed {
            let destination = delivery.event.destination();
            let receiver = match receivers.entry(destination) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(unknown) => {
                    let receiver = self.shared.receivers.find(destination).await?;
                    Arc::clone(unknown.insert(Arc::new(receiver)))
                }
            };
            let place = self.under_way.enter(destination).await;
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                shared.deliver(&delivery, &receiver).await;
                drop(place);
            });
        }
        Ok(())
    }
}

impl Worker for WebhookWorker {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.shared.store.next_delivery_due())
    }

    fn start_due(&self, now: Timestamp) -> Boxed<'_, Result<usize, StoreError>> {
        Box::pin(async move {
            let mut started = 0;
            // Ends at the latest when the room is used up.
            while let Some(limit) = self.under_way.claimable() {
                let store = &self.shared.store;
                let full = self.under_way.full();
                let claimed = store.claim_deliveries(now, LEASE_MS, limit, &full).await?;
                let count = claimed.len();
                self.start(claimed).await?;
                started += count;
                if count < limit as usize {
                    break;
                }
            }
            Ok(started)
        })
    }

    fn settled(&self) -> Boxed<'_, ()> {
        Box::pin(self.under_way.settled())
    }

    fn changed(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            // A finished delivery may let its object's next one go.
            tokio::select! {
                () = self.shared.store.outbox_changed().notified() => {}
                () = self.under_way.finished() => {}
            }
            tokio::time::sleep(GATHERING).await;
        })
    }
}

struct Shared {
    store: Store,
    receivers: Receivers,
    outbound: Outbound,
}

impl Shared {
    async fn deliver(&self, delivery: &Delivery, receiver: &Receiver) {
        let webhook_id = delivery.event.webhook_id;
        let Some(url) = &receiver.url else {
            // Cleared since the claim: it is kept until a URL is set, once the lease ends.
            tracing::debug!(%webhook_id, "no webhook URL any more");
            return;
        };
        let clock = self.store.clock();
        let tried = match self.receivers.clear_body(&delivery.event) {
            Ok(body) => {
                let body = Bytes::from_owner(body);
                attempt(&self.outbound, clock, &delivery.event, body, url, receiver).await
            }
            Err(error) => {
                tracing::error!(%webhook_id, %error, "the body of a webhook stays sealed");
                Tried::not_sent(clock, "not sent: the sealed body cannot be opened")
            }
        };
        let attempt = tried.attempt;
        let outcome = retry::outcome(tried.is_acknowledged, delivery.tries, clock.now());
        metrics::counter!(ATTEMPTS_COUNTER, "outcome" => retry::name(outcome)).increment(1);
        tell(delivery, attempt.status, attempt.latency_ms, outcome);
        match self.store.finish_attempt(delivery, attempt, outcome).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(%webhook_id, "the lease of a delivery was lost"),
            Err(error) => {
                tracing::error!(%webhook_id, %error, "a try was not recorded; it will be repeated");
            }
        }
    }
}

fn tell(delivery: &Delivery, status: Option<u16>, latency_ms: u32, outcome: AttemptOutcome) {
    let (webhook_id, enterprise_id) = (delivery.event.webhook_id, delivery.event.enterprise_id);
    match outcome {
        AttemptOutcome::Delivered => {
            tracing::debug!(%webhook_id, %enterprise_id, latency_ms, "webhook delivered");
        }
        AttemptOutcome::RetryAt(at) => {
            tracing::info!(%webhook_id, %enterprise_id, status, latency_ms, %at, "webhook failed; will be tried again");
        }
        AttemptOutcome::Dead => {
            tracing::warn!(%webhook_id, %enterprise_id, status, latency_ms, "webhook failed for the last time; parked");
        }
    }
}
