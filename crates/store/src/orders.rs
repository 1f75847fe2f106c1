//! Card orders: taken in, and moved on one commit a step.

mod placing;

use domain::{Card, CardOrder, EnterpriseId, OrderId, OrderStatus, WebhookEvent};

use crate::customers::settle_customer;
use crate::engine::{Tx, with};
use crate::outbox::insert_events;
use crate::{Job, JobKind, PanRecord, Store, StoreError};

pub use placing::{CustomerDraft, PlaceOrder, PlaceOrderError};

/// A card that an order's last step issues, with its own PAN record.
#[derive(Clone)]
pub struct IssuedCard {
    /// The PAN record.
    pub pan: PanRecord,
    /// The card record.
    pub card: Card,
}

/// One step of an order.
#[derive(Clone)]
pub struct OrderStep {
    /// The order after the step.
    pub order: CardOrder,
    /// The state it must be in now; otherwise nothing happens.
    pub expected_status: OrderStatus,
    /// The job, leased by the caller; deleted once the order is final or waits for something
    /// other than time, otherwise due again at `next_due_at`.
    pub job: Job,
    /// The due time of the next step.
    pub next_due_at: Option<domain::Timestamp>,
    /// The card that this step issues.
    pub issued: Option<IssuedCard>,
    /// The webhooks that report it, in order.
    pub events: Vec<WebhookEvent>,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStepOutcome {
    /// Committed.
    Done,
    /// The order was not in the expected state, or the lease was lost: nothing was written.
    Stale,
    /// The PAN exists already: nothing was written; draw another.
    PanTaken,
}

impl Store {
    /// Takes in an order, its customer, its job and its webhook in one commit. Checked in
    /// this order: reference, customer.
    pub async fn place_order(&self, request: PlaceOrder) -> Result<CardOrder, PlaceOrderError> {
        let order = self.write_past_races(with(request, place)).await?;
        self.wake_outbox_and(&[JobKind::OrderStep]);
        Ok(order)
    }

    /// The sealed application of an order.
    pub async fn order_application(
        &self,
        enterprise_id: EnterpriseId,
        order_id: OrderId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed_application FROM card_order \
            WHERE enterprise_id = $1 AND order_id = $2";
        Ok(self.one(sql, [enterprise_id.into(), order_id.into()]).await?.flatten())
    }

    /// Moves an order on: order, job, card, PAN and webhooks in one commit. The sealed
    /// application is wiped once the order is final.
    pub async fn advance_order(&self, step: OrderStep) -> Result<OrderStepOutcome, StoreError> {
        let outcome = self.write(with(step, advance)).await?;
        if outcome == OrderStepOutcome::Done {
            self.wake_outbox_and(&[JobKind::OrderStep]);
        }
        Ok(outcome)
    }
}

async fn place(tx: &Tx, request: &PlaceOrder) -> Result<CardOrder, PlaceOrderError> {
    let mut order = request.order.clone();
    if tx.by_ref::<CardOrder>(order.enterprise_id, &order.card_order_ref).await?.is_some() {
        return Err(PlaceOrderError::RefTaken);
    }
    order.customer_id = settle_customer(tx, order.enterprise_id, &request.customer).await?;
    let more = [
        ("sealed_application", request.sealed_application.as_slice().into()),
        ("kyc_ticket_id", request.customer.kyc_ticket_id().into()),
    ];
    tx.insert_with(&order, &more).await?;
    tx.insert(&request.job).await?;
    insert_events(tx, &[(request.event)(&order)]).await?;
    Ok(order)
}

/// Writes one step of an order.
pub(crate) async fn advance(tx: &Tx, step: &OrderStep) -> Result<OrderStepOutcome, StoreError> {
    let order = &step.order;
    if !is_current(tx, step).await? {
        return Ok(OrderStepOutcome::Stale);
    }
    if let Some(issued) = &step.issued {
        // First of all, so nothing is written if the PAN is taken.
        if !insert_issued(tx, issued).await? {
            return Ok(OrderStepOutcome::PanTaken);
        }
    }
    write_order(tx, order).await?;
    move_job(tx, step).await?;
    insert_events(tx, &step.events).await?;
    Ok(OrderStepOutcome::Done)
}

/// Writes a card and its PAN record; false, and nothing written, if someone has the PAN.
pub(crate) async fn insert_issued(tx: &Tx, issued: &IssuedCard) -> Result<bool, StoreError> {
    if !claim_fingerprint(tx, &issued.pan).await? {
        return Ok(false);
    }
    tx.insert(&issued.pan).await?;
    tx.insert(&issued.card).await?;
    Ok(true)
}

/// Writes a changed order, and wipes the application of a final one.
pub(crate) async fn write_order(tx: &Tx, order: &CardOrder) -> Result<(), StoreError> {
    tx.update(order).await?;
    if order.status.is_final() {
        let wipe = "UPDATE card_order SET sealed_application = NULL \
            WHERE enterprise_id = $1 AND order_id = $2";
        tx.execute(wipe, &[order.enterprise_id.into(), order.order_id.into()]).await?;
    }
    Ok(())
}

/// True if the caller still holds the lease, and the order is as the caller saw it.
async fn is_current(tx: &Tx, step: &OrderStep) -> Result<bool, StoreError> {
    let job = "SELECT job_id FROM job \
        WHERE enterprise_id = $1 AND job_id = $2 AND leased_until = $3 FOR UPDATE";
    let lease =
        [step.job.enterprise_id.into(), step.job.job_id.into(), step.job.leased_until.into()];
    if !tx.finds(job, &lease).await? {
        return Ok(false);
    }
    let order = "SELECT status FROM card_order \
        WHERE enterprise_id = $1 AND order_id = $2 FOR UPDATE";
    let key = [step.order.enterprise_id.into(), step.order.order_id.into()];
    Ok(tx.one(order, &key).await? == Some(step.expected_status))
}

/// Takes the PAN's fingerprint for its enterprise; false if someone has it.
async fn claim_fingerprint(tx: &Tx, pan: &PanRecord) -> Result<bool, StoreError> {
    let sql = "INSERT INTO pan_fingerprint (fingerprint, enterprise_id, pan_id) \
        VALUES ($1, $2, $3) ON CONFLICT (fingerprint) DO NOTHING";
    let params = [pan.fingerprint.as_slice().into(), pan.enterprise_id.into(), pan.pan_id.into()];
    tx.execute(sql, &params).await.map(|count| count == 1)
}

async fn move_job(tx: &Tx, step: &OrderStep) -> Result<(), StoreError> {
    let key = [step.job.enterprise_id.into(), step.job.job_id.into()];
    match step.next_due_at {
        Some(due_at) if !step.order.status.is_final() => {
            let sql = "UPDATE job SET due_at = $3, attempts = 0, leased_until = NULL \
                WHERE enterprise_id = $1 AND job_id = $2";
            let [enterprise_id, job_id] = key;
            tx.execute(sql, &[enterprise_id, job_id, due_at.into()]).await?;
        }
        _ => {
            let sql = "DELETE FROM job WHERE enterprise_id = $1 AND job_id = $2";
            tx.execute(sql, &key).await?;
        }
    }
    Ok(())
}
