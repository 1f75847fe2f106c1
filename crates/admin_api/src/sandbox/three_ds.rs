//! 3DS challenges: the merchant asks whether a purchase is the cardholder's.

use authorise::ChallengeError;
use domain::{Card, ChallengeId, ThreeDsChallenge};
use store::ChallengeChangeError;
use zeroize::Zeroizing;

use super::purchase::merchant;
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::card_reference::{CardNames, NamesCards, card_id, named};
use crate::fields::{currency, required_money};
use crate::problem::Problem;
use crate::request_bodies::{CHALLENGE_ANSWER, NEW_CHALLENGE};
use wire::field;

answer_body! {
    /// A challenge.
    pub(crate) struct SandboxChallengeBody of challenge: &ThreeDsChallenge {
        challenge_id: String = challenge.challenge_id.to_string(),
        enterprise_id: String = challenge.enterprise_id.to_string(),
        card_id: String = challenge.card_id.to_string(),
        /// `INIT`, `NOTICED`, `RECEIVED`, `APPROVED` or `REJECTED`.
        status: String = challenge.status.to_string(),
        /// The merchant's, unconverted.
        amount: String = challenge.amount.to_major(),
        currency: String = challenge.amount.currency().to_string(),
        merchant_id: Option<String> = challenge.merchant.merchant_id.clone(),
        merchant_name: Option<String> = challenge.merchant.name.clone(),
        merchant_country: Option<String> = challenge.merchant.country.clone(),
        mcc: Option<String> = challenge.merchant.mcc.clone(),
        /// From this moment on no verdict is taken.
        expiry_time: String = challenge.expires_at.to_string(),
        created_at: String = challenge.created_at.to_string(),
        modified_at: String = challenge.modified_at.to_string(),
    }
}

impl NamesCards for SandboxChallengeBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        vec![(&self.enterprise_id, &mut self.card_id)]
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

/// `POST /sandbox/v1/3ds-challenges`.
pub(crate) async fn create(call: Call) -> Answer<SandboxChallengeBody> {
    let fields = call.fields()?;
    let card_text = fields.required_text(field!(NEW_CHALLENGE, "cardId"))?;
    let currency = currency(&fields, field!(NEW_CHALLENGE, "currency"))?;
    let amount = required_money(&fields, field!(NEW_CHALLENGE, "amount"), currency)?;
    let merchant = merchant(&fields)?;
    let card_id = card_id(&call.state, &card_text).await?;
    let card = call.state.store.find_of_anyone::<Card>(card_id).await?;
    let card = card.ok_or_else(|| Problem::not_found("card"))?;
    let names = CardNames::of(&call.state, vec![(card.enterprise_id, card.card_id)]).await?;
    let made = call.state.challenges.create(&card, amount, merchant);
    call.once.answer(move |challenge| names.put(SandboxChallengeBody::of(challenge)), made).await
}

/// `GET /sandbox/v1/3ds-challenges/{id}`.
pub(crate) async fn read(call: Call) -> Answer<SandboxChallengeBody> {
    let found =
        call.object("challenge", |id| call.state.store.find_of_anyone::<ThreeDsChallenge>(id));
    named(&call.state, SandboxChallengeBody::of(&found.await?)).await
}

/// `POST /sandbox/v1/3ds-challenges/{id}/verify`.
pub(crate) async fn verify(call: Call) -> Answer<SandboxChallengeBody> {
    let challenge_id = call.id::<ChallengeId>("challenge")?;
    let fields = call.fields()?;
    let otp = Zeroizing::new(fields.required_text(field!(CHALLENGE_ANSWER, "otp"))?);
    let known = call.state.store.find_of_anyone::<ThreeDsChallenge>(challenge_id).await?;
    let card = known.map(|it| (it.enterprise_id, it.card_id));
    let names = CardNames::of(&call.state, card.into_iter().collect()).await?;
    let verified = call.state.challenges.verify(challenge_id, &otp);
    call.once
        .answer(move |challenge| names.put(SandboxChallengeBody::of(challenge)), verified)
        .await
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
