//! The admin listener: the operator API, the sandbox API and the three routes that need no token.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::get;
use domain::Mode;
use listener::document::document_route;
use listener::shell::{self, HttpService, Shell, mark_route};
use serde_json::Value;

use super::table::table;
use super::{guard, health, openapi};
use crate::problem::Problem;
use crate::route::Group;
use crate::sandbox;
use crate::state::ApiState;

const DOCUMENT_PATH: &str = "/admin/v1/openapi.json";

/// The admin listener's service.
#[must_use]
pub fn admin_service(state: Arc<ApiState>) -> HttpService {
    let shell = Shell {
        listener: "admin",
        rewrite: |_| {},
        internal_error: || Problem::internal().into_response(),
    };
    let random = Arc::clone(&state.random);
    shell::wrap(shell, random, router(state))
}

/// The table of a mode.
fn groups(mode: Mode) -> Vec<Group> {
    let mut groups = table();
    if mode == Mode::Sandbox {
        groups.push(sandbox::routes());
    }
    groups
}

/// The OpenAPI document of the routes that a mode has.
#[must_use]
pub fn openapi_document(mode: Mode) -> Value {
    openapi::document(groups(mode), mode)
}

fn router(state: Arc<ApiState>) -> Router {
    let mode = state.settings.mode;
    let mut guarded = Router::new().route(DOCUMENT_PATH, document_route(&openapi_document(mode)));
    for route in groups(mode).into_iter().flat_map(|group| group.routes) {
        guarded = guarded.route(route.path, route.method_router());
    }
    let guarded = guarded
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(async || Problem::not_found("path"))
        .layer(from_fn_with_state(Arc::clone(&state), guard::guard))
        .route_layer(from_fn(mark_route));
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .merge(guarded)
        .with_state(state)
}
