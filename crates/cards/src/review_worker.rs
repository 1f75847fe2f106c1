//! Moves tickets on: leased jobs, one commit each.

use std::sync::Arc;

use domain::{EnterpriseId, ErrorCode, IntentTicketId, KycEvent, KycTicketId, Timestamp};
use schedule::{Boxed, Worker};
use store::{Job, JobKind, KycChange, KycChangeError, Store, StoreError};
use thiserror::Error;
use tokio::sync::Semaphore;
use vault::Vault;

use crate::kyc::{refusal, road_of};
use crate::{Cards, CardsError, CardsSettings, Ending};

/// How long a worker may hold a job, in milliseconds of real time
/// (operator-and-sandbox.md section 5).
const LEASE_MS: i64 = 10_000;
/// Most jobs under way at once.
const MAX_UNDER_WAY: u32 = 16;
/// Pause of a ticket whose job could not be done.
const RETRY_PAUSE_S: i64 = 5;

/// Why a ticket's job could not be done; the ticket stays as it was.
#[derive(Debug, Error)]
enum ReviewError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Cards(#[from] CardsError),
    #[error("the store has no such {0}")]
    Missing(&'static str),
}

/// Moves tickets on when they are due. One for each kind of job.
pub struct ReviewWorker {
    cards: Arc<Cards>,
    kind: JobKind,
    room: Arc<Semaphore>,
}

impl ReviewWorker {
    /// Plays the reviewer of KYC tickets, in the sandbox.
    #[must_use]
    pub fn of_kyc_tickets(store: Store, vault: Arc<Vault>, settings: CardsSettings) -> Self {
        Self::of(Cards::new(store, vault, settings), JobKind::KycDecision)
    }

    /// Moves intent tickets on that nobody has looked at yet.
    #[must_use]
    pub fn of_intent_tickets(store: Store, vault: Arc<Vault>, settings: CardsSettings) -> Self {
        Self::of(Cards::new(store, vault, settings), JobKind::IntentTicketStep)
    }

    fn of(cards: Cards, kind: JobKind) -> Self {
        let room = Arc::new(Semaphore::new(MAX_UNDER_WAY as usize));
        Self { cards: Arc::new(cards), kind, room }
    }

    fn store(&self) -> &Store {
        &self.cards.store
    }
}

impl Worker for ReviewWorker {
    fn name(&self) -> &'static str {
        match self.kind {
            JobKind::KycDecision => "KYC reviews",
            _ => "intent tickets",
        }
    }

    fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.store().next_job_due(self.kind))
    }

    fn start_due(&self, now: Timestamp) -> Boxed<'_, Result<usize, StoreError>> {
        Box::pin(async move {
            let free = u32::try_from(self.room.available_permits()).unwrap_or(u32::MAX);
            if free == 0 {
                return Ok(0);
            }
            let jobs = self.store().lease_jobs(self.kind, now, LEASE_MS, free).await?;
            let started = jobs.len();
            for job in jobs {
                let permit = Arc::clone(&self.room).acquire_owned().await;
                let cards = Arc::clone(&self.cards);
                tokio::spawn(async move {
                    run(&cards, &job).await;
                    drop(permit);
                });
            }
            Ok(started)
        })
    }

    fn settled(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            // All of the room is free only when nothing is under way.
            drop(self.room.acquire_many(MAX_UNDER_WAY).await);
        })
    }

    fn changed(&self) -> Boxed<'_, ()> {
        Box::pin(self.store().jobs_changed(self.kind).notified())
    }
}

async fn run(cards: &Cards, job: &Job) {
    let ticket_id = job.subject_id;
    let done = match job.kind {
        JobKind::KycDecision => review_kyc(cards, job).await,
        JobKind::IntentTicketStep => complete_intent_ticket(cards, job).await,
        _ => Err(ReviewError::Missing("kind of review")),
    };
    let Err(error) = done else { return };
    tracing::error!(ticket_id, %error, "a ticket's job failed; trying again later");
    let later = cards.store.clock().now().plus_seconds(RETRY_PAUSE_S);
    if let Err(error) = cards.store.postpone_job(job, later).await {
        tracing::error!(ticket_id, %error, "its job stays leased until the lease ends");
    }
}

/// The sandbox's reviewer goes by the magic words.
async fn review_kyc(cards: &Cards, job: &Job) -> Result<(), ReviewError> {
    let enterprise_id: EnterpriseId = job.enterprise_id;
    let kyc_ticket_id = KycTicketId::from_i64(job.subject_id);
    let ticket = cards.store.kyc_ticket(enterprise_id, kyc_ticket_id).await?;
    let ticket = ticket.ok_or(ReviewError::Missing("KYC ticket"))?;
    let customer = cards.store.customer(enterprise_id, ticket.customer_id).await?;
    let customer = customer.ok_or(ReviewError::Missing("customer"))?;
    let event = match road_of(&ticket, &customer).ending {
        Ending::Fail(
            code @ (ErrorCode::CardOrderKycVerifyFailed | ErrorCode::CardOrderKycInfoInvalid),
        ) => KycEvent::Refuse(refusal(code, None)),
        // The other endings are those of orders.
        Ending::Pass | Ending::Edd | Ending::Fail(_) => KycEvent::Pass,
    };
    let now = cards.store.clock().now();
    let change =
        KycChange { enterprise_id, kyc_ticket_id, event, sealed_form: None, job: None, now };
    match cards.store.change_kyc_ticket(change).await {
        Ok(ticket) => {
            tracing::debug!(%kyc_ticket_id, status = %ticket.status, "KYC ticket decided");
            Ok(())
        }
        // Someone else was faster, and ended the job with it.
        Err(KycChangeError::Transition(_)) => Ok(()),
        Err(KycChangeError::NotFound) => Err(ReviewError::Missing("KYC ticket")),
        Err(KycChangeError::Store(error)) => Err(error.into()),
    }
}

/// The evidence of an intent ticket is looked through.
async fn complete_intent_ticket(cards: &Cards, job: &Job) -> Result<(), ReviewError> {
    let ticket_id = IntentTicketId::from_i64(job.subject_id);
    let ticket = cards.store.intent_ticket(job.enterprise_id, ticket_id).await?;
    let ticket = ticket.ok_or(ReviewError::Missing("intent ticket"))?;
    match cards.complete_intent_ticket(&ticket).await {
        Ok(ticket) => {
            tracing::debug!(%ticket_id, status = %ticket.status, "intent ticket moved on");
            Ok(())
        }
        // Someone else was faster, and ended the job with it.
        Err(CardsError::IntentTransition(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
