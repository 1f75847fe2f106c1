//! A whole platform in the test's process: both listeners on free ports.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use ::platform::{Doors, Ground, Parts};
use admin_api::AdminToken;
use cards::{CardsSettings, IdentityChecks};
use crypto::RsaPool;
use domain::{BusinessDay, Clock, IdGenerator, Mode, SystemRandom};
use files::{EmbeddedFiles, EmbeddedSettings, Files};
use listener::{HttpService, ListenerSettings, MAX_CONNECTIONS, Stop, serve_listener};
use mail::{Mailer, SmtpSettings};
use metrics_exporter_prometheus::PrometheusBuilder;
use outbound::{AddressPolicy, Outbound};
use serde_json::{Value, json};
use store::{Location, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use vault::Vault;
use wire::vm::VmSettings;

use crate::http::{Answer, Request, send};
use crate::operator_described;
use crate::records::vault;

pub const ADMIN_TOKEN: &str = "test-token";
/// Base of every link that goes out.
pub const PUBLIC_URL: &str = "https://cards.example";

/// The largest difference between a signature's time and the platform's: longer than any machine
/// takes from signing to verifying, unlike a server's own five seconds.
pub const WINDOW_MS: i64 = 300_000;

/// The platform under test.
pub struct Platform {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub store: Store,
    /// The parts that requests and workers share.
    pub parts: Parts,
    /// The store that documents are uploaded to.
    pub uploads: Arc<Files>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    /// The directory of uploaded documents.
    pub files: TempDir,
}

impl Platform {
    pub async fn start(location: Location) -> Self {
        Self::start_in(location, Mode::Sandbox).await
    }

    pub async fn start_in(location: Location, mode: Mode) -> Self {
        Self::start_with(location, mode, None).await
    }

    /// In production, where nobody checks the people who apply for cards.
    pub async fn start_unchecked(location: Location) -> Self {
        let (mode, telling) = (Mode::Production, VmSettings::default());
        Self::start_whole(location, mode, None, telling, IdentityChecks::Missing).await
    }

    /// With mail through a server.
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
        let parts = Parts::assemble(ground(&store, mode, smtp, telling, identity_checks));
        let uploads = Arc::new(embedded_files(files.path(), &parts.vault));
        let (stop, stopped) = watch::channel(false);
        let services = parts.clone().services(Doors {
            signature_window_ms: WINDOW_MS,
            trusted_proxies: vec!["127.0.0.2/32".parse().unwrap()],
            public_url: PUBLIC_URL.to_owned(),
            admin_token: AdminToken::new(ADMIN_TOKEN),
            files: Arc::clone(&uploads),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            links: Vec::new(),
            draining: stopped.clone(),
        });
        let (public, public_task) = listen(services.public, stopped.clone()).await;
        let (admin, admin_task) = listen(services.admin, stopped).await;
        let listeners = vec![public_task, admin_task];
        Self { public, admin, store, parts, uploads, stop, listeners, files }
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

    /// Makes a call that must succeed.
    pub async fn done(&self, path: &str, body: Value) -> Value {
        let answer = self.admin_post(path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// Advances business time, so everything due happens.
    pub async fn advance(&self, seconds: u32) {
        self.done("/sandbox/v1/clock/advance", json!({ "seconds": seconds })).await;
    }

    /// Advances business time to noon (UTC+8) of the next day, so no test crosses midnight.
    pub async fn at_noon(&self) -> BusinessDay {
        let now = self.store.clock().now();
        let noon = BusinessDay::of(now).end().plus_seconds(12 * 60 * 60);
        self.advance(u32::try_from(noon.millis_since(now) / 1_000 + 1).unwrap()).await;
        BusinessDay::of(self.store.clock().now())
    }

    /// Asserts that `ledger verify` finds nothing.
    pub async fn assert_ledger_adds_up(&self) {
        let report = self.admin_get("/admin/v1/ledger/verify").await.json();
        assert_eq!(report["ok"], true, "{report}");
    }
}

fn ground(
    store: &Store,
    mode: Mode,
    smtp: Option<SmtpSettings>,
    telling: VmSettings,
    identity_checks: IdentityChecks,
) -> Ground {
    let random = Arc::new(SystemRandom);
    let policy = AddressPolicy { loopback_allowed: true, ..AddressPolicy::default() };
    Ground {
        mode,
        store: store.clone(),
        vault: vault(random.clone()),
        pool: RsaPool::new(1, 64),
        outbound: Outbound::new(policy).unwrap(),
        mailer: mailer(store, mode, smtp),
        random,
        cards: CardsSettings { order_step_ms: 200, magic_values: true, identity_checks },
        vm: telling,
        retention: None,
        max_exchanges: 64,
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
    service: HttpService,
    stopped: watch::Receiver<bool>,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = ListenerSettings::new(MAX_CONNECTIONS, Vec::new());
    let stop = Stop { draining: stopped.clone(), stopped };
    (address, tokio::spawn(serve_listener(listener, service, settings, stop)))
}
