//! The columns of a 3DS challenge.

use domain::{CardId, ChallengeId, EnterpriseId, Merchant, ThreeDsChallenge};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a challenge.
pub(crate) const CHALLENGE_COLUMNS: &str = "enterprise_id, challenge_id, card_id, status, \
    amount_minor, currency, merchant_id, merchant_name, merchant_country, mcc, expires_at, \
    created_at, modified_at";

/// Reads a challenge from [`CHALLENGE_COLUMNS`].
pub(crate) fn challenge_from(row: &Row) -> Result<ThreeDsChallenge, StoreError> {
    let mut f = Fields::of(row);
    Ok(ThreeDsChallenge {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        challenge_id: f.id(ChallengeId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        status: f.parsed("three_ds_challenge.status")?,
        amount: f.money()?,
        merchant: Merchant {
            merchant_id: f.opt_text()?,
            name: f.opt_text()?,
            country: f.opt_text()?,
            mcc: f.opt_text()?,
        },
        expires_at: f.time()?,
        created_at: f.time()?,
        modified_at: f.time()?,
    })
}

/// The values of a challenge for [`CHALLENGE_COLUMNS`].
pub(crate) fn challenge_values(challenge: &ThreeDsChallenge) -> Vec<Value> {
    vec![
        challenge.enterprise_id.into(),
        challenge.challenge_id.into(),
        challenge.card_id.into(),
        challenge.status.as_str().into(),
        challenge.amount.amount_minor().into(),
        challenge.amount.currency().into(),
        challenge.merchant.merchant_id.as_ref().into(),
        challenge.merchant.name.as_ref().into(),
        challenge.merchant.country.as_ref().into(),
        challenge.merchant.mcc.as_ref().into(),
        challenge.expires_at.into(),
        challenge.created_at.into(),
        challenge.modified_at.into(),
    ]
}
