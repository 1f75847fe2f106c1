//! Card orders: taken in, and moved on one commit a step.

use std::sync::Arc;

use domain::{
    Card, CardOrder, Customer, CustomerId, EnterpriseId, OrderId, OrderStatus, WebhookEvent,
};
use thiserror::Error;

use crate::{Job, PanRecord, Store, StoreError};

/// The cardholder that an order names: found again or created in the order's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerDraft {
    /// An existing customer, named by id.
    Existing(CustomerId),
    /// Data from which a customer is found or created by the rule of
    /// cardbridge-open-api.md section 14, U22. `customer_id` is used if it is new.
    Data(Customer),
}

/// A new order.
#[derive(Clone)]
pub struct PlaceOrder {
    /// The order as PENDING; its `customer_id` is replaced by the customer's found or created.
    pub order: CardOrder,
    /// The cardholder.
    pub customer: CustomerDraft,
    /// The application's personal data, sealed by the vault under the order's id.
    pub sealed_application: Vec<u8>,
    /// The job that will move it on.
    pub job: Job,
    /// Makes the webhook that tells of the order as it was stored.
    pub event: Arc<dyn Fn(&CardOrder) -> WebhookEvent + Send + Sync>,
}

/// Why an order was not taken in.
#[derive(Debug, Clone, Error)]
pub enum PlaceOrderError {
    /// The reference is used.
    #[error("card order reference already used")]
    RefTaken,
    /// Another customer has this e-mail.
    #[error("e-mail already used")]
    EmailTaken,
    /// Another customer has this phone.
    #[error("phone already used")]
    PhoneTaken,
    /// The customer reference names a customer with other data.
    #[error("customer reference already used")]
    CustomerRefTaken,
    /// No such customer.
    #[error("customer not found")]
    CustomerNotFound,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
    /// The order as it shall be.
    pub order: CardOrder,
    /// The state it must be in now, else nothing happens.
    pub expected_status: OrderStatus,
    /// The job, leased by the caller; deleted once the order is final or waits for something
    /// else than time, else due again at `next_due_at`.
    pub job: Job,
    /// When the next step is due.
    pub next_due_at: Option<domain::Timestamp>,
    /// The card that this step issues.
    pub issued: Option<IssuedCard>,
    /// The webhooks that tell of it, in order.
    pub events: Vec<WebhookEvent>,
}

/// What became of a step.
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
    ///
    /// # Errors
    /// [`PlaceOrderError`].
    pub async fn place_order(&self, request: PlaceOrder) -> Result<CardOrder, PlaceOrderError> {
        let _ = request;
        todo!()
    }

    /// An order of an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order(
        &self,
        enterprise_id: EnterpriseId,
        order_id: OrderId,
    ) -> Result<Option<CardOrder>, StoreError> {
        let _ = (enterprise_id, order_id);
        todo!()
    }

    /// An order of an enterprise by the caller's own reference.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_by_ref(
        &self,
        enterprise_id: EnterpriseId,
        card_order_ref: &str,
    ) -> Result<Option<CardOrder>, StoreError> {
        let _ = (enterprise_id, card_order_ref);
        todo!()
    }

    /// The sealed application of an order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn order_application(
        &self,
        enterprise_id: EnterpriseId,
        order_id: OrderId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let _ = (enterprise_id, order_id);
        todo!()
    }

    /// Moves an order on: order, job, card, PAN and webhooks in one commit. The sealed
    /// application is wiped once the order is final.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn advance_order(&self, step: OrderStep) -> Result<OrderStepOutcome, StoreError> {
        let _ = step;
        todo!()
    }
}
