//! Takes webhooks from the outbox and delivers them.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::{Destination, Timestamp};
use futures_util::FutureExt as _;
use outbound::Outbound;
use schedule::{Boxed, Worker};
use store::{Attempt, AttemptOutcome, Delivery, Store, StoreError};
use tokio::time::Instant;
use vault::Vault;

use crate::attempt::{Tried, attempt};
use crate::deliveries_in_flight::{DeliveriesInFlight, Place, QUICK, Response};
use crate::receiver::{Receiver, Receivers};
use crate::retry;

/// Longest time that a worker may hold a delivery, in milliseconds of real time
/// (operator-and-sandbox.md section 5): longer than a try may take.
const LEASE_MS: i64 = 10_000;
/// The time for which changes are gathered before the outbox is checked again, so one claim takes
/// several webhooks when there are many.
const GATHERING: Duration = Duration::from_millis(20);
/// Number of destinations that one claim considers.
const MAX_LOOKED_AT: u32 = 256;
/// Claims in a row, after which others get their turn.
const MAX_CLAIMS: u32 = 16;
/// Tries by outcome.
const ATTEMPTS_COUNTER: &str = "cardbridge_webhook_attempts_total";

/// Delivers webhooks: leases them, sends them to the destination's current URL, and records each
/// try. Success is exactly HTTP 200 or, from an app of dialect 2, any 2xx with `code` 0 in its
/// body; [`crate::RETRY_DELAYS_S`] defines what follows a failure.
pub struct WebhookWorker {
    shared: Arc<Shared>,
    under_way: Arc<DeliveriesInFlight>,
}

impl WebhookWorker {
    /// A worker over this store's outbox. Several may run concurrently.
    #[must_use]
    pub fn new(store: Store, vault: Arc<Vault>, outbound: Outbound) -> Self {
        let receivers = Receivers::new(store.clone(), vault);
        Self {
            shared: Arc::new(Shared { store, receivers, outbound }),
            under_way: DeliveriesInFlight::new(),
        }
    }

    /// Starts one claim's deliveries; each destination's settings are read once. If they cannot be
    /// read, only that destination's webhooks wait until their lease ends.
    async fn start(&self, claimed: Vec<Delivery>) {
        let mut by_destination: HashMap<Destination, Vec<Delivery>> = HashMap::new();
        for delivery in claimed {
            by_destination.entry(delivery.event.destination()).or_default().push(delivery);
        }
        for (destination, deliveries) in by_destination {
            let receiver = match self.shared.receivers.find(destination).await {
                Ok(receiver) => Arc::new(receiver),
                Err(error) => {
                    let Destination { enterprise_id, vm_app_id } = destination;
                    let vm_app_id = vm_app_id.map(tracing::field::display);
                    tracing::error!(
                        %enterprise_id, vm_app_id, %error,
                        "a receiver cannot be read; its webhooks wait"
                    );
                    continue;
                }
            };
            for delivery in deliveries {
                let place = self.under_way.enter(destination);
                let (shared, receiver) = (Arc::clone(&self.shared), Arc::clone(&receiver));
                tokio::spawn(async move { shared.deliver_in(place, &delivery, &receiver).await });
            }
        }
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
            for _ in 0..MAX_CLAIMS {
                let store = &self.shared.store;
                let due = store.due_destinations(now, MAX_LOOKED_AT).await?;
                let are_all = due.len() < MAX_LOOKED_AT as usize;
                let grants = self.under_way.grants(due);
                if grants.is_empty() {
                    break;
                }
                let claimed = store.claim_deliveries(now, LEASE_MS, grants).await?;
                let count = claimed.len();
                self.start(claimed).await;
                started += count;
                if count == 0 || are_all {
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
            // A finished delivery may release the next one of its object.
            tokio::select! {
                () = self.shared.store.outbox_changed().notified() => {}
                () = self.under_way.finished() => {}
            }
            tokio::time::sleep(GATHERING).await;
            // Whatever changed meanwhile is seen by the look that follows.
            self.shared.store.outbox_changed().notified().now_or_never();
            self.under_way.finished().now_or_never();
        })
    }
}

struct Shared {
    store: Store,
    receivers: Receivers,
    outbound: Outbound,
}

impl Shared {
    /// Delivers, and reports to the place whether it takes long and how the destination responded.
    async fn deliver_in(&self, mut place: Place, delivery: &Delivery, receiver: &Receiver) {
        let began = Instant::now();
        let mut delivered = pin!(self.deliver(delivery, receiver));
        let is_answered = loop {
            tokio::select! {
                is_answered = delivered.as_mut() => break is_answered,
                () = tokio::time::sleep(QUICK) => place.is_overdue(),
            }
        };
        match is_answered {
            Some(true) if began.elapsed() <= QUICK => place.took(Response::Quick),
            Some(true) => place.took(Response::Slow),
            Some(false) => place.took(Response::Silent),
            None => {}
        }
    }

    /// True if the destination answered; `None` if nothing was sent.
    async fn deliver(&self, delivery: &Delivery, receiver: &Receiver) -> Option<bool> {
        let webhook_id = delivery.event.webhook_id;
        let Some(url) = &receiver.url else {
            // The URL was cleared after the claim: the webhook is kept until one is set, and is due
            // again once its lease ends.
            tracing::debug!(%webhook_id, "no webhook URL any more");
            return None;
        };
        let clock = self.store.clock();
        let tried = match self.receivers.clear_body(&delivery.event) {
            Ok(body) => {
                let body = Bytes::from_owner(body);
                attempt(&self.outbound, clock, delivery, body, url.expose(), receiver).await
            }
            Err(error) => {
                tracing::error!(%webhook_id, %error, "the body of a webhook stays sealed");
                Tried::not_sent(clock, "not sent: the sealed body cannot be opened")
            }
        };
        let Tried { attempt, is_acknowledged, is_sent } = tried;
        let is_answered = is_sent.then_some(attempt.status.is_some());
        let outcome = retry::outcome(is_acknowledged, delivery.tries, clock.now());
        metrics::counter!(ATTEMPTS_COUNTER, "outcome" => retry::name(outcome)).increment(1);
        tell(delivery, &attempt, outcome);
        match self.store.finish_attempt(delivery, attempt, outcome).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(%webhook_id, "the lease of a delivery was lost"),
            Err(error) => {
                tracing::error!(%webhook_id, %error, "a try was not recorded; it will be repeated");
            }
        }
        is_answered
    }
}

fn tell(delivery: &Delivery, attempt: &Attempt, outcome: AttemptOutcome) {
    let (webhook_id, enterprise_id) = (delivery.event.webhook_id, delivery.event.enterprise_id);
    let Attempt { status, latency_ms, refusal, .. } = attempt;
    let refusal = refusal.as_deref();
    match outcome {
        AttemptOutcome::Delivered => {
            tracing::debug!(%webhook_id, %enterprise_id, latency_ms, "webhook delivered");
        }
        AttemptOutcome::RetryAt(at) => {
            tracing::info!(
                %webhook_id, %enterprise_id, status, refusal, latency_ms, %at,
                "webhook failed; will be tried again"
            );
        }
        AttemptOutcome::Dead => {
            tracing::warn!(
                %webhook_id, %enterprise_id, status, refusal, latency_ms,
                "webhook failed for the last time; parked"
            );
        }
    }
}
