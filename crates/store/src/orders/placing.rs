//! A request for a new order, and the reasons to refuse it.

use std::sync::Arc;

use domain::{CardOrder, Customer, CustomerId, KycTicketId, WebhookEvent};
use thiserror::Error;

use crate::StoreError;
use crate::jobs::Job;

/// The cardholder that an order names: found or created in the order's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerDraft {
    /// An existing customer, named by id.
    Existing(CustomerId),
    /// An existing customer, whose identity a KYC ticket proves: the order waits for it.
    Identified {
        /// The customer.
        customer_id: CustomerId,
        /// A ticket of that customer.
        kyc_ticket_id: KycTicketId,
    },
    /// Data from which a customer is found or created by the rule of cardbridge-open-api.md section
    /// 14, U22. Its `customer_id` is used for a new customer.
    Data(Customer),
}

impl CustomerDraft {
    pub(crate) const fn kyc_ticket_id(&self) -> Option<KycTicketId> {
        match self {
            Self::Identified { kyc_ticket_id, .. } => Some(*kyc_ticket_id),
            Self::Existing(_) | Self::Data(_) => None,
        }
    }
}

/// A new order.
#[derive(Clone)]
pub struct PlaceOrder {
    /// The order as PENDING; its `customer_id` is replaced by that of the customer found or
    /// created.
    pub order: CardOrder,
    /// The cardholder.
    pub customer: CustomerDraft,
    /// The application's personal data, sealed by the vault under the order's id.
    pub sealed_application: Vec<u8>,
    /// The job that will move it on.
    pub job: Job,
    /// Makes the webhook that reports the order as it was stored.
    pub event: Arc<dyn Fn(&CardOrder) -> WebhookEvent + Send + Sync>,
}

/// An error of [`crate::Store::place_order`].
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

crate::error::over_store!(PlaceOrderError);
