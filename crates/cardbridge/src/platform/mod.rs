//! The platform put together: from a configuration to two listeners, and back.

mod data_dir;
mod document_files;
mod durability;
mod file_handles;
mod holder;
mod mail;
mod secrets;
mod store_opening;
mod workers;

use std::net::SocketAddr;
use std::sync::Arc;

use api::{
    ApiSettings, ApiState, ListenerSettings, Mode, admin_service, public_service, serve_listener,
};
use authorise::{Authoriser, AuthoriserParts, Challenges};
use cards::{Cards, CardsSettings, IdentityChecks};
use crypto::RsaPool;
use domain::{Clock, Random, SystemRandom};
use files::Files;
use notify::Mailer;
use outbound::{AddressPolicy, Outbound};
use schedule::Schedule;
use scheme::SimulatedNetwork;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vault::Vault;

use crate::config::Config;
use crate::failure::Failure;
use crate::sandbox;
pub use data_dir::{try_lock_file, write_private};

use data_dir::DataDir;
use file_handles::HandleShares;
use holder::OwnIdentity;
use secrets::AdminTokenText;

/// The platform, running.
pub struct Platform {
    addresses: Addresses,
    admin_token: AdminTokenText,
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
    authoriser: Arc<Authoriser>,
    store: Store,
    /// Held until the store is closed.
    _held: (DataDir, OwnIdentity),
}

/// Where the platform is reached.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Base of the public dialects and of every link that goes out.
    pub public_url: String,
    /// The admin listener.
    pub admin_url: String,
}

/// The parts that requests and workers share.
struct Parts {
    store: Store,
    vault: Arc<Vault>,
    pool: Arc<RsaPool>,
    outbound: Outbound,
    cards: Arc<Cards>,
    authoriser: Arc<Authoriser>,
    network: Arc<SimulatedNetwork>,
    schedule: Arc<Schedule>,
    mailer: Arc<Mailer>,
    random: Arc<dyn Random>,
    handles: HandleShares,
}

impl Platform {
    /// Starts everything; requests are accepted when this returns.
    ///
    /// # Errors
    /// One line that says what is in the way.
    pub async fn start(config: Config) -> Result<Self, Failure> {
        let clock = Clock::system();
        crypto::rsa::self_test().map_err(Failure::run)?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let data_dir = DataDir::open(&config)?;
        let admin_token = secrets::admin_token(&config, &data_dir, &*random)?;
        let vault = secrets::vault(&config, &data_dir, Arc::clone(&random))?;
        let listeners = Listeners::bind(&config).await?;
        let identity = OwnIdentity::open(&config, &data_dir, &*random);
        let holder = identity.holder(&listeners.addresses.admin_url);
        let store = store_opening::open(&config, &data_dir, clock, &vault, &holder).await?;
        let handles = file_handles::shares();
        let parts = Parts::assemble(&config, store.clone(), Arc::new(vault), random, handles)?;
        let recovered = parts.authoriser.recover().await.map_err(|error| {
            Failure::run(format_args!("undecided authorisations could not be declined: {error}"))
        })?;
        if recovered > 0 {
            tracing::warn!(recovered, "authorisations that a crash left undecided were declined");
        }
        let addresses = listeners.addresses.clone();
        let public_url = &addresses.public_url;
        let files =
            document_files::open(&config, &data_dir, public_url, &parts.vault, &parts.random)?;
        if config.mode == Mode::Sandbox {
            let identity = sandbox::provision(&parts.store, &parts.vault).await?;
            sandbox::write_file(data_dir.path(), &addresses, admin_token.expose(), &identity)?;
        }
        let authoriser = Arc::clone(&parts.authoriser);
        let (stop, stopped) = watch::channel(false);
        let running = parts.run(&config, &admin_token, files, listeners, &stopped)?;
        let _held = (data_dir, identity);
        tell_of_identity_checks(config.identity_checks);
        Ok(Self { addresses, admin_token, stop, running, authoriser, store, _held })
    }

    /// Where the platform is reached.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The operator's token.
    pub fn admin_token(&self) -> &str {
        self.admin_token.expose()
    }

    /// Waits until another process has this one's node number, and tells so.
    pub async fn number_lost(&self) -> Failure {
        self.store.number_lost().await;
        let node = self.store.ids().node();
        Failure::try_later(format_args!("node: {node} is another process's by now"))
    }

    /// Accepts no more, finishes what is in flight, flushes and closes.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
        self.authoriser.settled().await;
        self.store.close().await;
    }
}

