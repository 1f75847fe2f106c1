//! Every route of dialect 1.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, get, post};
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use wire::cardbridge::{
    card as card_wire, enterprise as enterprise_wire, order, path, simulation as simulation_wire,
};

use super::guard::{Guard, guard};
use super::reply::{Failure, transport_failure};
use super::{card, card_order, enterprise, simulation};
use crate::shell::{self, HttpService, Shell};
use crate::state::ApiState;

/// The public listener's service.
#[must_use]
pub fn public_service(state: Arc<ApiState>) -> HttpService {
    let shell = Shell {
        listener: "public",
        rewrite: normalise_path,
        internal_error: || Failure::internal().into_response(),
    };
    let random = Arc::clone(&state.random);
    shell::wrap(shell, random, router(state))
}

/// One operation of dialect 1.
struct Route {
    path: &'static str,
    /// Published weight; ours where none is published.
    weight: u64,
    handler: MethodRouter<Arc<ApiState>>,
}

const fn route(path: &'static str, weight: u64, handler: MethodRouter<Arc<ApiState>>) -> Route {
    Route { path, weight, handler }
}

/// The whole table of dialect 1.
fn table() -> Vec<Route> {
    vec![
        route(order::APPLY_VIRTUAL_PATH, 10, post(card_order::apply_virtual)),
        route(order::DETAIL_PATH, 1, get(card_order::detail)),
        route(card_wire::DETAIL_PATH, 1, get(card::detail)),
        route(card_wire::LIST_PATH, 5, get(card::list)),
        route(card_wire::FREEZE_PATH, 10, post(card::freeze)),
        route(card_wire::TERMINATE_PATH, 10, post(card::terminate)),
        route(enterprise_wire::BALANCE_PATH, 1, get(enterprise::balance)),
        route(simulation_wire::FUND_AUTH_PATH, 10, post(simulation::fund_auth)),
    ]
}

/// The paths of dialect 1, each with one method.
#[must_use]
pub fn public_paths() -> Vec<&'static str> {
    table().into_iter().map(|route| route.path).collect()
}

fn router(state: Arc<ApiState>) -> Router {
    let weights = table().into_iter().map(|route| (route.path, route.weight)).collect();
    let guarded = from_fn_with_state(Arc::new(Guard::new(Arc::clone(&state), weights)), guard);
    let routes = table()
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.handler));
    routes
        .route_layer(guarded)
        // After the guard, so that neither needs a signature.
        .method_not_allowed_fallback(async || transport_failure(StatusCode::METHOD_NOT_ALLOWED))
        .fallback(async || transport_failure(StatusCode::NOT_FOUND))
        .with_state(state)
}

/// Repeated slashes and a stray leading brace, before routing (DESIGN decision 14).
fn normalise_path(request: &mut Request<Body>) {
    let normal = path::normalise(request.uri().path());
    if *normal == *request.uri().path() {
        return;
    }
    let target = match request.uri().query() {
        Some(query) => format!("{normal}?{query}"),
        None => normal.into_owned(),
    };
    // What is left of a valid target is valid; were it not, it would be an unknown path.
    if let Ok(path_and_query) = target.parse::<PathAndQuery>() {
        *request.uri_mut() = Uri::from(path_and_query);
    }
}
