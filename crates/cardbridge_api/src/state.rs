//! The state of the handlers, put together by `platform`.

use std::sync::Arc;

use authorise::Challenges;
use cards::Cards;
use domain::{Mode, Random};
use files::Files;
use ipnet::IpNet;
use listener::limiter::SharedLimits;
use mail::Mailer;
use scheme::SimulatedNetwork;
use store::Store;
use vault::Vault;

use crate::signers::Signers;

/// The configuration.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Sandbox or production.
    pub mode: Mode,
    /// The largest difference between a signed request's timestamp and real time, milliseconds
    /// (cardbridge-open-api.md section 3.4).
    pub signature_window_ms: i64,
    /// Peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Base of every link that goes out, without a trailing slash.
    pub public_url: String,
}

/// The parts of the platform that requests reach.
pub struct ApiState {
    /// The configuration.
    pub settings: ApiSettings,
    /// The store.
    pub store: Store,
    /// Signers that are known.
    pub signers: Signers,
    /// Secrets, sealed and opened.
    pub vault: Arc<Vault>,
    /// Orders and cards.
    pub cards: Arc<Cards>,
    /// Uploaded documents.
    pub files: Arc<Files>,
    /// Rate limits.
    pub limits: Arc<SharedLimits>,
    /// The card network, played.
    pub network: Arc<SimulatedNetwork>,
    /// 3DS challenges.
    pub challenges: Challenges,
    /// Sends mail and short messages.
    pub mailer: Arc<Mailer>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
}
