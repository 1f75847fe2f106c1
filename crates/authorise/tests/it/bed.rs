//! An embedded store with one enterprise, its deposit and one card.

use std::sync::Arc;
use std::time::Duration;

use authorise::{Authoriser, AuthoriserParts, HoldExpiryWorker};
use crypto::RsaPool;
use domain::{
    ApiKey, AuthType, Card, CardEvent, CardId, CardOrder, CardProfile, CardStatus,
    CardStatusReason, CardType, Clock, Currency, DeliveryStatus, Enterprise, EnterpriseId, FxRate,
    IdGenerator, Merchant, Money, OrderStatus, PanId, ProfileId, RsaPadding, SealedUrl,
    SystemRandom, TransactionType, UrlUse, VelocityLimit, VelocityLimits, WebhookEvent, WebhookId,
    WebhookSubType,
};
use ledger::Account;
use outbound::{AddressPolicy, Outbound};
use schedule::Schedule;
use scheme::{CardReference, MessageClass, Purchase, SimulatedNetwork};
use store::{
    AuthorisationView, CardChange, DeliveryFilter, EnterprisePatch, IssuedCard, JobKind, Location,
    OrderStep, PanRecord, PlatformKey, Store,
};
use testkit::records;
use vault::{ClearPan, SecretText, Vault};
use wire::cardbridge::webhook::{card_event, card_order_event};

use crate::enterprise::{ENTERPRISE_KEY, EnterpriseServer, PLATFORM_KEY};

/// The shortest deadline that an enterprise may have, for tests that miss it.
pub const DEADLINE: Duration = Duration::from_millis(Enterprise::MIN_AUTH_DEADLINE_MS as u64);
/// Longer than any machine takes to answer, for tests that must answer in time: no enterprise may
/// have it, but the store does not check.
const PATIENT_DEADLINE_MS: u32 = 300_000;
/// Exchanges beyond which no reply is read after its deadline.
pub const MAX_EXCHANGES: usize = 64;
/// The PAN of the bed's card.
pub const PAN: &str = "4111110000000013";
/// The deposit at first, in minor units of USD.
pub const DEPOSIT_MINOR: i64 = 100_000;
/// The most that one purchase may cost, in minor units of USD.
pub const LIMIT_MINOR: i64 = 500_000;

pub struct Bed {
    pub store: Store,
    pub vault: Arc<Vault>,
    pub authoriser: Arc<Authoriser>,
    pub network: Arc<SimulatedNetwork>,
    pub schedule: Arc<Schedule>,
    pub enterprise: EnterpriseServer,
    pub enterprise_id: EnterpriseId,
    pub card: Card,
    pub secret: SecretText,
    directory: tempfile::TempDir,
}

impl Bed {
    pub async fn new() -> Self {
        Self::with_padding(RsaPadding::Pkcs1).await
    }

    pub async fn with_padding(padding: RsaPadding) -> Self {
        Self::made(padding, true).await
    }

    /// As in production: an unusable answer is not diagnosed.
    pub async fn of_production() -> Self {
        Self::made(RsaPadding::Pkcs1, false).await
    }

