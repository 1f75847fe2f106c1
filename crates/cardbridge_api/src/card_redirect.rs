//! Links to hosted pages (cardbridge-open-api.md section 6.3).

use cards::RedirectRule;
use domain::Mode;
use wire::cardbridge::guidance::GuidanceRequest;

use super::call::Call;
use super::reply::{Reply, Success};
use crate::pages;

/// `POST card-redirect/v1/guidance-link`.
pub(crate) async fn guidance_link(call: Call<GuidanceRequest>) -> Reply<String> {
    let request = call.body()?;
    let can_be_reached = |customer: &_| pages::reached_at(&call.state.mailer, customer).is_some();
    let redirects = match call.state.settings.mode {
        Mode::Sandbox => RedirectRule::AnyHostUntilOneIsRegistered,
        Mode::Production => RedirectRule::RegisteredHosts,
    };
    let enterprise_id = call.enterprise_id;
    let made =
        call.state.cards.guidance_link(enterprise_id, request, redirects, can_be_reached).await?;
    Ok(Success(pages::url(&call.state.settings.public_url, &made.link, made.secret.expose())))
}
