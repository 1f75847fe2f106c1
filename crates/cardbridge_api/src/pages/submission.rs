//! The POSTs of an opened page: each carries a token that works once.

use axum::extract::Request;
use axum::response::Response;
use crypto::sha256;
use domain::{GuidanceLink, PageStep};
use store::{HolderProof, ProofOutcome};
use vault::SecretText;

use super::failure::PageFailure;
use super::form::Form;
use super::frame::Frame;
use super::place::Place;
use super::{otp, question, step};
use crate::state::ApiState;

/// A form that came in, with the token that it used up.
struct Submission<'a> {
    link: &'a GuidanceLink,
    form: &'a Form,
    token_hash: [u8; 32],
    next_token: SecretText,
}

impl Submission<'_> {
    fn next_token_hash(&self) -> [u8; 32] {
        sha256(self.next_token.expose().as_bytes())
    }
}

/// Takes a form.
pub(super) async fn submit(state: &ApiState, place: Place, request: Request) -> Response {
    let bare = Frame::bare(place);
    let Some(form) = Form::read(request).await else {
        return bare.failure(PageFailure::LoginExpired);
    };
    let token_hash = sha256(form.field("token").as_bytes());
    let now = state.store.clock().now();
    let (link, page_step) = match state.store.guidance_page(token_hash, now).await {
        Ok(Some((link, page_step))) if Place::of(&link) == place => (link, page_step),
        Ok(_) => return bare.failure(PageFailure::LoginExpired),
        Err(error) => return bare.failure(error.into()),
    };
    let frame = match step::frame(state, &link).await {
        Ok(frame) => frame,
        Err(failure) => return bare.failure(failure),
    };
    let next_token = state.vault.new_token();
    let submission = Submission { link: &link, form: &form, token_hash, next_token };
    let taken = match page_step {
        PageStep::Otp => take_proof(state, &frame, &submission).await,
        PageStep::Form => take_form(state, &frame, &submission).await,
    };
    taken.unwrap_or_else(|failure| frame.failure(failure))
}

async fn take_proof(
    state: &ApiState,
    frame: &Frame,
    submission: &Submission<'_>,
) -> Result<Response, PageFailure> {
    let link = submission.link;
    let is_question = question::is_answered(submission.form);
    let proof = match is_question {
        true => question::proof(state, link, submission.form).await?,
        false => {
            let given = submission.form.field("otp").trim();
            HolderProof::Password(state.vault.one_time_password_hash(&link.secret_hash, given))
        }
    };
    let now = state.store.clock().now();
    let expires_at = now.plus_seconds(GuidanceLink::LIFETIME_SECONDS);
    let next_hash = submission.next_token_hash();
    let token_hash = submission.token_hash;
    let tried = state.store.try_holder_proof(token_hash, proof, next_hash, now, expires_at);
    let next_token = &submission.next_token;
    match tried.await? {
        ProofOutcome::Passed => step::begin(state, frame, link, next_token).await,
        ProofOutcome::Wrong => otp::ask_again(state, frame, link, next_token, is_question).await,
        ProofOutcome::Exhausted => Err(PageFailure::NotAuthorised),
        ProofOutcome::Expired => Err(PageFailure::LoginExpired),
    }
}

async fn take_form(
    state: &ApiState,
    frame: &Frame,
    submission: &Submission<'_>,
) -> Result<Response, PageFailure> {
    let now = state.store.clock().now();
    let next_hash = submission.next_token_hash();
    if !state.store.use_form_token(submission.token_hash, next_hash, now).await? {
        return Err(PageFailure::LoginExpired);
    }
    step::take(state, frame, submission.link, submission.form, &submission.next_token).await
}
