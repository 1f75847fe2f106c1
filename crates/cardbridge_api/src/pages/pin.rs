//! Types 2 and 3: a PIN is set, or replaced by another, typed twice.

use askama::Template;
use axum::response::Response;
use domain::{Card, CardId, ErrorCode, GuidanceLink, GuidanceType};
use store::PinPredecessor;
use vault::{ClearPin, SecretText};

use super::failure::PageFailure;
use super::form::Form;
use super::frame::Frame;
use crate::state::ApiState;

/// Why a PIN has to be typed again.
struct Problem {
    code: &'static str,
    text: &'static str,
}

/// Asks for the PIN, if the card can get one now.
pub(super) async fn ask(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    card_id: CardId,
    token: &SecretText,
) -> Result<Response, PageFailure> {
    let card = state.store.find::<Card>((link.enterprise_id, card_id)).await?;
    let card = card.ok_or(PageFailure::NotAuthorised)?;
    cards::check_guided_card(link.guidance_type, &card)?;
    if state.store.has_pin(link.enterprise_id, card_id).await? != replaces(link) {
        return Err(PageFailure::NotAuthorised);
    }
    Ok(page(frame, link, &card, token, None))
}

/// Sets the PIN that was typed. The commit that sets it judges again whether the card already has
/// one.
pub(super) async fn take(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    card_id: CardId,
    form: &Form,
    next_token: &SecretText,
) -> Result<Response, PageFailure> {
    let texts = frame.texts;
    let pin = form.field("pin");
    let Ok(clear_pin) = ClearPin::parse(pin) else {
        let code = ErrorCode::CardPinMustBeFourDigitNumber.as_str();
        let problem = Problem { code, text: texts.pin_malformed };
        return again(state, frame, link, card_id, next_token, problem).await;
    };
    if !crypto::constant_time_eq(pin.as_bytes(), form.field("pinAgain").as_bytes()) {
        let code = ErrorCode::SysIllegalParam.as_str();
        let problem = Problem { code, text: texts.pins_differ };
        return again(state, frame, link, card_id, next_token, problem).await;
    }
    let predecessor = match replaces(link) {
        true => PinPredecessor::Pin,
        false => PinPredecessor::None,
    };
    let card_id = card_id.to_string();
    state.cards.set_pin(link.enterprise_id, &card_id, &clear_pin, predecessor).await?;
    Ok(frame.success(texts.pin_done))
}

/// True if the page replaces a PIN instead of setting the first one.
fn replaces(link: &GuidanceLink) -> bool {
    link.guidance_type == GuidanceType::ResetPin
}

/// The form again, with what is wrong.
async fn again(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    card_id: CardId,
    token: &SecretText,
    problem: Problem,
) -> Result<Response, PageFailure> {
    let card = state.store.find::<Card>((link.enterprise_id, card_id)).await?;
    let card = card.ok_or(PageFailure::NotAuthorised)?;
    Ok(page(frame, link, &card, token, Some(problem)))
}

fn page(
    frame: &Frame,
    link: &GuidanceLink,
    card: &Card,
    token: &SecretText,
    problem: Option<Problem>,
) -> Response {
    let title = frame.texts.title(link.guidance_type);
    // The name under which a password manager keeps the PIN.
    let card_name = format!("**** {}", card.pan_last4);
    frame.page(&PinPage { frame, title, token: token.expose(), card_name, problem })
}

#[derive(Template)]
#[template(path = "pin.html")]
struct PinPage<'a> {
    frame: &'a Frame,
    title: &'static str,
    token: &'a str,
    card_name: String,
    problem: Option<Problem>,
}
