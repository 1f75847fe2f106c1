//! The platform: from a configuration to its listeners, and back.

use std::sync::Arc;
use std::time::Duration;

use authorise::Authoriser;
use cards::{CardsSettings, IdentityChecks};
use crypto::RsaPool;
use domain::{Clock, Mode, Random, SystemRandom};
use feed::Numberer;
use listener::{ListenerSettings, Stop, serve_listener};
use outbound::{AddressPolicy, Outbound};
use scheme::{Intake, Link, LinkSettings, keep_keys, serve_link};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use vault::Vault;

use crate::assembly::{Doors, Ground, Parts};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::file_handles::{self, HandleShares};
use crate::holder::OwnIdentity;
use crate::listeners::{Addresses, Listeners};
use crate::secrets::{self, AdminTokenText};
use crate::{document_files, exports, link_secrets, mail, sandbox, store_opening, workers};

/// The longest time for a stop: whoever asks for it kills what takes 30 s.
const STOP_DEADLINE: Duration = Duration::from_secs(25);
/// The part of it that is left for closing the store.
const CLOSING_TIME: Duration = Duration::from_secs(6);

/// The running platform.
pub struct Platform {
    addresses: Addresses,
    admin_token: AdminTokenText,
    drain_time: Duration,
    drain: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    running: JoinSet<()>,
    authoriser: Arc<Authoriser>,
    store: Store,
    /// Held until the store is closed.
    _held: (DataDir, OwnIdentity),
}

impl Platform {
    /// Starts everything; requests are accepted when this returns.
    ///
    /// # Errors
    /// One line that says what prevents it.
    pub async fn start(mut config: Config) -> Result<Self, Failure> {
        let clock = Clock::system();
        let link_connections = config.links.iter().map(|link| link.mode.max_connections()).sum();
        let handles = file_handles::shares(link_connections)?;
        crypto::rsa::self_test().map_err(Failure::run)?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let data_dir = DataDir::open(&config)?;
        let admin_token = secrets::admin_token(&config, &data_dir, &*random)?;
        let vault = secrets::vault(&config, &data_dir, Arc::clone(&random))?;
        link_secrets::load(&config, &vault, clock.real_now())?;
        let listeners = Listeners::bind(&config).await?;
        let identity = OwnIdentity::open(&config, &data_dir, &*random);
        let holder = identity.holder(&listeners.addresses.admin_url);
        let store = store_opening::open(&config, &data_dir, clock, &vault, &holder).await?;
        let parts =
            Parts::assemble(ground(&config, store.clone(), Arc::new(vault), random, handles)?);
        let recovered = parts.authoriser.recover().await.map_err(|error| {
            Failure::run(format_args!("undecided authorisations could not be declined: {error}"))
        })?;
        if recovered > 0 {
            tracing::warn!(recovered, "authorisations that a crash left undecided were declined");
        }
        let addresses = listeners.addresses.clone();
        let public_url = &addresses.public_url;
        let files = document_files::open(&config, &data_dir, public_url, &parts)?;
        if config.mode == Mode::Sandbox {
            let identity = sandbox::provision(&parts.store, &parts.vault).await?;
            sandbox::write_file(data_dir.path(), &addresses, admin_token.expose(), &identity)?;
        }
        let authoriser = Arc::clone(&parts.authoriser);
        let links = links(std::mem::take(&mut config.links), &listeners, &parts);
        load_keys(&links).await?;
        let (drain, draining) = watch::channel(false);
        let (stop, stopped) = watch::channel(false);
        let doors = Doors {
            signature_window_ms: config.signature_window_ms,
            trusted_proxies: config.trusted_proxies.clone(),
            public_url: addresses.public_url.clone(),
            admin_token: admin_token.for_api(),
            files: Arc::new(files),
            metrics: workers::metrics_recorder()?,
            links: links.clone(),
            draining: draining.clone(),
        };
        let places =
            ListenerSettings::new(handles.connections_per_listener, config.trusted_proxies);
        let steps = Stop { draining, stopped };
        let running = run(parts, doors, listeners, &links, places, &steps);
        let _held = (data_dir, identity);
        tell_of_identity_checks(config.identity_checks);
        if config.mode == Mode::Production {
            report_links(&links);
        }
        let drain_time = config.drain;
        Ok(Self {
            addresses,
            admin_token,
            drain_time,
            drain,
            stop,
            running,
            authoriser,
            store,
            _held,
        })
    }

    /// The addresses of the platform.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The operator's token.
    pub fn admin_token(&self) -> &str {
        self.admin_token.expose()
    }

    /// Waits until another process has this one's node number, and returns that failure.
    pub async fn number_lost(&self) -> Failure {
        self.store.number_lost().await;
        let node = self.store.ids().node();
        Failure::try_later(format_args!("node: {node} is another process's by now"))
    }

