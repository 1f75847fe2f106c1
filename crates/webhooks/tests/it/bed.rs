//! An embedded store whose outbox is filled by placing and moving orders.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    ApiKey, CardOrder, Clock, DeliveryStatus, Enterprise, EnterpriseId, IdGenerator, ProfileId,
    SystemRandom, UrlUse, WebhookEvent, WebhookId, WebhookSubType,
};
use outbound::{AddressPolicy, Outbound};
use schedule::Schedule;
use store::{DeliveryFilter, DeliveryView, EnterprisePatch, JobKind, Location, OrderStep, Store};
use testkit::records;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vault::{SecretText, Vault};
use webhooks::WebhookWorker;
use wire::cardbridge::webhook::card_order_event;

pub struct Bed {
    pub store: Store,
    pub schedule: Arc<Schedule>,
    pub vault: Arc<Vault>,
    running: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    _directory: tempfile::TempDir,
}

impl Bed {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("cardbridge.db"));
        let store = Store::open(location, clock, ids).await.unwrap();
        let vault = records::vault(Arc::new(SystemRandom));
        let policy = AddressPolicy { loopback_allowed: true, https_only: false, allow: Vec::new() };
        let outbound = Outbound::new(policy).unwrap();
        let worker = WebhookWorker::new(store.clone(), Arc::clone(&vault), outbound);
        let schedule = Schedule::new(store.clone(), vec![Arc::new(worker)]);
        Self { store, schedule, vault, running: None, _directory: directory }
    }

    /// Runs the worker in the background, as a server does.
    pub fn run(&mut self) {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(Arc::clone(&self.schedule).run(stopped));
        self.running = Some((stop, task));
    }

    /// Stops the worker that [`Bed::run`] started.
    pub async fn stop(&mut self) {
        let (stop, task) = self.running.take().unwrap();
        stop.send_replace(true);
        task.await.unwrap();
    }

    pub async fn add_enterprise(&self, webhook_url: Option<&str>) -> EnterpriseId {
        let enterprise_id = EnterpriseId::from_i64(self.store.ids().next());
        let now = self.store.clock().now();
        let enterprise = Enterprise {
            webhook_url: webhook_url
                .map(|url| self.vault.seal_url(enterprise_id, UrlUse::Webhook, url)),
            ..records::enterprise(enterprise_id, now)
        };
        let key = records::platform_key(enterprise_id, now);
        self.store.create_enterprise(enterprise, key).await.unwrap();
        enterprise_id
    }

    /// A new active API key; its public text and its secret.
    pub async fn add_key(&self, enterprise_id: EnterpriseId) -> (String, SecretText) {
        let (api_key, secret) = (self.vault.new_api_key(), self.vault.new_secret_key());
        let key = ApiKey {
            sealed_secret: self.vault.seal_api_secret(enterprise_id, &api_key, &secret),
            api_key: api_key.clone(),
            enterprise_id,
            created_at: self.store.clock().now(),
            revoked_at: None,
        };
        self.store.add_api_key(key).await.unwrap();
        (api_key, secret)
    }

    pub async fn set_url(&self, enterprise_id: EnterpriseId, url: &str) {
        let url = self.vault.seal_url(enterprise_id, UrlUse::Webhook, url);
        let patch = EnterprisePatch { webhook_url: Some(Some(url)), ..Default::default() };
        self.store.patch_enterprise(enterprise_id, patch).await.unwrap().unwrap();
    }

    /// Places an order; its first webhook is in the outbox.
    pub async fn place(&self, enterprise_id: EnterpriseId) -> CardOrder {
        let now = self.store.clock().now();
        let number = self.store.ids().next();
        let webhook_id = WebhookId::from_i64(self.store.ids().next());
        let event = move |order: &CardOrder| {
            card_order_event(order, webhook_id, WebhookSubType::Create, now)
        };
        self.place_telling(enterprise_id, number, Arc::new(event)).await
    }

    /// Places an order whose commit puts `event` into the outbox.
    pub async fn place_telling(
        &self,
        enterprise_id: EnterpriseId,
        number: i64,
        event: Arc<dyn Fn(&CardOrder) -> WebhookEvent + Send + Sync>,
    ) -> CardOrder {
        let profile_id = ProfileId::from_i64(number);
        let request = records::placing(&self.store, enterprise_id, profile_id, number, event);
        self.store.place_order(request).await.unwrap()
    }

    /// Moves an order through the other four states, with a webhook for each.
    pub async fn finish(&self, order: &CardOrder) {
        let mut order = order.clone();
        while let Some(next) = order.status.next(order.order_type) {
            let now = self.store.clock().now();
            let jobs = self.store.lease_jobs(JobKind::OrderStep, now, 10_000, 100).await.unwrap();
            let job = jobs.into_iter().find(|j| j.subject_id == order.order_id.as_i64()).unwrap();
            let expected_status = order.status;
            order.status = next;
            let webhook_id = WebhookId::from_i64(self.store.ids().next());
            let event = card_order_event(&order, webhook_id, WebhookSubType::Update, now);
            let next_due_at = (!next.is_final()).then_some(now);
            let step = OrderStep {
                order: order.clone(),
                expected_status,
                job,
                next_due_at,
                issued: None,
                events: vec![event],
            };
            let outcome = self.store.advance_order(step).await.unwrap();
            assert_eq!(outcome, store::OrderStepOutcome::Done);
        }
    }

    pub async fn deliveries(&self, order: &CardOrder) -> Vec<DeliveryView> {
        let business_id = Some(order.order_id.as_i64());
        let filter = DeliveryFilter { business_id, limit: 100, ..Default::default() };
        self.store.deliveries(filter).await.unwrap()
    }

    /// Waits until every webhook of an order is acknowledged or parked.
    pub async fn wait_until_told(&self, order: &CardOrder) {
        for _ in 0..18_000 {
            let views = self.deliveries(order).await;
            if views.iter().all(|view| view.status != DeliveryStatus::Pending) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("webhooks of {:?} stay pending", order.order_id);
    }
}