    async fn made(padding: RsaPadding, diagnoses_answers: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("cardbridge.db"));
        let store = Store::open(location, clock, ids).await.unwrap();
        // Noon on the second day of a month in UTC+8, so no test crosses the end of a day or month.
        let month = store.clock().now().utc8_month_start_after(1);
        store.move_clock(month.plus_seconds(36 * 60 * 60)).await.unwrap();
        let vault = records::vault(Arc::new(SystemRandom));
        let policy = AddressPolicy { loopback_allowed: true, https_only: false, allow: Vec::new() };
        let authoriser = Authoriser::new(AuthoriserParts {
            store: store.clone(),
            vault: Arc::clone(&vault),
            pool: Arc::new(RsaPool::new(2, RsaPool::DEFAULT_QUEUE_LIMIT)),
            outbound: Outbound::new(policy).unwrap(),
            random: Arc::new(SystemRandom),
            vm_settings: None,
            diagnoses_answers,
            max_exchanges: MAX_EXCHANGES,
        });
        let network =
            SimulatedNetwork::new(store.clone(), Arc::clone(&vault), Arc::clone(&authoriser));
        let worker = Arc::new(HoldExpiryWorker::new(store.clone(), None));
        let enterprise = EnterpriseServer::start(padding).await;
        let enterprise_id = EnterpriseId::from_i64(store.ids().next());
        let secret = add_enterprise(&store, &vault, enterprise_id, &enterprise.url, padding).await;
        let profile_id = add_profile(&store, enterprise_id).await;
        let card = issue_card(&store, &vault, enterprise_id, profile_id).await;
        let deposit = Money::new(DEPOSIT_MINOR, Currency::USD);
        let now = store.clock().now();
        store.deposit(enterprise_id, deposit, "first".to_owned(), now).await.unwrap();
        Self {
            network: Arc::new(network),
            schedule: Schedule::new(store.clone(), vec![worker]),
            store,
            vault,
            authoriser,
            enterprise,
            enterprise_id,
            card,
            secret,
            directory,
        }
    }

    /// Shortens the enterprise's deadline to [`DEADLINE`].
    pub async fn hurry(&self) {
        let auth_deadline_ms = Some(Enterprise::MIN_AUTH_DEADLINE_MS);
        self.patch(EnterprisePatch { auth_deadline_ms, ..Default::default() }).await;
    }

    pub fn sealed_auth_url(&self, url: &str) -> SealedUrl {
        self.vault.seal_url(self.enterprise_id, UrlUse::Auth, url)
    }

    pub async fn patch(&self, patch: EnterprisePatch) {
        self.store.patch_enterprise(self.enterprise_id, patch).await.unwrap().unwrap();
    }

    /// Hides the authorisations from the store, or restores them.
    pub fn break_store(&self, is_broken: bool) {
        let (from, to) = if is_broken {
            ("authorisation", "taken_away")
        } else {
            ("taken_away", "authorisation")
        };
        self.change_store(&format!("ALTER TABLE {from} RENAME TO {to}"));
    }

    /// Changes the store behind the platform's back.
    pub fn change_store(&self, sql: &str) {
        let file = self.directory.path().join("cardbridge.db");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub async fn set_rate(&self, from: Currency, to: Currency, rate: &str) {
        let rate = FxRate { from, to, rate: rate.parse().unwrap() };
        self.store.replace_fx_rates(vec![rate]).await.unwrap();
    }

    pub async fn change_card(&self, event: CardEvent) {
        let now = self.store.clock().now();
        let change = CardChange {
            enterprise_id: self.enterprise_id,
            card_id: self.card.card_id,
            event,
            invalidate_reason: None,
            now,
            tell: |card, id, now| card_event(card, id, WebhookSubType::Update, now),
        };
        self.store.change_card(change).await.unwrap();
    }

    pub async fn account(&self) -> Account {
        self.store.account(self.enterprise_id, Currency::USD).await.unwrap().unwrap()
    }

    pub async fn held_minor(&self) -> i64 {
        self.account().await.held_minor
    }

    /// Nothing is held, nothing was spent, and the ledger is in order.
    pub async fn assert_untouched(&self) {
        let account = self.account().await;
        let balances = (account.available_minor, account.held_minor, account.posted_minor);
        assert_eq!(balances, (DEPOSIT_MINOR, 0, 0));
        self.assert_verified().await;
    }

    pub async fn assert_verified(&self) {
        assert_eq!(self.store.verify_ledger().await.unwrap().violations, []);
    }

    pub async fn view(&self, auth_id: domain::AuthId) -> AuthorisationView {
        self.store.authorisation_view(auth_id).await.unwrap().unwrap()
    }

    /// The result webhooks of an authorisation, as texts.
    pub async fn results(&self, auth_id: domain::AuthId) -> Vec<String> {
        let filter = DeliveryFilter {
            business_id: Some(auth_id.as_i64()),
            status: Some(DeliveryStatus::Pending),
            limit: 10,
            ..Default::default()
        };
        let views = self.store.deliveries(filter).await.unwrap();
        let body = |event: &WebhookEvent| String::from_utf8(event.body.clone()).unwrap();
        views.iter().map(|view| body(&view.event)).collect()
    }

    /// A purchase by card id.
    pub fn purchase(&self, amount_text: &str) -> Purchase {
        Purchase {
            class: MessageClass::Request,
            card: CardReference::Id(self.card.card_id),
            pin: None,
            amount_text: amount_text.to_owned(),
            currency: Currency::USD,
            transaction_type: TransactionType::Purchase,
            auth_type: AuthType::Normal,
            merchant: Merchant {
                merchant_id: Some("M0001".to_owned()),
                name: Some("TEST SHOP".to_owned()),
                city: None,
                country: Some("SG".to_owned()),
                mcc: Some("5812".to_owned()),
            },
            entry_mode: None,
            cash_back: None,
            original_auth_id: None,
            stan: None,
            rrn: None,
        }
    }
}