    /// Stops within [`STOP_DEADLINE`]: first it is not ready, links sign off and no work is begun,
    /// while requests are still taken; then it accepts no more, finishes what is in flight, flushes
    /// and closes.
    pub async fn stop(mut self) {
        let deadline = Instant::now() + STOP_DEADLINE;
        self.drain.send_replace(true);
        sleep(self.drain_time).await;
        self.stop.send_replace(true);
        let ended = async { while self.running.join_next().await.is_some() {} };
        if timeout_at(deadline - CLOSING_TIME, ended).await.is_err() {
            tracing::warn!(open = self.running.len(), "work cut off at the deadline of the stop");
        }
        self.running.shutdown().await;
        let closed = async {
            self.authoriser.settled().await;
            self.store.close().await;
        };
        if timeout_at(deadline, closed).await.is_err() {
            tracing::warn!("the store was not closed in time: its next start recovers");
        }
    }
}

async fn load_keys(links: &[Arc<Link>]) -> Result<(), Failure> {
    for link in links {
        link.load_keys().await.map_err(|error| {
            let name = &link.settings().name;
            Failure::run(format_args!("the keys of link {name} could not be read: {error}"))
        })?;
    }
    Ok(())
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

/// In production, purchases come by links alone.
fn report_links(links: &[Arc<Link>]) {
    if links.is_empty() {
        return tracing::warn!("no network link is configured: no purchase can arrive");
    }
    for link in links {
        let (name, state) = (&link.settings().name, link.status().state.as_str());
        tracing::info!(link = name, state, "a network link is configured");
    }
}

/// Builds the configured parts.
fn ground(
    config: &Config,
    store: Store,
    vault: Arc<Vault>,
    random: Arc<dyn Random>,
    handles: HandleShares,
) -> Result<Ground, Failure> {
    let policy = AddressPolicy {
        loopback_allowed: config.mode == Mode::Sandbox,
        https_only: config.mode == Mode::Production,
        allow: config.outbound_allow.clone(),
    };
    let retention = match config.retention_months {
        Some(months) => Some((months, exports::place(config, store.clock())?)),
        None => None,
    };
    Ok(Ground {
        mode: config.mode,
        mailer: mail::mailer(config, store.clock().clone())?,
        store,
        vault,
        pool: RsaPool::new(RsaPool::default_threads(), RsaPool::DEFAULT_QUEUE_LIMIT),
        outbound: Outbound::new(policy).map_err(Failure::run)?,
        random,
        cards: CardsSettings {
            order_step_ms: CardsSettings::DEFAULT_ORDER_STEP_MS,
            magic_values: config.mode == Mode::Sandbox,
            identity_checks: config.identity_checks,
        },
        vm: config.vm,
        retention,
        max_exchanges: handles.exchanges,
    })
}

/// The configured links.
fn links(settings: Vec<LinkSettings>, listeners: &Listeners, parts: &Parts) -> Vec<Arc<Link>> {
    let Parts { store, vault, authoriser, random, .. } = parts;
    let intake = Intake::new(store.clone(), Arc::clone(vault), Arc::clone(authoriser));
    let link = |settings: LinkSettings| {
        let address = listeners.addresses.links.get(&settings.name).copied();
        Link::new(settings, address, intake.clone(), Arc::clone(random))
    };
    settings.into_iter().map(link).collect()
}

/// Starts the workers and the listeners.
fn run(
    parts: Parts,
    doors: Doors,
    listeners: Listeners,
    links: &[Arc<Link>],
    places: ListenerSettings,
    stop: &Stop,
) -> JoinSet<()> {
    let Stop { draining, stopped } = stop;
    let mut running = JoinSet::new();
    running.spawn(workers::upkeep(doors.metrics.clone(), parts.store.clone(), stopped.clone()));
    running.spawn(Arc::clone(&parts.schedule).run(draining.clone()));
    let (authoriser, until) = (Arc::clone(&parts.authoriser), draining.clone());
    running.spawn(async move { authoriser.keep_ending_left_behind(until).await });
    running.spawn(Numberer::new(parts.store.clone()).keep_numbering(stopped.clone()));
    let (progress, until) = (parts.store.clone(), stopped.clone());
    running.spawn(async move { progress.keep_progress(until).await });
    for (listener, link) in listeners.links.into_iter().zip(links) {
        running.spawn(keep_keys(Arc::clone(link), draining.clone()));
        running.spawn(serve_link(listener, Arc::clone(link), draining.clone()));
    }
    let services = parts.services(doors);
    for (listener, service) in
        [(listeners.public, services.public), (listeners.admin, services.admin)]
    {
        running.spawn(serve_listener(listener, service, places.clone(), stop.clone()));
    }
    running
}
