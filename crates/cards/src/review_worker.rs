//! Moves tickets on: leased jobs, one commit each.

use std::sync::Arc;

use domain::{
    Customer, EnterpriseId, ErrorCode, IntentTicket, IntentTicketId, KycEvent, KycTicket,
    KycTicketId,
};
use schedule::LeasedJobs;
use store::{Job, JobKind, KycChange, KycChangeError, Store, StoreError};
use thiserror::Error;
use vault::Vault;

use crate::kyc::{refusal, scenario_of};
use crate::{Cards, CardsError, CardsSettings, OrderOutcome};

/// Most jobs under way at a time.
const MAX_UNDER_WAY: u32 = 16;

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

/// Plays the reviewer of KYC tickets, in the sandbox.
#[must_use]
pub fn kyc_review_worker(store: Store, vault: Arc<Vault>, settings: CardsSettings) -> LeasedJobs {
    let cards = Arc::new(Cards::new(store.clone(), vault, settings));
    LeasedJobs::new(store, ("KYC reviews", JobKind::KycDecision), MAX_UNDER_WAY, move |job| {
        let cards = Arc::clone(&cards);
        Box::pin(async move { Ok(review_kyc(&cards, &job).await?) })
    })
}

/// Moves on intent tickets that nobody has looked at yet.
#[must_use]
pub fn intent_ticket_worker(
    store: Store,
    vault: Arc<Vault>,
    settings: CardsSettings,
) -> LeasedJobs {
    let cards = Arc::new(Cards::new(store.clone(), vault, settings));
    let kind = ("intent tickets", JobKind::IntentTicketStep);
    LeasedJobs::new(store, kind, MAX_UNDER_WAY, move |job| {
        let cards = Arc::clone(&cards);
        Box::pin(async move { Ok(complete_intent_ticket(&cards, &job).await?) })
    })
}

/// The sandbox's reviewer follows the magic words.
async fn review_kyc(cards: &Cards, job: &Job) -> Result<(), ReviewError> {
    let enterprise_id: EnterpriseId = job.enterprise_id;
    let kyc_ticket_id = KycTicketId::from_i64(job.subject_id);
    let ticket = cards.store.find::<KycTicket>((enterprise_id, kyc_ticket_id)).await?;
    let ticket = ticket.ok_or(ReviewError::Missing("KYC ticket"))?;
    let customer = cards.store.find::<Customer>((enterprise_id, ticket.customer_id)).await?;
    let customer = customer.ok_or(ReviewError::Missing("customer"))?;
    let event = match scenario_of(&ticket, &customer).outcome {
        OrderOutcome::Fail(
            code @ (ErrorCode::CardOrderKycVerifyFailed | ErrorCode::CardOrderKycInfoInvalid),
        ) => KycEvent::Refuse(refusal(code, None)),
        // The other outcomes apply to orders only.
        OrderOutcome::Pass | OrderOutcome::Edd | OrderOutcome::Fail(_) => KycEvent::Pass,
    };
    let now = cards.store.clock().now();
    let change =
        KycChange { enterprise_id, kyc_ticket_id, event, sealed_form: None, job: None, now };
    match cards.store.change_kyc_ticket(change).await {
        Ok(ticket) => {
            tracing::debug!(%kyc_ticket_id, status = %ticket.status, "KYC ticket decided");
            Ok(())
        }
        // Somebody else was faster and thereby ended the job.
        Err(KycChangeError::Transition(_)) => Ok(()),
        Err(KycChangeError::NotFound) => Err(ReviewError::Missing("KYC ticket")),
        Err(KycChangeError::Store(error)) => Err(error.into()),
    }
}

/// Looks through the evidence of an intent ticket.
async fn complete_intent_ticket(cards: &Cards, job: &Job) -> Result<(), ReviewError> {
    let ticket_id = IntentTicketId::from_i64(job.subject_id);
    let ticket = cards.store.find::<IntentTicket>((job.enterprise_id, ticket_id)).await?;
    let ticket = ticket.ok_or(ReviewError::Missing("intent ticket"))?;
    match cards.complete_intent_ticket(&ticket).await {
        Ok(ticket) => {
            tracing::debug!(%ticket_id, status = %ticket.status, "intent ticket moved on");
            Ok(())
        }
        // Somebody else was faster and thereby ended the job.
        Err(CardsError::IntentTransition(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
