//! Hosted pages behind guidance links (cardbridge-open-api.md section 6.3), rendered here
//! and served by the public listener without a signature.
//!
//! The first GET ends the link (`opening.rs`); every later step is a POST that carries a
//! one-time token (`submission.rs`). No cookies, no state in the browser.

mod card;
mod face;
mod failure;
mod form;
mod frame;
mod kyc;
mod opening;
mod otp;
mod pin;
mod place;
mod question;
mod step;
mod submission;
mod texts;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::routing::get;
use domain::GuidanceLink;
use listener::shell::mark_route;

pub(crate) use otp::reached_at;

use crate::state::ApiState;
use place::Place;

/// The URL that opens a link's page.
pub(crate) fn url(public_url: &str, link: &GuidanceLink, secret: &str) -> String {
    let base = public_url.trim_end_matches('/');
    format!("{base}{}?secret={secret}", Place::of(link).path())
}

/// The routes of all pages.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    Place::all().fold(Router::new(), |router, place| {
        let open = async move |State(state): State<Arc<ApiState>>, request: Request| {
            opening::open(&state, place, request).await
        };
        let submit = async move |State(state): State<Arc<ApiState>>, request: Request| {
            submission::submit(&state, place, request).await
        };
        router.route(&place.path(), get(open).post(submit).route_layer(from_fn(mark_route)))
    })
}
