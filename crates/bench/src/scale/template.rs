//! The records that a filled store copies: an enterprise with its profile, and a card.

use std::sync::Arc;

use anyhow::{Context, Result};
use domain::{
    AccountOwner, Card, CardId, CardOrder, CardProfile, CardStatus, CardStatusReason, CardType,
    Currency, Customer, CustomerId, Enterprise, EnterpriseId, IdGenerator, JobId, Money, OrderId,
    OrderStatus, PanId, ProfileId, SealedUrl, Timestamp, VelocityLimit, VelocityLimits,
    WebhookEvent, WebhookId, WebhookSubType, WebhookType,
};
use store::{
    CustomerDraft, IssuedCard, Job, JobKind, OrderStep, PanRecord, PlaceOrder, PlatformKey, Store,
};

/// The deposit at first, in minor units: more than all runs can hold.
const DEPOSIT_MINOR: i64 = 1_000_000_000_000;

/// The facts that are needed to use a filled store.
pub struct Filled {
    /// The card that the others are copies of. The n-th copy's ids are n larger.
    pub template: Card,
    /// The number of copies.
    pub cards: u32,
}

/// An enterprise with its deposit and profile, and a card that an order issued.
pub async fn card(store: &Store) -> Result<Card> {
    let ids = store.ids();
    let now = store.clock().now();
    let enterprise_id = EnterpriseId::from_i64(ids.next());
    let profile_id = ProfileId::from_i64(ids.next());
    let platform_key = PlatformKey {
        enterprise_id,
        version: 1,
        sealed_private_key: vec![0; 1_300],
        public_key: vec![0; 294],
        created_at: now,
    };
    store.create_enterprise(enterprise(enterprise_id, now), platform_key).await?;
    store.create_profile(profile(enterprise_id, profile_id, now)?).await?;
    let deposit = Money::new(DEPOSIT_MINOR, Currency::USD);
    store.deposit(enterprise_id, deposit, "bench".to_owned(), now).await?;
    let request = order(ids, enterprise_id, profile_id, now);
    let placed = store.place_order(request).await?;
    let leased = store.lease_jobs(JobKind::OrderStep, now, 60_000, 1).await?;
    let job = leased.into_iter().next().context("the order's job")?;
    let issued = issued(ids, &placed, now);
    let card = issued.card.clone();
    let step = OrderStep {
        expected_status: placed.status,
        order: CardOrder { status: OrderStatus::Succeed, ..placed },
        job,
        next_due_at: None,
        issued: Some(issued),
        events: Vec::new(),
    };
    store.advance_order(step).await?;
    Ok(card)
}

fn enterprise(enterprise_id: EnterpriseId, now: Timestamp) -> Enterprise {
    Enterprise {
        webhook_url: Some(SealedUrl::from_sealed(vec![0; 64])),
        auth_url: Some(SealedUrl::from_sealed(vec![0; 64])),
        external_public_key: Some(vec![0; 294]),
        ..Enterprise::new(enterprise_id, "Bench".to_owned(), now)
    }
}

/// Its limits are never reached, but must be counted.
fn profile(
    enterprise_id: EnterpriseId,
    profile_id: ProfileId,
    now: Timestamp,
) -> Result<CardProfile> {
    let limit = VelocityLimit { amount_minor: Some(DEPOSIT_MINOR), count: Some(DEPOSIT_MINOR) };
    let (name, bin_range) = ("Bench".to_owned(), "41111100".parse()?);
    Ok(CardProfile {
        limits: VelocityLimits { single: limit, daily: limit, monthly: limit },
        ..CardProfile::visa_usd(enterprise_id, profile_id, name, bin_range, now)
    })
}

fn order(
    ids: &IdGenerator,
    enterprise_id: EnterpriseId,
    profile_id: ProfileId,
    now: Timestamp,
) -> PlaceOrder {
    let order_id = OrderId::from_i64(ids.next());
    let customer_id = CustomerId::from_i64(ids.next());
    let event = WebhookEvent {
        enterprise_id,
        vm_app_id: None,
        webhook_id: WebhookId::from_i64(ids.next()),
        webhook_type: WebhookType::CardOrder,
        sub_type: WebhookSubType::Create,
        business_id: order_id.as_i64(),
        body: Vec::new(),
        created_at: now,
    };
    PlaceOrder {
        order: CardOrder::pending(
            enterprise_id,
            order_id,
            "bench".to_owned(),
            profile_id,
            customer_id,
            now,
        ),
        customer: CustomerDraft::Data(Customer {
            enterprise_id,
            customer_id,
            customer_ref: None,
            email: Some("bench@example.com".to_owned()),
            phone: None,
            phone_country_code: None,
            created_at: now,
            modified_at: now,
        }),
        sealed_application: Vec::new(),
        job: Job::new(
            enterprise_id,
            JobId::from_i64(ids.next()),
            JobKind::OrderStep,
            order_id.as_i64(),
            now,
        ),
        event: Arc::new(move |_| event.clone()),
    }
}

fn issued(ids: &IdGenerator, order: &CardOrder, now: Timestamp) -> IssuedCard {
    let pan_id = PanId::from_i64(ids.next());
    IssuedCard {
        pan: PanRecord {
            enterprise_id: order.enterprise_id,
            pan_id,
            fingerprint: [0; 32],
            sealed_pan: vec![0; 48],
            created_at: now,
        },
        card: Card {
            enterprise_id: order.enterprise_id,
            card_id: CardId::from_i64(ids.next()),
            profile_id: order.profile_id,
            customer_id: order.customer_id,
            pan_id,
            card_type: CardType::Virtual,
            status: CardStatus::Activated,
            status_reason: CardStatusReason::Normal,
            pan_first6: "411111".to_owned(),
            pan_last4: "0000".to_owned(),
            currency: Currency::USD,
            valid_until: now.plus_seconds(86_400 * 365),
            account: AccountOwner::Deposit,
            invalidate_reason: None,
            created_at: now,
            modified_at: now,
        },
    }
}
