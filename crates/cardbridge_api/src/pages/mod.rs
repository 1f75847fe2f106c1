//! Hosted pages behind guidance links (cardbridge-open-api.md section 6.3), rendered here
//! and served by the public listener without a signature.
//!
//! The first GET ends the link (`opening.rs`); every later step is a POST that bears a
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
mod question;
mod step;
mod submission;
mod texts;

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use domain::{GuidanceLink, GuidanceType, PageLanguage};
use listener::shell::RouteTemplate;

pub(crate) use otp::reached_at;

use crate::state::ApiState;

/// Which page a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) language: PageLanguage,
    pub(crate) guidance_type: GuidanceType,
}

impl Place {
    fn of(link: &GuidanceLink) -> Self {
        Self { language: link.language, guidance_type: link.guidance_type }
    }

    /// The page's path, which never holds a secret.
    pub(crate) fn path(self) -> String {
        let name = match self.guidance_type {
            GuidanceType::ShowCard => "detail",
            GuidanceType::SetPin => "set-pin",
            GuidanceType::ResetPin => "reset-pin",
            GuidanceType::FaceCheck => "face",
            GuidanceType::KycForm => "kyc",
        };
        format!("/{}/card/{name}", self.language)
    }

    fn all() -> impl Iterator<Item = Self> {
        PageLanguage::ALL.iter().flat_map(|&language| {
            let place = move |&guidance_type| Self { language, guidance_type };
            GuidanceType::ALL.iter().map(place)
        })
    }
}

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
        router.route(&place.path(), get(open).post(submit).route_layer(from_fn(name_route)))
    })
}

/// Leaves the route's template for the log, which never shows a query.
async fn name_route(request: Request, next: Next) -> Response {
    let template = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(template) = template {
        response.extensions_mut().insert(RouteTemplate(template));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_page_has_a_path_of_its_own_in_both_languages() {
        let paths: HashSet<_> = Place::all().map(Place::path).collect();
        assert_eq!(paths.len(), PageLanguage::ALL.len() * GuidanceType::ALL.len());
        let published = Place { language: PageLanguage::En, guidance_type: GuidanceType::ShowCard };
        assert_eq!(published.path(), "/en/card/detail");
    }
}