fn tell_of_identity_checks(checks: IdentityChecks) {
    match checks {
        IdentityChecks::Played => tracing::info!(kyc = "played", "the sandbox plays the checks"),
        IdentityChecks::External => tracing::info!(
            kyc = "external",
            "applications for cards are taken: somebody outside checks who applies"
        ),
        IdentityChecks::Missing => tracing::warn!(
            kyc = "none",
            "applications for cards are refused, since nobody checks who applies; \
             kyc = \"external\" would say that somebody outside does"
        ),
    }
}

impl Parts {
    fn assemble(
        config: &Config,
        store: Store,
        vault: Arc<Vault>,
        random: Arc<dyn Random>,
        handles: HandleShares,
    ) -> Result<Self, Failure> {
        let policy = AddressPolicy {
            loopback_allowed: config.mode == Mode::Sandbox,
            https_only: config.mode == Mode::Production,
            allow: config.outbound_allow.clone(),
        };
        let outbound = Outbound::new(policy).map_err(Failure::run)?;
        let settings = CardsSettings {
            order_step_ms: CardsSettings::DEFAULT_ORDER_STEP_MS,
            magic_values: config.mode == Mode::Sandbox,
            identity_checks: config.identity_checks,
        };
        let pool = Arc::new(RsaPool::new(RsaPool::default_threads(), RsaPool::DEFAULT_QUEUE_LIMIT));
        let authoriser = Authoriser::new(AuthoriserParts {
            store: store.clone(),
            vault: Arc::clone(&vault),
            pool: Arc::clone(&pool),
            outbound: outbound.clone(),
            random: Arc::clone(&random),
            vm_settings: Some(config.vm),
            diagnoses_answers: config.mode == Mode::Sandbox,
            max_exchanges: handles.exchanges,
        });
        let workers = workers::all(&store, &vault, &outbound, settings, config.vm);
        let network = SimulatedNetwork::new(store.clone(), vault.clone(), authoriser.clone());
        let mailer = Arc::new(mail::mailer(config, store.clock().clone())?);
        Ok(Self {
            mailer,
            cards: Arc::new(Cards::new(store.clone(), Arc::clone(&vault), settings)),
            network: Arc::new(network),
            schedule: Schedule::new(store.clone(), workers),
            store,
            vault,
            pool,
            outbound,
            authoriser,
            random,
            handles,
        })
    }

    /// Starts the workers and the listeners.
    fn run(
        self,
        config: &Config,
        admin_token: &AdminTokenText,
        files: Files,
        listeners: Listeners,
        stopped: &watch::Receiver<bool>,
    ) -> Result<JoinSet<()>, Failure> {
        let metrics = workers::metrics_recorder()?;
        let mut running = JoinSet::new();
        running.spawn(workers::upkeep(metrics.clone(), stopped.clone()));
        running.spawn(Arc::clone(&self.schedule).run(stopped.clone()));
        let (progress, until) = (self.store.clone(), stopped.clone());
        running.spawn(async move { progress.keep_progress(until).await });
        let state = Arc::new(ApiState {
            settings: ApiSettings {
                mode: config.mode,
                signature_window_ms: ApiSettings::DEFAULT_SIGNATURE_WINDOW_MS,
                trusted_proxies: config.trusted_proxies.clone(),
                public_url: listeners.addresses.public_url.clone(),
                vm: config.vm,
            },
            admin_token: admin_token.for_api(),
            challenges: Challenges::new(self.store.clone(), Arc::clone(&self.vault)),
            store: self.store,
            vault: self.vault,
            pool: self.pool,
            cards: self.cards,
            files,
            network: self.network,
            schedule: self.schedule,
            outbound: self.outbound,
            mailer: self.mailer,
            random: self.random,
            metrics,
        });
        let connections = self.handles.connections_per_listener;
        let places = ListenerSettings::new(connections, config.trusted_proxies.clone());
        let public = public_service(Arc::clone(&state));
        let on_public = serve_listener(listeners.public, public, places.clone(), stopped.clone());
        running.spawn(on_public);
        let admin = admin_service(state);
        running.spawn(serve_listener(listeners.admin, admin, places, stopped.clone()));
        Ok(running)
    }
}

/// Both listeners, bound before anything is written, so that a taken port costs nothing.
struct Listeners {
    public: TcpListener,
    admin: TcpListener,
    addresses: Addresses,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, Failure> {
        let (public, public_address) = bind("listen", config.listen).await?;
        let (admin, admin_address) = bind("admin-listen", config.admin_listen).await?;
        let public_url =
            config.public_url.clone().unwrap_or_else(|| format!("http://{public_address}"));
        let addresses = Addresses { public_url, admin_url: format!("http://{admin_address}") };
        Ok(Self { public, admin, addresses })
    }
}

async fn bind(
    option: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused = |error: std::io::Error| {
        Failure::run(format_args!("{option}: {address} should be free to listen on: {error}"))
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}
