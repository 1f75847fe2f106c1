//! Type 4: the face verification of a KYC ticket. The sandbox stands in for the provider
//! with two buttons; production has none, so its page fails.

use askama::Template;
use axum::response::Response;
use domain::{GuidanceLink, KycTicketId, Mode};
use vault::SecretText;

use super::failure::PageFailure;
use super::form::Form;
use super::frame::Frame;
use crate::state::ApiState;

/// The value of the button for a match.
const MATCH: &str = "match";
/// The value of the button for somebody else.
const OTHER: &str = "other";

/// Asks how the verification ends.
pub(super) fn ask(
    state: &ApiState,
    frame: &Frame,
    token: &SecretText,
) -> Result<Response, PageFailure> {
    require_provider(state)?;
    let token = token.expose();
    Ok(frame.page(&FacePage { frame, token, is_match: MATCH, is_other: OTHER }))
}

/// Records how it ended. A face that is not the document's refuses the ticket.
pub(super) async fn take(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    ticket_id: KycTicketId,
    form: &Form,
) -> Result<Response, PageFailure> {
    require_provider(state)?;
    let is_match = match form.field("outcome") {
        MATCH => true,
        OTHER => false,
        _ => return Err(PageFailure::LoginExpired),
    };
    state.cards.record_face_check(link.enterprise_id, ticket_id, is_match).await?;
    if is_match {
        Ok(frame.success(frame.texts.face_done))
    } else {
        Err(PageFailure::NotAuthorised)
    }
}

/// The stand-in decides in the sandbox only.
fn require_provider(state: &ApiState) -> Result<(), PageFailure> {
    if state.settings.mode == Mode::Production {
        tracing::error!("no provider of face verification is configured");
        return Err(PageFailure::System);
    }
    Ok(())
}

#[derive(Template)]
#[template(path = "face.html")]
struct FacePage<'a> {
    frame: &'a Frame,
    token: &'a str,
    is_match: &'static str,
    is_other: &'static str,
}
