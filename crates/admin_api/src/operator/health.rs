//! Liveness, readiness and metrics, all without a token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::Mode;
use serde::Serialize;

use crate::problem::Problem;
use crate::state::ApiState;

/// The state of the process.
#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
    /// What an operator should know although the process works.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

/// In production, purchases come by links alone.
const NO_LINK: &str = "no network link is configured: no purchase can arrive";

impl Health {
    const fn of(status: &'static str) -> Self {
        Self { status, warning: None }
    }
}

/// `GET /healthz`.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health::of("ok"))
}

/// `GET /readyz`: succeeds if a purchase would find the store working.
pub(crate) async fn readyz(State(state): State<Arc<ApiState>>) -> Result<Json<Health>, Problem> {
    match state.store.check_ready().await {
        Ok(()) => {
            let lacks_link = state.settings.mode == Mode::Production && state.links.is_empty();
            Ok(Json(Health { warning: lacks_link.then_some(NO_LINK), ..Health::of("ready") }))
        }
        Err(error) => {
            tracing::error!(%error, "not ready: the store does not take writes");
            Err(Problem::unavailable())
        }
    }
}

/// `GET /metrics`, in Prometheus' text form.
pub(crate) async fn metrics(State(state): State<Arc<ApiState>>) -> String {
    state.metrics.render()
}
