//! Every route of the admin listener.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;

use super::health;
use crate::problem::Problem;
use crate::shell::{self, HttpService, Shell};
use crate::state::ApiState;

/// The admin listener's service.
#[must_use]
pub fn admin_service(state: Arc<ApiState>) -> HttpService {
    let shell = Shell {
        listener: "admin",
        rewrite: |_| {},
        internal_error: || Problem::internal().into_response(),
    };
    let random = Arc::clone(&state.random);
    let router = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(async || Problem::not_found("path"))
        .with_state(state);
    shell::wrap(shell, random, router)
}
