//! Links to hosted pages (cardbridge-open-api.md section 6.3).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use cards::RedirectRule;
use domain::Mode;
use wire::cardbridge::guidance::GuidanceRequest;

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::pages;
use crate::state::ApiState;

/// `POST card-redirect/v1/guidance-link`.
pub(crate) async fn guidance_link(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<String> {
    let request = GuidanceRequest::parse(&signed.body)?;
    let can_be_reached = |customer: &_| pages::reached_at(&state.mailer, customer).is_some();
    let redirects = match state.settings.mode {
        Mode::Sandbox => RedirectRule::AnyHostUntilOneIsRegistered,
        Mode::Production => RedirectRule::RegisteredHosts,
    };
    let enterprise_id = signed.enterprise_id;
    let made = state.cards.guidance_link(enterprise_id, request, redirects, can_be_reached).await?;
    Ok(Success(pages::url(&state.settings.public_url, &made.link, made.secret.expose())))
}
