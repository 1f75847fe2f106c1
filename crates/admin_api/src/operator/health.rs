//! Liveness, readiness and metrics, all without a token.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::problem::Problem;
use crate::state::ApiState;

/// The state of the process.
#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

/// `GET /healthz`.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// `GET /readyz`: succeeds if a purchase would find the store working.
pub(crate) async fn readyz(State(state): State<Arc<ApiState>>) -> Result<Json<Health>, Problem> {
    match state.store.check_ready().await {
        Ok(()) => Ok(Json(Health { status: "ready" })),
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
