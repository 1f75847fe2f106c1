//! A whole platform in the test's process: both listeners on free ports.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use api::{AdminToken, ApiSettings, ApiState, Mode};
use authorise::{
    Authoriser, AuthoriserParts, Challenges, HoldExpiryWorker, challenge_expiry_worker,
};
use cards::{
    Cards, CardsSettings, IdentityChecks, intent_ticket_worker, kyc_review_worker, order_worker,
};
use crypto::RsaPool;
use domain::{Clock, IdGenerator, SystemRandom};
use files::{EmbeddedFiles, EmbeddedSettings, Files};
use metrics_exporter_prometheus::PrometheusBuilder;
use notify::{Mailer, SettlementWorker, SmtpSettings, WebhookWorker, recut_worker};
use outbound::{AddressPolicy, Outbound};
use schedule::{Schedule, Worker};
use scheme::SimulatedNetwork;
use serde_json::{Value, json};
use store::{Location, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vault::{MasterKey, Vault};
use wire::vm::VmSettings;

use crate::http::{Answer, Request, send};
use crate::operator_described;

pub const ADMIN_TOKEN: &str = "test-token";
/// Base of every link that goes out.
pub const PUBLIC_URL: &str = "https://cards.example";

/// How far a signature's time may be off: longer than any machine takes from signing to
/// verifying, where a server's own five seconds may not be.
pub const WINDOW_MS: i64 = 300_000;

/// The platform under test.
pub struct Platform {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub store: Store,
    pub state: Arc<ApiState>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    /// Where uploaded documents are kept.
    pub files: TempDir,
}

impl Platform {
    pub async fn start(location: Location) -> Self {
        Self::start_in(location, Mode::Sandbox).await
    }

    pub async fn start_in(location: Location, mode: Mode) -> Self {
        Self::start_with(location, mode, None).await
    }

    /// In production, where nobody checks who applies for cards.
    pub async fn start_unchecked(location: Location) -> Self {
        let (mode, telling) = (Mode::Production, VmSettings::default());
        Self::start_whole(location, mode, None, telling, IdentityChecks::Missing).await
    }

    /// With mail by a server.
    pub async fn start_with(location: Location, mode: Mode, smtp: Option<SmtpSettings>) -> Self {
        Self::start_of(location, mode, smtp, VmSettings::default()).await
    }

    /// In the sandbox, with other settings of dialect 2.
    pub async fn start_telling(location: Location, telling: VmSettings) -> Self {
        Self::start_of(location, Mode::Sandbox, None, telling).await
    }

    async fn start_of(
        location: Location,
        mode: Mode,
        smtp: Option<SmtpSettings>,
        telling: VmSettings,
    ) -> Self {
        Self::start_whole(location, mode, smtp, telling, IdentityChecks::External).await
    }

    async fn start_whole(
        location: Location,
        mode: Mode,
        smtp: Option<SmtpSettings>,
        telling: VmSettings,
        identity_checks: IdentityChecks,
    ) -> Self {
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let store = Store::open(location, clock.clone(), ids).await.unwrap();
        let files = tempfile::tempdir().unwrap();
        let state = Arc::new(parts(&store, mode, files.path(), smtp, telling, identity_checks));
        let (stop, stopped) = watch::channel(false);
        let (public, public_task) =
            listen(api::public_service(Arc::clone(&state)), stopped.clone()).await;
        let (admin, admin_task) = listen(api::admin_service(Arc::clone(&state)), stopped).await;
        let listeners = vec![public_task, admin_task];
        Self { public, admin, store, state, stop, listeners, files }
    }

    pub async fn stop(self) {
        self.stop.send_replace(true);
        for listener in self.listeners {
            listener.await.unwrap();
        }
        self.store.close().await;
    }

    /// Sends a request with the operator's token.
    pub async fn admin(&self, request: Request) -> Answer {
        let request = request.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        let answer = send(self.admin, &request).await;
        operator_described::require_described(request.method, &request.target, &answer);
        answer
    }

    pub async fn admin_get(&self, path: &str) -> Answer {
        self.admin(Request::get(path)).await
    }

    pub async fn admin_post(&self, path: &str, body: &Value) -> Answer {
        self.admin(Request::post(path, body.to_string())).await
    }

    pub async fn admin_patch(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path, body.to_string());
        self.admin(Request { method: "PATCH", ..request }).await
    }

    /// A call that must succeed.
    pub async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.admin_post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Moves business time, so that everything due happens.
    pub async fn advance(&self, seconds: u32) {
        self.done("/sandbox/v1/clock/advance", json!({ "seconds": seconds })).await;
    }

    /// `ledger verify` finds nothing.
    pub async fn assert_ledger_adds_up(&self) {
        let report = self.admin_get("/admin/v1/ledger/verify").await.json();
        assert_eq!(report["ok"], true, "{report}");
    }
}

