//! The beginning and the work of each type of page, once link and customer are good.

use axum::response::Response;
use domain::{CardId, Enterprise, GuidanceLink, GuidanceType, KycTicketId};
use vault::SecretText;

use super::failure::PageFailure;
use super::form::Form;
use super::frame::Frame;
use super::{card, face, kyc, pin};
use crate::state::ApiState;

/// The frame of a link's page.
pub(super) async fn frame(state: &ApiState, link: &GuidanceLink) -> Result<Frame, PageFailure> {
    let enterprise = state.store.find::<Enterprise>(link.enterprise_id).await?;
    Ok(Frame::of(link, enterprise.as_ref()))
}

/// The first thing that the page shows; its form, if it has one, carries `token`.
pub(super) async fn begin(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    token: &SecretText,
) -> Result<Response, PageFailure> {
    match link.guidance_type {
        GuidanceType::ShowCard => card::show(state, frame, link, card_id(link)?).await,
        GuidanceType::SetPin | GuidanceType::ResetPin => {
            pin::ask(state, frame, link, card_id(link)?, token).await
        }
        GuidanceType::FaceCheck => face::ask(state, frame, token),
        GuidanceType::KycForm => Ok(kyc::ask(frame, token, false)),
    }
}

/// Takes what the page's form brought. A form that has to be filled in again carries
/// `next_token`.
pub(super) async fn take(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    form: &Form,
    next_token: &SecretText,
) -> Result<Response, PageFailure> {
    match link.guidance_type {
        GuidanceType::SetPin | GuidanceType::ResetPin => {
            pin::take(state, frame, link, card_id(link)?, form, next_token).await
        }
        // A page that shows a card has no form.
        GuidanceType::ShowCard => Err(PageFailure::LoginExpired),
        GuidanceType::FaceCheck => face::take(state, frame, link, ticket_id(link)?, form).await,
        GuidanceType::KycForm => {
            kyc::take(state, frame, link, ticket_id(link)?, form, next_token).await
        }
    }
}

fn card_id(link: &GuidanceLink) -> Result<CardId, PageFailure> {
    link.card_id.ok_or_else(|| {
        tracing::error!(enterprise = %link.enterprise_id, "a link about a card names none");
        PageFailure::System
    })
}

fn ticket_id(link: &GuidanceLink) -> Result<KycTicketId, PageFailure> {
    link.kyc_ticket_id.ok_or_else(|| {
        tracing::error!(enterprise = %link.enterprise_id, "a link about a ticket names none");
        PageFailure::System
    })
}
