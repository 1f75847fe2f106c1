//! Plain records of the store; a test adds what it needs by struct update.

use std::sync::Arc;

use domain::{
    CardOrder, CardProfile, Customer, CustomerId, Enterprise, EnterpriseId, JobId, OrderId,
    ProfileId, Timestamp, WebhookEvent,
};
use store::{CustomerDraft, Job, JobKind, PlaceOrder, PlatformKey, Store};
use vault::{MasterKey, Vault};

/// A vault under a master key that all tests share.
#[must_use]
pub fn vault(random: Arc<dyn domain::Random>) -> Arc<Vault> {
    let key = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
    Arc::new(Vault::new(key, random))
}

/// An enterprise without URLs and keys.
#[must_use]
pub fn enterprise(enterprise_id: EnterpriseId, created_at: Timestamp) -> Enterprise {
    Enterprise::new(enterprise_id, "Acme".to_owned(), created_at)
}

/// A platform key of an enterprise that opens nothing.
#[must_use]
pub fn platform_key(enterprise_id: EnterpriseId, created_at: Timestamp) -> PlatformKey {
    PlatformKey {
        enterprise_id,
        version: 1,
        sealed_private_key: vec![1],
        public_key: vec![2],
        created_at,
    }
}

/// A profile of an enterprise in USD, without limits, layouts and countries.
#[must_use]
pub fn profile(
    enterprise_id: EnterpriseId,
    profile_id: ProfileId,
    created_at: Timestamp,
) -> CardProfile {
    let bin_range = "41111100-41111199".parse().unwrap();
    CardProfile::visa_usd(enterprise_id, profile_id, "plain".to_owned(), bin_range, created_at)
}

/// The arguments that place an order for a virtual card, for a new customer of the same number,
/// with `event` for the outbox.
#[must_use]
pub fn placing(
    store: &Store,
    enterprise_id: EnterpriseId,
    profile_id: ProfileId,
    number: i64,
    event: Arc<dyn Fn(&CardOrder) -> WebhookEvent + Send + Sync>,
) -> PlaceOrder {
    let now = store.clock().now();
    let customer_id = CustomerId::from_i64(number);
    let job_id = JobId::from_i64(store.ids().next());
    let (order_id, reference) = (OrderId::from_i64(number), format!("ord-{number}"));
    PlaceOrder {
        order: CardOrder::pending(enterprise_id, order_id, reference, profile_id, customer_id, now),
        customer: CustomerDraft::Data(Customer {
            enterprise_id,
            customer_id,
            customer_ref: None,
            email: Some(format!("{number}@example.com")),
            phone: None,
            phone_country_code: None,
            created_at: now,
            modified_at: now,
        }),
        sealed_application: vec![1],
        job: Job::new(enterprise_id, job_id, JobKind::OrderStep, number, now),
        event,
    }
}
