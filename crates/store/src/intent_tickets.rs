//! Intent tickets: taken in, decided once together with their subject, and read.

use std::sync::Arc;

use domain::{
    CardOrder, EnterpriseId, IntentEvent, IntentSubject, IntentTicket, IntentTicketId,
    IntentTicketStatus, IntentTransitionError, OrderFailure, Timestamp, WebhookEvent,
};
use thiserror::Error;

use crate::engine::{Tx, with};
use crate::jobs::{end_jobs, insert_job};
use crate::kyc_tickets::check_new;
use crate::outbox::insert_events;
use crate::waiting::{fail_edd_order, grant_edd_order};
use crate::{Job, JobKind, PlaceTicketError, Store, StoreError};

/// Makes the webhook of a ticket as it stands.
type TellTicket = Arc<dyn Fn(&IntentTicket) -> WebhookEvent + Send + Sync>;

/// A new intent ticket.
#[derive(Clone)]
pub struct PlaceIntentTicket {
    /// The ticket.
    pub ticket: IntentTicket,
    /// The evidence, sealed by the vault under the ticket's id.
    pub sealed_evidence: Vec<u8>,
    /// The job that will move it on.
    pub job: Job,
    /// The webhook that reports it.
    pub event: WebhookEvent,
}

/// A change to an intent ticket.
#[derive(Clone)]
pub struct IntentChange {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The ticket.
    pub ticket_id: IntentTicketId,
    /// The event.
    pub event: IntentEvent,
    /// The reviewer's reason.
    pub reason: Option<String>,
    /// The moment of the next step of the order that waited, if it goes on.
    pub order_due_at: Timestamp,
    /// The failure of the order that waited, if it fails.
    pub failure: OrderFailure,
    /// Makes the webhook of each state.
    pub tell_ticket: TellTicket,
    /// Makes the webhook of the order that waited.
    pub tell_order: Arc<dyn Fn(&CardOrder) -> WebhookEvent + Send + Sync>,
    /// Business time.
    pub now: Timestamp,
}

/// An error of [`Store::change_intent_ticket`].
#[derive(Debug, Clone, Error)]
pub enum IntentChangeError {
    /// No such ticket.
    #[error("intent ticket not found")]
    NotFound,
    /// Its state does not allow it.
    #[error(transparent)]
    Transition(#[from] IntentTransitionError),
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes in an intent ticket, its job and its webhook in one commit. Checked in this
    /// order: reference, another open ticket about the same.
    pub async fn place_intent_ticket(
        &self,
        request: PlaceIntentTicket,
    ) -> Result<(), PlaceTicketError> {
        self.write_past_races(with(request, place)).await?;
        self.wake_outbox_and(&[JobKind::IntentTicketStep]);
        Ok(())
    }

    /// Changes an intent ticket and reports each state it passes. A final state ends its job, wipes
    /// its evidence, and moves on or fails the order that waits for it, all in one commit.
    pub async fn change_intent_ticket(
        &self,
        change: IntentChange,
    ) -> Result<IntentTicket, IntentChangeError> {
        let ticket = self.write_kept(with(change, apply)).await?;
        self.wake_outbox_and(&[JobKind::IntentTicketStep, JobKind::OrderStep]);
        Ok(ticket)
    }
}

async fn place(tx: &Tx, request: &PlaceIntentTicket) -> Result<(), PlaceTicketError> {
    let ticket = &request.ticket;
    let open = "SELECT ticket_ref FROM intent_ticket WHERE enterprise_id = $1 \
        AND business_id = $2 AND status IN ('INIT', 'SUBMIT_COMPETED', 'CHECK_PASS')";
    let about = [ticket.enterprise_id.into(), ticket.subject.business_id().into()];
    let reference = &ticket.ticket_ref;
    check_new::<IntentTicket>(tx, ticket.enterprise_id, reference, open, &about).await?;
    let sealed_evidence = request.sealed_evidence.as_slice().into();
    tx.insert_with(ticket, &[("sealed_evidence", sealed_evidence)]).await?;
    insert_job(tx, Some(&request.job)).await?;
    insert_events(tx, std::slice::from_ref(&request.event)).await?;
    Ok(())
}

async fn apply(tx: &Tx, change: &IntentChange) -> Result<IntentTicket, IntentChangeError> {
    let key = (change.enterprise_id, change.ticket_id);
    let found = tx.by_key_locked::<IntentTicket>(key).await?;
    let mut ticket = found.ok_or(IntentChangeError::NotFound)?;
    let path = ticket.status.path(change.event)?;
    ticket.modified_at = change.now;
    if change.reason.is_some() {
        ticket.reason.clone_from(&change.reason);
    }
    let mut events = Vec::with_capacity(path.len() + 1);
    for status in path {
        ticket.status = *status;
        events.push((change.tell_ticket)(&ticket));
    }
    tx.update(&ticket).await?;
    // Its job is over in any case: evidence is completed once.
    let (kind, subject) = (JobKind::IntentTicketStep, ticket.ticket_id.as_i64());
    end_jobs(tx, ticket.enterprise_id, kind, subject).await?;
    if ticket.status.is_final() {
        let wipe = "UPDATE intent_ticket SET sealed_evidence = NULL \
            WHERE enterprise_id = $1 AND ticket_id = $2";
        tx.execute(wipe, &[key.0.into(), key.1.into()]).await?;
        events.extend(settle_order(tx, change, &ticket).await?);
    }
    insert_events(tx, &events).await?;
    Ok(ticket)
}

/// Applies the decision to an order that waits for it; returns the order's webhook, if one waits.
async fn settle_order(
    tx: &Tx,
    change: &IntentChange,
    ticket: &IntentTicket,
) -> Result<Option<WebhookEvent>, StoreError> {
    let IntentSubject::Order(order_id) = ticket.subject else { return Ok(None) };
    let enterprise_id = ticket.enterprise_id;
    let order = if ticket.status == IntentTicketStatus::Succeed {
        grant_edd_order(tx, enterprise_id, order_id, change.now, change.order_due_at).await?
    } else {
        fail_edd_order(tx, enterprise_id, order_id, change.now, &change.failure).await?
    };
    Ok(order.as_ref().map(|order| (change.tell_order)(order)))
}
