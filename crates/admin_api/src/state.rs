//! The state of the handlers, put together by `platform`.

use std::sync::Arc;

use authorise::Challenges;
use cards::Cards;
use domain::{Mode, Random};
use files::Files;
use mail::Mailer;
use metrics_exporter_prometheus::PrometheusHandle;
use outbound::Outbound;
use schedule::Schedule;
use scheme::{Link, SimulatedNetwork};
use store::Store;
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use vault::Vault;
use zeroize::Zeroizing;

/// The operator's bearer token.
pub struct AdminToken(Zeroizing<String>);

impl AdminToken {
    /// Takes the token's text; surrounding blanks and line ends are dropped.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// True if `offered` is the token, in time that depends on lengths only. An empty token matches
    /// nothing.
    #[must_use]
    pub(crate) fn matches(&self, offered: &str) -> bool {
        !self.0.is_empty() && bool::from(self.0.as_bytes().ct_eq(offered.as_bytes()))
    }
}

/// The configuration.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Sandbox or production.
    pub mode: Mode,
    /// Base of every link that goes out, without a trailing slash.
    pub public_url: String,
}

/// The parts of the platform that requests reach.
pub struct ApiState {
    /// The configuration.
    pub settings: ApiSettings,
    /// The operator's token.
    pub admin_token: AdminToken,
    /// The store.
    pub store: Store,
    /// Secrets, sealed and opened.
    pub vault: Arc<Vault>,
    /// Orders and cards.
    pub cards: Arc<Cards>,
    /// Uploaded documents.
    pub files: Arc<Files>,
    /// The card network, played.
    pub network: Arc<SimulatedNetwork>,
    /// Links to card networks.
    pub links: Vec<Arc<Link>>,
    /// True once a stop has begun.
    pub draining: watch::Receiver<bool>,
    /// 3DS challenges.
    pub challenges: Challenges,
    /// Business time and its workers.
    pub schedule: Arc<Schedule>,
    /// Vets the URLs that operators set.
    pub outbound: Outbound,
    /// Sends mail and short messages.
    pub mailer: Arc<Mailer>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
}

#[cfg(test)]
mod tests {
    use super::AdminToken;

    #[test]
    fn a_token_matches_itself_only() {
        let token = AdminToken::new("secret\n");
        assert!(token.matches("secret"));
        for other in ["", "secre", "secret ", "Secret", "secrets"] {
            assert!(!token.matches(other), "{other}");
        }
        assert!(!AdminToken::new(" \n").matches(""));
    }
}
