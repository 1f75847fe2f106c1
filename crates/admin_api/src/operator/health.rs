//! Liveness, readiness and metrics, all without a token.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Mode;
use scheme::{Link, LinkState};
use serde::Serialize;

use crate::problem::Problem;
use crate::state::ApiState;

/// The state of the process.
#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
    /// In production, the state of each link to a card network.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<BTreeMap<String, &'static str>>,
    /// What an operator should know although the process works.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// A warning of production.
const NO_LINK: &str = "no network link is configured: no purchase can arrive";
/// A warning, since links come up and go down while the process is well.
const NO_LINK_UP: &str = "no network link is up: no purchase can arrive";

impl Health {
    const fn of(status: &'static str) -> Self {
        Self { status, links: None, warning: None }
    }
}

/// `GET /healthz`.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health::of("ok"))
}

/// `GET /readyz`: succeeds if a purchase would find the store working and the process does not
/// stop.
pub(crate) async fn readyz(State(state): State<Arc<ApiState>>) -> Result<Json<Health>, Problem> {
    if *state.draining.borrow() {
        return Err(Problem::stopping());
    }
    match state.store.check_ready().await {
        Ok(()) => {
            let ready = Health::of("ready");
            Ok(Json(match state.settings.mode {
                Mode::Sandbox => ready,
                Mode::Production => with_links(ready, &state.links),
            }))
        }
        Err(error) => {
            tracing::error!(%error, "not ready: the store does not take writes");
            Err(Problem::unavailable())
        }
    }
}

/// In production, purchases come by links alone. Whether the process is ready does not depend on
/// them.
fn with_links(health: Health, links: &[Arc<Link>]) -> Health {
    let states = links.iter().map(|link| (link.settings().name.clone(), link.status().state));
    let states: Vec<_> = states.collect();
    let is_up = states.iter().any(|(_, state)| *state == LinkState::Up);
    let warning = match (states.is_empty(), is_up) {
        (true, _) => Some(NO_LINK),
        (false, false) => Some(NO_LINK_UP),
        (false, true) => None,
    };
    let links = states.into_iter().map(|(name, state)| (name, state.as_str())).collect();
    Health { links: Some(links), warning, ..health }
}

/// `GET /metrics`, in Prometheus' text form.
pub(crate) async fn metrics(State(state): State<Arc<ApiState>>) -> String {
    state.metrics.render()
}
