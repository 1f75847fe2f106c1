//! Records with something in every field.

use std::sync::Arc;

use domain::{
    Card, CardId, CardOrder, CardProfile, CardStatus, CardStatusReason, CardType, Currency,
    Customer, CustomerId, Enterprise, EnterpriseId, JobId, OrderId, PanId, ProfileId, RsaHash,
    RsaPadding, RsaSignedBytes, SealedUrl, StandIn, Timestamp, VelocityLimit, VelocityLimits,
    WebhookEvent, WebhookId, WebhookSubType, WebhookType,
};
use store::{CustomerDraft, IssuedCard, Job, JobKind, PanRecord, PlaceOrder, PlatformKey, Store};

pub const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_001);
pub const NOW: Timestamp = Timestamp::from_micros(1_760_000_000_000_000);
pub const PROFILE: ProfileId = ProfileId::from_i64(4_000_000_000_000_000_002);

/// Stands for a sealed URL: the store does not look into it.
pub fn sealed(url: &str) -> SealedUrl {
    SealedUrl::from_sealed(url.bytes().rev().collect())
}

pub fn enterprise(id: EnterpriseId, webhook_url: Option<&str>) -> Enterprise {
    Enterprise {
        enterprise_id: id,
        name: "Étoile & Söhne".to_owned(),
        webhook_url: webhook_url.map(sealed),
        auth_url: Some(sealed("https://auth.example/notice")),
        external_public_key: Some(vec![0, 1, 255]),
        webhook_key: Some("key".to_owned()),
        ip_allowlist: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        redirect_hosts: vec!["shop.example".to_owned()],
        page_origins: vec!["https://a.example".to_owned(), "https://b.example".to_owned()],
        pci: true,
        auth_deadline_ms: 1_500,
        rsa_padding: RsaPadding::OaepSha256,
        rsa_hash: RsaHash::Sha512,
        rsa_signed_bytes: RsaSignedBytes::Raw,
        stand_in: Some(StandIn {
            currency: Currency::USD,
            amount_minor: 500,
            daily_total_minor: 1_200,
        }),
        created_at: NOW,
    }
}

pub fn platform_key(enterprise_id: EnterpriseId) -> PlatformKey {
    PlatformKey {
        enterprise_id,
        version: 1,
        sealed_private_key: vec![1, 2, 3],
        public_key: vec![4, 5],
        created_at: NOW,
    }
}

/// Creates an enterprise.
pub async fn found(store: &Store, id: EnterpriseId, webhook_url: Option<&str>) {
    store.create_enterprise(enterprise(id, webhook_url), platform_key(id)).await.unwrap();
}

pub fn profile() -> CardProfile {
    CardProfile {
        enterprise_id: ENTERPRISE,
        profile_id: PROFILE,
        name: "travel".to_owned(),
        bin_range: "41111100-41111199".parse().unwrap(),
        network: "VISA".to_owned(),
        currency: Currency::USD,
        card_layouts: vec!["MGEBP".to_owned()],
        supported_countries: Vec::new(),
        hold_days_normal: 7,
        hold_days_pre_auth: 30,
        limits: VelocityLimits {
            single: VelocityLimit { amount_minor: Some(500_000), count: None },
            daily: VelocityLimit { amount_minor: None, count: Some(10) },
            monthly: VelocityLimit::default(),
        },
        created_at: NOW,
    }
}

pub fn event(store: &Store, enterprise_id: EnterpriseId, business_id: i64) -> WebhookEvent {
    WebhookEvent {
        enterprise_id,
        vm_app_id: None,
        webhook_id: WebhookId::from_i64(store.ids().next()),
        webhook_type: WebhookType::CardOrder,
        sub_type: WebhookSubType::Create,
        business_id,
        body: format!("{{\"businessId\":\"{business_id}\"}}").into_bytes(),
        created_at: NOW,
    }
}

pub fn customer(store: &Store, customer_ref: &str, email: &str, phone: &str) -> Customer {
    let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    Customer {
        enterprise_id: ENTERPRISE,
        customer_id: CustomerId::from_i64(store.ids().next()),
        customer_ref: text(customer_ref),
        email: text(email),
        phone: text(phone),
        phone_country_code: Some("SG".to_owned()),
        created_at: NOW,
        modified_at: NOW,
    }
}

pub fn order(store: &Store, card_order_ref: &str, customer: CustomerDraft) -> PlaceOrder {
    let order_id = OrderId::from_i64(store.ids().next());
    let sender = store.clone();
    PlaceOrder {
        order: CardOrder::pending(
            ENTERPRISE,
            order_id,
            card_order_ref.to_owned(),
            PROFILE,
            CustomerId::from_i64(0),
            NOW,
        ),
        customer,
        sealed_application: b"sealed".to_vec(),
        job: Job::new(
            ENTERPRISE,
            JobId::from_i64(store.ids().next()),
            JobKind::OrderStep,
            order_id.as_i64(),
            NOW,
        ),
        event: Arc::new(move |order| event(&sender, ENTERPRISE, order.order_id.as_i64())),
    }
}

/// Places a plain order whose event is about `business_id`.
pub async fn tell(store: &Store, enterprise_id: EnterpriseId, business_id: i64) -> WebhookId {
    let webhook_id = WebhookId::from_i64(store.ids().next());
    tell_as(store, enterprise_id, business_id, webhook_id).await
}

/// As [`tell`], with a webhook of this id.
pub async fn tell_as(
    store: &Store,
    enterprise_id: EnterpriseId,
    business_id: i64,
    webhook_id: WebhookId,
) -> WebhookId {
    let number = store.ids().next();
    let customer = customer(store, "", &format!("{number}@x.example"), "");
    let mut request = order(store, &number.to_string(), CustomerDraft::Data(customer));
    request.order.enterprise_id = enterprise_id;
    request.job.enterprise_id = enterprise_id;
    let event = WebhookEvent { webhook_id, ..event(store, enterprise_id, business_id) };
    request.event = Arc::new(move |_| event.clone());
    store.place_order(request).await.unwrap();
    webhook_id
}

pub fn issued(store: &Store, fingerprint: u8, customer_id: CustomerId) -> IssuedCard {
    let pan_id = PanId::from_i64(store.ids().next());
    IssuedCard {
        pan: PanRecord {
            enterprise_id: ENTERPRISE,
            pan_id,
            fingerprint: [fingerprint; 32],
            sealed_pan: vec![9; 48],
            created_at: NOW,
        },
        card: Card {
            enterprise_id: ENTERPRISE,
            card_id: CardId::from_i64(store.ids().next()),
            profile_id: PROFILE,
            customer_id,
            pan_id,
            card_type: CardType::Virtual,
            status: CardStatus::Activated,
            status_reason: CardStatusReason::Normal,
            pan_first6: "411111".to_owned(),
            pan_last4: "0042".to_owned(),
            currency: Currency::USD,
            valid_until: NOW.plus_seconds(1_000_000),
            account: domain::AccountOwner::Deposit,
            invalidate_reason: None,
            created_at: NOW,
            modified_at: NOW,
        },
    }
}

/// Claims everything due, at most so many deliveries of each destination.
pub async fn claim_for(
    store: &Store,
    now: Timestamp,
    lease_ms: i64,
    places: u32,
) -> Vec<store::Delivery> {
    let due = store.due_destinations(now, 100).await.unwrap();
    let grants = due.into_iter().map(|due| store::Grant { due, places }).collect();
    store.claim_deliveries(now, lease_ms, grants).await.unwrap()
}
