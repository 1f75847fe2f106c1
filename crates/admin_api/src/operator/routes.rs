//! Every route of the operator API, and the admin listener made of it, of the sandbox
//! API and of the three routes that need no token.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::get;
use domain::Mode;
use listener::document::document_route;
use listener::shell::{self, HttpService, Shell, mark_route};
use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    api_keys, authorisations, cards, deliveries, documents, enterprises, funds, fx_rates, guard,
    health, jobs, key_extraction, ledger, openapi, outstandings, plastic, profiles, recon, reveals,
    tickets, transactions, vm_apps, vm_products,
};
use crate::problem::Problem;
use crate::sandbox;
use crate::state::ApiState;

const DOCUMENT_PATH: &str = "/admin/v1/openapi.json";

/// What stands at the head of the document.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "CardBridge operator and sandbox API",
        description = include_str!("openapi.md")
    ),
    modifiers(&OperatorToken),
    paths(documents::read),
    security(("operator_token" = []))
)]
struct Head;

/// The token that every operation of the document asks for.
struct OperatorToken;

impl Modify for OperatorToken {
    fn modify(&self, document: &mut OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("operator_token", scheme);
    }
}

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

/// The routes of the operator API.
fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::with_openapi(Head::openapi())
        .routes(routes!(enterprises::create, enterprises::list))
        .routes(routes!(enterprises::read, enterprises::patch))
        .routes(routes!(funds::deposit))
        .routes(routes!(funds::withdraw))
        .routes(routes!(api_keys::create, api_keys::list))
        .routes(routes!(key_extraction::list_attempts))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(vm_apps::create, vm_apps::list))
        .routes(routes!(vm_apps::read, vm_apps::patch))
        .routes(routes!(vm_apps::fund))
        .routes(routes!(vm_apps::webhook_secret))
        .routes(routes!(vm_products::put, vm_products::list))
        .routes(routes!(profiles::create, profiles::list))
        .routes(routes!(cards::read))
        .routes(routes!(cards::block))
        .routes(routes!(cards::unblock))
        .routes(routes!(plastic::emboss))
        .routes(routes!(plastic::ship))
        .routes(routes!(plastic::read))
        .routes(routes!(tickets::decide_kyc))
        .routes(routes!(tickets::decide_intent))
        .routes(routes!(reveals::list))
        .routes(routes!(fx_rates::read, fx_rates::replace))
        .routes(routes!(authorisations::list))
        .routes(routes!(authorisations::read))
        .routes(routes!(transactions::list))
        .routes(routes!(transactions::read))
        .routes(routes!(outstandings::read))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::read))
        .routes(routes!(deliveries::resend))
        .routes(routes!(ledger::accounts))
        .routes(routes!(ledger::verify))
        .routes(routes!(recon::close_day))
        .routes(routes!(recon::verify))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::retry))
}

/// The OpenAPI document of the routes that a mode has.
#[must_use]
pub fn openapi_document(mode: Mode) -> Value {
    openapi::document(&guarded_routes(mode).split_for_parts().1, mode)
}

fn guarded_routes(mode: Mode) -> OpenApiRouter<Arc<ApiState>> {
    match mode {
        Mode::Sandbox => routes().merge(sandbox::routes()),
        Mode::Production => routes(),
    }
}

fn router(state: Arc<ApiState>) -> Router {
    let (guarded, document) = guarded_routes(state.settings.mode).split_for_parts();
    let document = document_route(&openapi::document(&document, state.settings.mode));
    let guarded = guarded
        .route(documents::READ_PATH, get(documents::read))
        .route(DOCUMENT_PATH, document)
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