async fn add_enterprise(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
    auth_url: &str,
    rsa_padding: RsaPadding,
) -> SecretText {
    let now = store.clock().now();
    let enterprise = Enterprise {
        auth_url: Some(vault.seal_url(enterprise_id, UrlUse::Auth, auth_url)),
        external_public_key: Some(ENTERPRISE_KEY.public_key().to_spki_der().to_vec()),
        auth_deadline_ms: PATIENT_DEADLINE_MS,
        rsa_padding,
        ..records::enterprise(enterprise_id, now)
    };
    let pkcs8 = PLATFORM_KEY.to_pkcs8_der().unwrap();
    let key = PlatformKey {
        enterprise_id,
        version: 1,
        sealed_private_key: vault.seal_platform_key(enterprise_id, 1, &pkcs8),
        public_key: PLATFORM_KEY.public_key().to_spki_der().to_vec(),
        created_at: now,
    };
    store.create_enterprise(enterprise, key).await.unwrap();
    let (api_key, secret) = (vault.new_api_key(), vault.new_secret_key());
    let key = ApiKey {
        sealed_secret: vault.seal_api_secret(enterprise_id, &api_key, &secret),
        api_key,
        enterprise_id,
        created_at: now,
        revoked_at: None,
    };
    store.add_api_key(key).await.unwrap();
    secret
}

async fn add_profile(store: &Store, enterprise_id: EnterpriseId) -> ProfileId {
    let profile_id = ProfileId::from_i64(store.ids().next());
    let single = VelocityLimit { amount_minor: Some(LIMIT_MINOR), count: None };
    let profile = CardProfile {
        limits: VelocityLimits { single, ..Default::default() },
        ..records::profile(enterprise_id, profile_id, store.clock().now())
    };
    store.create_profile(profile).await.unwrap();
    profile_id
}

/// Issues a card by an order that succeeds at once.
async fn issue_card(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
    profile_id: ProfileId,
) -> Card {
    let order = place_order(store, enterprise_id, profile_id).await;
    let now = store.clock().now();
    let pan_id = PanId::from_i64(store.ids().next());
    let pan = ClearPan::parse(PAN).unwrap();
    let card = Card {
        enterprise_id,
        card_id: CardId::from_i64(store.ids().next()),
        profile_id,
        customer_id: order.customer_id,
        pan_id,
        card_type: CardType::Virtual,
        status: CardStatus::Activated,
        status_reason: CardStatusReason::Normal,
        pan_first6: pan.first6().to_owned(),
        pan_last4: pan.last4().to_owned(),
        account: domain::AccountOwner::Deposit,
        currency: Currency::USD,
        valid_until: now.utc8_month_start_after(49),
        invalidate_reason: None,
        created_at: now,
        modified_at: now,
    };
    let pan = PanRecord {
        enterprise_id,
        pan_id,
        fingerprint: vault.fingerprint(&pan),
        sealed_pan: vault.seal_pan(enterprise_id, pan_id, &pan),
        created_at: now,
    };
    let jobs = store.lease_jobs(JobKind::OrderStep, now, 10_000, 1).await.unwrap();
    let step = OrderStep {
        expected_status: order.status,
        order: CardOrder { status: OrderStatus::Succeed, card_id: Some(card.card_id), ..order },
        job: jobs.into_iter().next().unwrap(),
        next_due_at: None,
        issued: Some(IssuedCard { pan, card: card.clone() }),
        events: Vec::new(),
    };
    assert_eq!(store.advance_order(step).await.unwrap(), store::OrderStepOutcome::Done);
    card
}

async fn place_order(
    store: &Store,
    enterprise_id: EnterpriseId,
    profile_id: ProfileId,
) -> CardOrder {
    let now = store.clock().now();
    let number = store.ids().next();
    let webhook_id = WebhookId::from_i64(store.ids().next());
    let event =
        move |order: &CardOrder| card_order_event(order, webhook_id, WebhookSubType::Create, now);
    let request = records::placing(store, enterprise_id, profile_id, number, Arc::new(event));
    store.place_order(request).await.unwrap()
}
