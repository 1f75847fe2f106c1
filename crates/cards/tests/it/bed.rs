//! An embedded store with one enterprise and one profile, and the crate over it.

use std::sync::Arc;

use cards::{Cards, CardsSettings, IdentityChecks, order_worker};
use domain::{
    CardOrder, CardProfile, Clock, Currency, EnterpriseId, IdGenerator, ProfileId, Random,
    SystemRandom,
};
use schedule::{LeasedJobs, Schedule};
use store::{DeliveryFilter, Location, Store};
use testkit::records;
use vault::Vault;
use wire::cardbridge::order::ApplyVirtual;

pub const SETTINGS: CardsSettings = CardsSettings {
    order_step_ms: CardsSettings::DEFAULT_ORDER_STEP_MS,
    magic_values: true,
    identity_checks: IdentityChecks::Played,
};

pub struct Bed {
    pub store: Store,
    pub vault: Arc<Vault>,
    pub cards: Cards,
    pub enterprise_id: EnterpriseId,
    pub profile_id: ProfileId,
    clock: Clock,
    directory: tempfile::TempDir,
}

impl Bed {
    pub async fn new() -> Self {
        Self::with_random(Arc::new(SystemRandom)).await
    }

    pub async fn with_random(random: Arc<dyn Random>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let store = open(&directory, &clock).await;
        let vault = records::vault(random);
        let cards = Cards::new(store.clone(), Arc::clone(&vault), SETTINGS);
        let enterprise_id = EnterpriseId::from_i64(store.ids().next());
        let profile_id = ProfileId::from_i64(store.ids().next());
        let bed = Self { store, vault, cards, enterprise_id, profile_id, clock, directory };
        bed.add_enterprise(enterprise_id).await;
        bed.add_profile(enterprise_id, profile_id).await;
        bed
    }

    /// The state found by a process that starts after this one died.
    pub async fn restarted(self) -> Self {
        self.store.close().await;
        let store = open(&self.directory, &self.clock).await;
        store.take_over_leases().await.unwrap();
        let cards = Cards::new(store.clone(), Arc::clone(&self.vault), SETTINGS);
        Self { store, cards, ..self }
    }

    pub fn worker(&self) -> LeasedJobs {
        order_worker(self.store.clone(), Arc::clone(&self.vault), SETTINGS)
    }

    pub async fn advance(&self, seconds: u32) {
        let schedule = Schedule::new(self.store.clone(), vec![Arc::new(self.worker())]);
        schedule.advance(seconds).await.unwrap();
    }

    /// Places an order with this reference, which is also the customer's, and share token.
    pub async fn place(&self, reference: &str, share_token: &str) -> CardOrder {
        let body = application(self.profile_id, reference, share_token);
        self.cards.apply_virtual(self.enterprise_id, parse(&body)).await.unwrap()
    }

    pub async fn order(&self, placed: &CardOrder) -> CardOrder {
        self.store
            .find::<CardOrder>((placed.enterprise_id, placed.order_id))
            .await
            .unwrap()
            .unwrap()
    }

    /// Bodies of the webhooks about an object, in order.
    pub async fn webhooks(&self, business_id: i64) -> Vec<serde_json::Value> {
        let filter =
            DeliveryFilter { business_id: Some(business_id), limit: 100, ..Default::default() };
        let deliveries = self.store.deliveries(filter).await.unwrap();
        let body = |view: &store::DeliveryView| serde_json::from_slice(&view.event.body).unwrap();
        deliveries.iter().map(body).collect()
    }

    pub async fn add_enterprise(&self, enterprise_id: EnterpriseId) {
        let now = self.clock.now();
        let enterprise = records::enterprise(enterprise_id, now);
        let key = records::platform_key(enterprise_id, now);
        self.store.create_enterprise(enterprise, key).await.unwrap();
    }

    pub async fn add_profile(&self, enterprise_id: EnterpriseId, profile_id: ProfileId) {
        let profile = CardProfile {
            currency: Currency::SGD,
            card_layouts: vec!["MGEBP".into()],
            supported_countries: vec!["SG".into(), "MY".into()],
            ..records::profile(enterprise_id, profile_id, self.clock.now())
        };
        self.store.create_profile(profile).await.unwrap();
    }
}

async fn open(directory: &tempfile::TempDir, clock: &Clock) -> Store {
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = Location::Sqlite(directory.path().join("cardbridge.db"));
    Store::open(location, clock.clone(), ids).await.unwrap()
}

/// A valid application of a new customer.
pub fn application(profile_id: ProfileId, reference: &str, share_token: &str) -> serde_json::Value {
    serde_json::json!({
        "profileId": profile_id.to_string(),
        "cardOrderRef": reference,
        "customerInfo": {
            "phoneCountryCode": "86",
            "email": format!("{reference}@example.com"),
            "customerRef": reference,
        },
        "kycInfo": {
            "sumsubShareToken": share_token,
            "employmentStatus": "STUDENT",
            "sourceOfFunds": "OTHERS",
            "sourceOfWealth": "OTHERS",
            "country": "SG",
        },
    })
}

pub fn parse(body: &serde_json::Value) -> ApplyVirtual {
    ApplyVirtual::parse(body.to_string().as_bytes(), "no field is encrypted").unwrap()
}

/// `data.status` and `webhookSubType` of each webhook.
pub fn statuses(webhooks: &[serde_json::Value]) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    webhooks
        .iter()
        .map(|w| format!("{} {}", text(&w["data"]["status"]), text(&w["webhookSubType"])))
        .collect()
}
