//! KYC tickets: taken in, decided once, and read.

use domain::{
    CustomerId, EnterpriseId, KycEvent, KycTicket, KycTicketId, KycTicketStatus,
    KycTransitionError, Timestamp,
};
use thiserror::Error;

use crate::engine::{Tx, Value, with};
use crate::jobs::{end_jobs, insert_job};
use crate::records::{Referenced, select, sql};
use crate::waiting::wake_orders_of;
use crate::{Job, JobKind, Store, StoreError};

/// A new KYC ticket.
#[derive(Clone)]
pub struct PlaceKycTicket {
    /// The ticket.
    pub ticket: KycTicket,
    /// The customer's data, sealed by the vault under the ticket's id.
    pub sealed_form: Option<Vec<u8>>,
    /// The job that will decide it.
    pub job: Option<Job>,
}

/// An error of taking in a ticket.
#[derive(Debug, Clone, Error)]
pub enum PlaceTicketError {
    /// The reference is used.
    #[error("ticket reference already used")]
    RefTaken,
    /// Another ticket about the same is still open.
    #[error("another ticket is still open")]
    Ongoing,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

crate::error::over_store!(PlaceTicketError);

/// A change to a KYC ticket.
#[derive(Clone)]
pub struct KycChange {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The ticket.
    pub kyc_ticket_id: KycTicketId,
    /// The event.
    pub event: KycEvent,
    /// The customer's data, if it comes with the event.
    pub sealed_form: Option<Vec<u8>>,
    /// The job that will decide it, if any.
    pub job: Option<Job>,
    /// Business time.
    pub now: Timestamp,
}

/// An error of [`Store::change_kyc_ticket`].
#[derive(Debug, Clone, Error)]
pub enum KycChangeError {
    /// No such ticket.
    #[error("KYC ticket not found")]
    NotFound,
    /// Its state does not allow it.
    #[error(transparent)]
    Transition(#[from] KycTransitionError),
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Takes in a KYC ticket. Checked in this order: reference, another open ticket of the
    /// customer.
    pub async fn place_kyc_ticket(&self, request: PlaceKycTicket) -> Result<(), PlaceTicketError> {
        self.write_past_races(with(request, place)).await?;
        self.wake_workers(&[JobKind::KycDecision]);
        Ok(())
    }

    /// The newest KYC ticket of a customer.
    pub async fn newest_kyc_ticket(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: CustomerId,
    ) -> Result<Option<KycTicket>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND customer_id = $2 \
             ORDER BY kyc_ticket_id DESC LIMIT 1",
            select::<KycTicket>()
        );
        self.one(sql, [enterprise_id.into(), customer_id.into()]).await
    }

    /// The sealed data of a KYC ticket's customer; None before the data came, and after a refusal.
    pub async fn kyc_form(
        &self,
        enterprise_id: EnterpriseId,
        kyc_ticket_id: KycTicketId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed_form FROM kyc_ticket \
            WHERE enterprise_id = $1 AND kyc_ticket_id = $2";
        Ok(self.one(sql, [enterprise_id.into(), kyc_ticket_id.into()]).await?.flatten())
    }

    /// Changes a KYC ticket. A final state ends its job, wakes the orders that wait for it, and
    /// wipes a refused customer's data, all in one commit.
    pub async fn change_kyc_ticket(&self, change: KycChange) -> Result<KycTicket, KycChangeError> {
        let ticket = self.write_kept(with(change, apply)).await?;
        self.wake_workers(&[JobKind::KycDecision, JobKind::OrderStep]);
        Ok(ticket)
    }
}

/// Checks that no ticket has this reference, and that no ticket about the same is open: the query
/// `open`, with the parameters `about`, finds the reference of such a ticket.
pub(crate) async fn check_new<R: Referenced>(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    reference: &str,
    open: &str,
    about: &[Value],
) -> Result<(), PlaceTicketError> {
    if tx.by_ref::<R>(enterprise_id, reference).await?.is_some() {
        return Err(PlaceTicketError::RefTaken);
    }
    match tx.one::<String>(open, about).await? {
        // The ticket may have been added after the query for the reference.
        Some(open) if open == reference => Err(PlaceTicketError::RefTaken),
        Some(_) => Err(PlaceTicketError::Ongoing),
        None => Ok(()),
    }
}

async fn place(tx: &Tx, request: &PlaceKycTicket) -> Result<(), PlaceTicketError> {
    let ticket = &request.ticket;
    let open = "SELECT kyc_ticket_ref FROM kyc_ticket WHERE enterprise_id = $1 \
        AND customer_id = $2 AND status IN ('INIT', 'PENDING')";
    let about = [ticket.enterprise_id.into(), ticket.customer_id.into()];
    let reference = &ticket.kyc_ticket_ref;
    check_new::<KycTicket>(tx, ticket.enterprise_id, reference, open, &about).await?;
    let sealed_form = request.sealed_form.as_deref().into();
    tx.insert_with(ticket, &[("sealed_form", sealed_form)]).await?;
    insert_job(tx, request.job.as_ref()).await?;
    Ok(())
}

async fn apply(tx: &Tx, change: &KycChange) -> Result<KycTicket, KycChangeError> {
    let owner = change.enterprise_id;
    let found = tx.by_key_locked::<KycTicket>((owner, change.kyc_ticket_id)).await?;
    let next = found.ok_or(KycChangeError::NotFound)?.after(change.event.clone(), change.now)?;
    tx.update(&next).await?;
    if change.sealed_form.is_some() || next.status == KycTicketStatus::Refuse {
        let form = change.sealed_form.as_deref().filter(|_| !next.status.is_final());
        let sql = "UPDATE kyc_ticket SET sealed_form = $3 \
            WHERE enterprise_id = $1 AND kyc_ticket_id = $2";
        tx.execute(sql, &[owner.into(), change.kyc_ticket_id.into(), form.into()]).await?;
    }
    if next.status.is_final() {
        end_jobs(tx, next.enterprise_id, JobKind::KycDecision, next.kyc_ticket_id.as_i64()).await?;
        wake_orders_of(tx, &next, change.now).await?;
    } else {
        insert_job(tx, change.job.as_ref()).await?;
    }
    Ok(next)
}
