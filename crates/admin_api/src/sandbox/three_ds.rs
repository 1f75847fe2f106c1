//! 3DS challenges: the merchant asks whether a purchase is the cardholder's.

use std::sync::Arc;

use authorise::ChallengeError;
use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{Card, ChallengeId, ThreeDsChallenge};
use listener::once::Once;
use serde::Serialize;
use store::ChallengeChangeError;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::purchase::merchant;
use crate::card_reference::{CardNames, NamesCards, card_id, named};
use crate::fields::{Fields, currency, required_money};
use crate::operator::PathText;
use crate::problem::Problem;
use crate::request_bodies::{CHALLENGE_ANSWER, NEW_CHALLENGE};
use crate::state::ApiState;
use wire::field;

/// A challenge.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SandboxChallengeBody {
    challenge_id: String,
    enterprise_id: String,
    card_id: String,
    /// `INIT`, `NOTICED`, `RECEIVED`, `APPROVED` or `REJECTED`.
    status: String,
    /// The merchant's, unconverted.
    amount: String,
    currency: String,
    merchant_id: Option<String>,
    merchant_name: Option<String>,
    merchant_country: Option<String>,
    mcc: Option<String>,
    /// From when on no verdict is taken.
    expiry_time: String,
    created_at: String,
    modified_at: String,
}

impl NamesCards for SandboxChallengeBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
    }
}

impl From<&ThreeDsChallenge> for SandboxChallengeBody {
    fn from(challenge: &ThreeDsChallenge) -> Self {
        let merchant = &challenge.merchant;
        Self {
            challenge_id: challenge.challenge_id.to_string(),
            enterprise_id: challenge.enterprise_id.to_string(),
            card_id: challenge.card_id.to_string(),
            status: challenge.status.to_string(),
            amount: challenge.amount.to_major(),
            currency: challenge.amount.currency().to_string(),
            merchant_id: merchant.merchant_id.clone(),
            merchant_name: merchant.name.clone(),
            merchant_country: merchant.country.clone(),
            mcc: merchant.mcc.clone(),
            expiry_time: challenge.expires_at.to_string(),
            created_at: challenge.created_at.to_string(),
            modified_at: challenge.modified_at.to_string(),
        }
    }
}

impl From<ChallengeError> for Problem {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::CardInvalid => Self::conflict("card_state", error.to_string()),
            ChallengeError::Store(error) => error.into(),
        }
    }
}

/// Challenges the cardholder; the enterprise is asked by webhook. Of a card of the VM API its
/// app is sent a code, which the cardholder types: see `verify`.
#[utoipa::path(post, path = "/sandbox/v1/3ds-challenges", operation_id = "create_3ds_challenge",
    tag = "sandbox",
    request_body = ref("NewChallenge"), responses((status = 200, body = SandboxChallengeBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    once: Once,
    body: Bytes,
) -> Result<Json<SandboxChallengeBody>, Problem> {
    let fields = Fields::parse_as(&NEW_CHALLENGE, &body)?;
    let card_text = fields.required_text(field!(NEW_CHALLENGE, "cardId"))?;
    let currency = currency(&fields, field!(NEW_CHALLENGE, "currency"))?;
    let amount = required_money(&fields, field!(NEW_CHALLENGE, "amount"), currency)?;
    let merchant = merchant(&fields)?;
    let card_id = card_id(&state, &card_text).await?;
    let card = state.store.find_of_anyone::<Card>(card_id).await?;
    let card = card.ok_or_else(|| Problem::not_found("card"))?;
    let names = CardNames::of(&state, vec![(card.enterprise_id, card.card_id)]).await?;
    let made = state.challenges.create(&card, amount, merchant);
    once.answer(move |challenge| names.put(body_of(challenge)), made).await
}

/// A challenge as it stands.
#[utoipa::path(get, path = "/sandbox/v1/3ds-challenges/{id}", operation_id = "read_3ds_challenge",
    tag = "sandbox",
    params(("id" = String, Path)), responses((status = 200, body = SandboxChallengeBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Json<SandboxChallengeBody>, Problem> {
    let challenge_id = id.id::<ChallengeId>("challenge")?;
    let challenge = state.store.find_of_anyone::<ThreeDsChallenge>(challenge_id).await?;
    let challenge = challenge.ok_or_else(|| Problem::not_found("challenge"))?;
    named(&state, SandboxChallengeBody::from(&challenge)).await
}

/// Plays the cardholder of a card of the VM API, who types the code. The right one approves
/// the challenge, the fifth wrong one rejects it; the answer's `status` tells.
#[utoipa::path(post, path = "/sandbox/v1/3ds-challenges/{id}/verify",
    operation_id = "verify_3ds_challenge", tag = "sandbox",
    params(("id" = String, Path)), request_body = ref("ChallengeAnswer"),
    responses((status = 200, body = SandboxChallengeBody)))]
pub(crate) async fn verify(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<SandboxChallengeBody>, Problem> {
    let challenge_id = id.id::<ChallengeId>("challenge")?;
    let fields = Fields::parse_as(&CHALLENGE_ANSWER, &body)?;
    let otp = Zeroizing::new(fields.required_text(field!(CHALLENGE_ANSWER, "otp"))?);
    let known = state.store.find_of_anyone::<ThreeDsChallenge>(challenge_id).await?;
    let card = known.map(|it| (it.enterprise_id, it.card_id));
    let names = CardNames::of(&state, card.into_iter().collect()).await?;
    let verified = state.challenges.verify(challenge_id, &otp);
    once.answer(move |challenge| names.put(body_of(challenge)), verified).await
}

fn body_of(challenge: &ThreeDsChallenge) -> SandboxChallengeBody {
    SandboxChallengeBody::from(challenge)
}

impl From<ChallengeChangeError> for Problem {
    fn from(error: ChallengeChangeError) -> Self {
        match error {
            ChallengeChangeError::NotFound => Self::not_found("challenge"),
            ChallengeChangeError::Over(error) => {
                Self::conflict("challenge_state", error.to_string())
            }
            ChallengeChangeError::Store(error) => error.into(),
        }
    }
}
