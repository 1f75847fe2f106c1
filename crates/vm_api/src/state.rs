//! The state of the handlers, put together by `platform`.

use std::sync::Arc;

use cards::Cards;
use crypto::RsaPool;
use domain::Mode;
use ipnet::IpNet;
use listener::limiter::SharedLimits;
use store::Store;
use vault::Vault;
use wire::vm::VmSettings;

/// The configuration.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Sandbox or production.
    pub mode: Mode,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The configuration of this dialect.
    pub vm: VmSettings,
}

/// The parts of the platform that requests reach.
pub struct ApiState {
    /// The configuration.
    pub settings: ApiSettings,
    /// The store.
    pub store: Store,
    /// Secrets, sealed and opened.
    pub vault: Arc<Vault>,
    /// Threads for RSA, shared with the authorisations.
    pub pool: Arc<RsaPool>,
    /// Cards.
    pub cards: Arc<Cards>,
    /// Rate limits.
    pub limits: Arc<SharedLimits>,
}
