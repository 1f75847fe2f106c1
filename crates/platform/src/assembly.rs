//! The parts that requests and workers share, assembled. Those that depend on a configuration come
//! from outside, so a test has the same platform over its own store.

use std::sync::Arc;

use admin_api::AdminToken;
use authorise::{Authoriser, AuthoriserParts, Challenges, advice_worker};
use cards::{Cards, CardsSettings};
use crypto::RsaPool;
use domain::{Mode, Random};
use files::Files;
use ipnet::IpNet;
use listener::HttpService;
use listener::limiter::SharedLimits;
use mail::Mailer;
use metrics_exporter_prometheus::PrometheusHandle;
use outbound::Outbound;
use retention::{Export, RetentionWorker};
use schedule::Schedule;
use scheme::{Link, SimulatedNetwork};
use store::{Reports, Store};
use tokio::sync::watch;
use vault::Vault;
use wire::vm::VmSettings;

use crate::public_listener::public_service;
use crate::workers;

/// The configured parts that a platform is built on.
pub struct Ground {
    /// Sandbox or production.
    pub mode: Mode,
    /// The store.
    pub store: Store,
    /// Seals and opens secrets.
    pub vault: Arc<Vault>,
    /// Threads for RSA.
    pub pool: RsaPool,
    /// The guarded HTTP client.
    pub outbound: Outbound,
    /// Sends mail and short messages.
    pub mailer: Mailer,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
    /// The settings of orders and cards.
    pub cards: CardsSettings,
    /// The settings of dialect 2.
    pub vm: VmSettings,
    /// How many whole months are kept beside the present one, and where the rest is exported to;
    /// `None` = all are kept.
    pub retention: Option<(u16, Export)>,
    /// Number of exchanges with enterprises beyond which late replies are no longer awaited.
    pub max_exchanges: usize,
}

/// Everything that requests need besides the parts.
pub struct Doors {
    /// The largest difference between a signed request's timestamp and real time, milliseconds.
    pub signature_window_ms: i64,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Base of every link that goes out, without a trailing slash.
    pub public_url: String,
    /// The operator's token.
    pub admin_token: AdminToken,
    /// Uploaded documents.
    pub files: Arc<Files>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Links to card networks.
    pub links: Vec<Arc<Link>>,
    /// True once a stop has begun.
    pub draining: watch::Receiver<bool>,
}

/// The services of both listeners.
pub struct Services {
    /// Both dialects, and the hosted pages.
    pub public: HttpService,
    /// The operator API and, in the sandbox, the sandbox API.
    pub admin: HttpService,
}

/// The parts that requests and workers share.
#[derive(Clone)]
pub struct Parts {
    /// Sandbox or production.
    pub mode: Mode,
    /// The store.
    pub store: Store,
    /// Seals and opens secrets.
    pub vault: Arc<Vault>,
    /// Threads for RSA, of requests and authorisations.
    pub pool: Arc<RsaPool>,
    /// The guarded HTTP client.
    pub outbound: Outbound,
    /// Orders and cards.
    pub cards: Arc<Cards>,
    /// Authorisations.
    pub authoriser: Arc<Authoriser>,
    /// The simulated card network.
    pub network: Arc<SimulatedNetwork>,
    /// 3DS challenges.
    pub challenges: Challenges,
    /// Business time and its workers.
    pub schedule: Arc<Schedule>,
    /// Sends mail and short messages.
    pub mailer: Arc<Mailer>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
    /// The settings of dialect 2.
    pub vm: VmSettings,
}

impl Parts {
    /// Assembles everything over this ground. Nothing runs yet.
    #[must_use]
    pub fn assemble(ground: Ground) -> Self {
        let Ground { mode, store, vault, outbound, random, vm, .. } = ground;
        let pool = Arc::new(ground.pool);
        let authoriser = Authoriser::new(AuthoriserParts {
            store: store.clone(),
            vault: Arc::clone(&vault),
            pool: Arc::clone(&pool),
            outbound: outbound.clone(),
            random: Arc::clone(&random),
            vm_settings: Some(vm),
            diagnoses_answers: mode == Mode::Sandbox,
            max_exchanges: ground.max_exchanges,
        });
        let mut workers = workers::all(&store, &vault, &outbound, ground.cards, vm);
        workers.push(Arc::new(advice_worker(store.clone(), Arc::clone(&authoriser))));
        if let Some((months, export)) = ground.retention {
            workers.push(Arc::new(RetentionWorker::new(store.clone(), export, months)));
        }
        let network = SimulatedNetwork::new(store.clone(), vault.clone(), authoriser.clone());
        Self {
            mode,
            mailer: Arc::new(ground.mailer),
            cards: Arc::new(Cards::new(store.clone(), Arc::clone(&vault), ground.cards)),
            network: Arc::new(network),
            challenges: Challenges::new(store.clone(), Arc::clone(&vault)),
            schedule: Schedule::new(store.clone(), workers),
            store,
            vault,
            pool,
            outbound,
            authoriser,
            random,
            vm,
        }
    }

    /// The services of the two listeners.
    #[must_use]
    pub fn services(self, doors: Doors) -> Services {
        let names = Arc::clone(&self.vault);
        let limits = SharedLimits::new(Arc::new(move |caller| names.caller_name(caller)));
        self.store.exchange_reports(Arc::clone(&limits) as Arc<dyn Reports>);
        let admin = Arc::new(admin_api::ApiState {
            settings: admin_api::ApiSettings {
                mode: self.mode,
                public_url: doors.public_url.clone(),
            },
            admin_token: doors.admin_token,
            store: self.store.clone(),
            vault: Arc::clone(&self.vault),
            cards: Arc::clone(&self.cards),
            files: Arc::clone(&doors.files),
            network: Arc::clone(&self.network),
            links: doors.links,
            draining: doors.draining,
            challenges: self.challenges.clone(),
            schedule: self.schedule,
            outbound: self.outbound,
            mailer: Arc::clone(&self.mailer),
            random: Arc::clone(&self.random),
            metrics: doors.metrics,
        });
        let vm = Arc::new(vm_api::ApiState {
            settings: vm_api::ApiSettings {
                mode: self.mode,
                trusted_proxies: doors.trusted_proxies.clone(),
                vm: self.vm,
            },
            store: self.store.clone(),
            vault: Arc::clone(&self.vault),
            pool: self.pool,
            cards: Arc::clone(&self.cards),
            limits: Arc::clone(&limits),
        });
        let cardbridge = Arc::new(cardbridge_api::ApiState {
            settings: cardbridge_api::ApiSettings {
                mode: self.mode,
                signature_window_ms: doors.signature_window_ms,
                trusted_proxies: doors.trusted_proxies,
                public_url: doors.public_url,
            },
            signers: cardbridge_api::Signers::default(),
            store: self.store,
            vault: self.vault,
            cards: self.cards,
            files: doors.files,
            limits,
            network: self.network,
            challenges: self.challenges,
            mailer: self.mailer,
            random: self.random,
        });
        Services { public: public_service(cardbridge, vm), admin: admin_api::admin_service(admin) }
    }
}
