//! Orders that wait for a ticket, not for time: parked without a job, and woken in the commit that
//! decides the ticket.

use domain::{
    CardOrder, EnterpriseId, JobId, KycTicket, KycTicketId, KycTicketStatus, OrderFailure, OrderId,
    OrderStatus, Timestamp,
};

use crate::engine::{Tx, Value, with};
use crate::jobs::{end_jobs, insert_job};
use crate::orders::write_order;
use crate::records::{select, sql};
use crate::{Job, JobKind, Store, StoreError};

impl Store {
    /// The KYC ticket that an order of NORMAL mode waits for.
    pub async fn kyc_ticket_of_order(
        &self,
        enterprise_id: EnterpriseId,
        order_id: OrderId,
    ) -> Result<Option<KycTicket>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND kyc_ticket_id = (SELECT kyc_ticket_id \
             FROM card_order WHERE enterprise_id = $1 AND order_id = $2)",
            select::<KycTicket>()
        );
        self.one(sql, [enterprise_id.into(), order_id.into()]).await
    }

    /// Parks an order until its KYC ticket is decided: ends the job, leased by the caller.
    /// If the ticket was decided meanwhile, the job is given back, due at once.
    pub async fn park_order(
        &self,
        job: &Job,
        kyc_ticket_id: KycTicketId,
    ) -> Result<(), StoreError> {
        let request = (job.clone(), kyc_ticket_id);
        self.write(with(request, async |tx, (job, ticket)| park(tx, job, *ticket).await)).await?;
        self.wake_workers(&[JobKind::OrderStep]);
        Ok(())
    }
}

async fn park(tx: &Tx, job: &Job, kyc_ticket_id: KycTicketId) -> Result<(), StoreError> {
    // The lock holds back a decision that would not yet see that this order waits.
    let ticket = tx.by_key_locked::<KycTicket>((job.enterprise_id, kyc_ticket_id)).await?;
    let is_decided = ticket.is_some_and(|ticket| ticket.status.is_final());
    let key = [job.enterprise_id.into(), job.job_id.into(), job.leased_until.into()];
    let sql = if is_decided {
        "UPDATE job SET leased_until = NULL \
         WHERE enterprise_id = $1 AND job_id = $2 AND leased_until = $3"
    } else {
        "DELETE FROM job WHERE enterprise_id = $1 AND job_id = $2 AND leased_until = $3"
    };
    tx.execute(sql, &key).await.map(drop)
}

/// Makes the orders that wait for a KYC ticket due, even if their job is parked. An order with
/// another job looks at the ticket by itself.
pub(crate) async fn wake_orders_of(
    tx: &Tx,
    ticket: &KycTicket,
    now: Timestamp,
) -> Result<(), StoreError> {
    let parked = "UPDATE job SET due_at = $4, attempts = 0, leased_until = NULL \
        WHERE enterprise_id = $1 AND kind = $3 AND due_at = $6 \
        AND subject_id IN (SELECT order_id FROM card_order \
        WHERE enterprise_id = $1 AND kyc_ticket_id = $2 AND status = $5)";
    // An order has at most one job, so the order's id can be that job's id.
    let missing = "INSERT INTO job \
        (enterprise_id, job_id, kind, subject_id, due_at, attempts, leased_until) \
        SELECT enterprise_id, order_id, $3, order_id, $4, 0, NULL FROM card_order \
        WHERE enterprise_id = $1 AND kyc_ticket_id = $2 AND status = $5 \
        AND NOT EXISTS (SELECT 1 FROM job WHERE job.enterprise_id = card_order.enterprise_id \
        AND job.subject_id = card_order.order_id AND job.kind = $3)";
    let params: [Value; 6] = [
        ticket.enterprise_id.into(),
        ticket.kyc_ticket_id.into(),
        JobKind::OrderStep.as_str().into(),
        now.into(),
        OrderStatus::CustomerPass.as_str().into(),
        Job::PARKED_UNTIL.into(),
    ];
    tx.execute(parked, &params).await?;
    tx.execute(missing, &params[..5]).await.map(drop)
}

/// Accepts the evidence of an order. The order goes on to KYC_PASS; if its KYC ticket was refused,
/// to a step that fails it; if the ticket is still open, it waits on. Returns the changed order;
/// None if it does not wait for evidence.
pub(crate) async fn grant_edd_order(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<Option<CardOrder>, StoreError> {
    let Some((order, kyc)) = waiting_for_evidence(tx, enterprise_id, order_id).await? else {
        return Ok(None);
    };
    let is_identified = kyc.is_none_or(|status| status == KycTicketStatus::Pass);
    let status = if is_identified { OrderStatus::KycPass } else { order.status };
    let order = CardOrder { status, need_edd_file: false, modified_at: now, ..order };
    write_order(tx, &order).await?;
    if kyc.is_none_or(KycTicketStatus::is_final) {
        // A step that is under way loses its lease, so it cannot write.
        end_jobs(tx, enterprise_id, JobKind::OrderStep, order_id.as_i64()).await?;
        let job = Job::new(
            enterprise_id,
            JobId::from_i64(order_id.as_i64()),
            JobKind::OrderStep,
            order_id.as_i64(),
            due_at,
        );
        insert_job(tx, Some(&job)).await?;
    }
    Ok(Some(order))
}

/// Rejects the evidence of an order, which becomes FAILED. Returns the changed order; None if it
/// does not wait for evidence.
pub(crate) async fn fail_edd_order(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
    now: Timestamp,
    failure: &OrderFailure,
) -> Result<Option<CardOrder>, StoreError> {
    let Some((order, _)) = waiting_for_evidence(tx, enterprise_id, order_id).await? else {
        return Ok(None);
    };
    let failure = Some(failure.clone());
    let order = CardOrder { status: OrderStatus::Failed, failure, modified_at: now, ..order };
    write_order(tx, &order).await?;
    end_jobs(tx, enterprise_id, JobKind::OrderStep, order_id.as_i64()).await?;
    Ok(Some(order))
}

/// An order that waits for evidence, and the state of its KYC ticket if it has one; both are locked
/// until the commit.
async fn waiting_for_evidence(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    order_id: OrderId,
) -> Result<Option<(CardOrder, Option<KycTicketStatus>)>, StoreError> {
    let key = (enterprise_id, order_id);
    let Some(order) = tx.by_key_locked::<CardOrder>(key).await? else { return Ok(None) };
    if !order.need_edd_file || order.status != OrderStatus::CustomerPass {
        return Ok(None);
    }
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND kyc_ticket_id = (SELECT kyc_ticket_id FROM card_order \
         WHERE enterprise_id = $1 AND order_id = $2) FOR UPDATE",
        select::<KycTicket>()
    );
    let ticket: Option<KycTicket> = tx.one(sql, &[enterprise_id.into(), order_id.into()]).await?;
    Ok(Some((order, ticket.map(|ticket| ticket.status))))
}