fn parts(
    store: &Store,
    mode: Mode,
    files: &Path,
    smtp: Option<SmtpSettings>,
    telling: VmSettings,
    identity_checks: IdentityChecks,
) -> ApiState {
    let random = Arc::new(SystemRandom);
    let vault =
        Arc::new(Vault::new(MasterKey::from_hex(&"5a".repeat(32)).unwrap(), random.clone()));
    let policy = AddressPolicy { loopback_allowed: true, ..AddressPolicy::default() };
    let outbound = Outbound::new(policy).unwrap();
    let settings = CardsSettings { order_step_ms: 200, magic_values: true, identity_checks };
    let orders = order_worker(store.clone(), Arc::clone(&vault), settings);
    let kyc = kyc_review_worker(store.clone(), Arc::clone(&vault), settings);
    let intents = intent_ticket_worker(store.clone(), Arc::clone(&vault), settings);
    let holds = HoldExpiryWorker::new(store.clone(), Some(telling));
    let settlement = SettlementWorker::new(store.clone());
    let pool = Arc::new(RsaPool::new(1, 64));
    let authoriser = Authoriser::new(AuthoriserParts {
        store: store.clone(),
        vault: Arc::clone(&vault),
        pool: Arc::clone(&pool),
        outbound: outbound.clone(),
        random: random.clone(),
        vm_settings: Some(telling),
        diagnoses_answers: true,
        max_exchanges: 64,
    });
    let workers: Vec<Arc<dyn Worker>> = vec![
        Arc::new(orders),
        Arc::new(kyc),
        Arc::new(intents),
        Arc::new(holds),
        Arc::new(settlement),
        Arc::new(recut_worker(store.clone())),
        Arc::new(challenge_expiry_worker(store.clone())),
        Arc::new(WebhookWorker::new(store.clone(), Arc::clone(&vault), outbound.clone())),
    ];
    ApiState {
        challenges: Challenges::new(store.clone(), Arc::clone(&vault)),
        settings: ApiSettings {
            mode,
            signature_window_ms: WINDOW_MS,
            trusted_proxies: vec!["127.0.0.2/32".parse().unwrap()],
            public_url: PUBLIC_URL.to_owned(),
            vm: telling,
        },
        admin_token: AdminToken::new(ADMIN_TOKEN),
        store: store.clone(),
        vault: Arc::clone(&vault),
        pool,
        cards: Arc::new(Cards::new(store.clone(), Arc::clone(&vault), settings)),
        files: embedded_files(files, &vault),
        network: Arc::new(SimulatedNetwork::new(store.clone(), vault, authoriser)),
        schedule: Schedule::new(store.clone(), workers),
        outbound,
        mailer: Arc::new(mailer(store, mode, smtp)),
        random,
        metrics: PrometheusBuilder::new().build_recorder().handle(),
    }
}

fn mailer(store: &Store, mode: Mode, smtp: Option<SmtpSettings>) -> Mailer {
    let clock = store.clock().clone();
    match mode {
        Mode::Sandbox => Mailer::sandbox(clock, smtp).unwrap(),
        Mode::Production => Mailer::production(clock, smtp).unwrap(),
    }
}

fn embedded_files(directory: &Path, vault: &Arc<Vault>) -> Files {
    let settings = EmbeddedSettings {
        directory: directory.to_owned(),
        public_url: PUBLIC_URL.to_owned(),
        node: 1,
        reserve_bytes: 0,
        daily_bytes: EmbeddedSettings::DEFAULT_DAILY_BYTES,
    };
    Files::Embedded(
        EmbeddedFiles::open(settings, Arc::clone(vault), Arc::new(SystemRandom)).unwrap(),
    )
}

async fn listen(
    service: api::HttpService,
    stop: watch::Receiver<bool>,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = api::ListenerSettings::new(api::MAX_CONNECTIONS, Vec::new());
    (address, tokio::spawn(api::serve_listener(listener, service, settings, stop)))
}
