//! 3DS challenges (cardbridge-open-api.md sections 6.4 and 9).

use domain::{ChallengeVerdict, ThreeDsChallenge};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amount::AmountText;
use super::body::{FieldType, Value, body};
use super::problem::{ParseError, Problem};
use super::reading::{Object, TEXT};
use crate::field::{Field, Kind, Table};

/// Path of [`Authenticate`].
pub const AUTHENTICATE_PATH: &str = "/open-api/3ds-challenge/v1/authenticate";

body! {
    /// `POST 3ds-challenge/v1/authenticate`: the enterprise's verdict.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Authenticate {
        /// The challenge.
        pub challenge_id: String = "challengeId": Kind::Id,
        /// The verdict.
        pub approve_status: ChallengeVerdict = "approveStatus": TEXT,
    }
}

impl Value for ChallengeVerdict {
    fn read_value(object: &Object<'_>, field: Field) -> Result<Option<Self>, ParseError> {
        object.value(field, Problem::NotAVerdict)
    }
}

/// A challenge, as replies and webhooks show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeBody {
    /// Id.
    pub challenge_id: String,
    /// State.
    pub status: String,
    /// The card.
    pub card_id: String,
    /// From when on no verdict is taken, UTC+8.
    pub expiry_time: String,
    /// The merchant's currency, ISO 4217 numeric.
    pub currency: String,
    /// The merchant's amount, unconverted.
    pub amount: AmountText,
    /// Card acceptor identification.
    pub merchant_id: Option<String>,
    /// Name.
    pub merchant_name: Option<String>,
    /// Country, alpha-2.
    pub merchant_country: Option<String>,
    /// Merchant category code.
    pub mcc: Option<String>,
}

impl From<&ThreeDsChallenge> for ChallengeBody {
    fn from(challenge: &ThreeDsChallenge) -> Self {
        let merchant = &challenge.merchant;
        Self {
            challenge_id: challenge.challenge_id.to_string(),
            status: challenge.status.to_string(),
            card_id: challenge.card_id.to_string(),
            expiry_time: challenge.expires_at.to_utc8(),
            currency: challenge.amount.currency().to_string(),
            amount: challenge.amount.into(),
            merchant_id: merchant.merchant_id.clone(),
            merchant_name: merchant.name.clone(),
            merchant_country: merchant.country.clone(),
            mcc: merchant.mcc.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    #[test]
    fn a_verdict_is_approve_or_reject_and_nothing_else() {
        let parse = |status: &str| {
            let body = format!(r#"{{"challengeId":4527539408912732928,"approveStatus":{status}}}"#);
            Authenticate::parse(body.as_bytes())
        };
        let read = parse("\"APPROVE\"").unwrap();
        assert_eq!(read.challenge_id, "4527539408912732928");
        assert_eq!(read.approve_status, ChallengeVerdict::Approve);
        assert_eq!(parse("\"REJECT\"").unwrap().approve_status, ChallengeVerdict::Reject);
        for bad in ["\"APPROVED\"", "\"DECLINED\"", "\"approve\"", "\"\"", "null", "true"] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::SysIllegalParam, "{bad}");
            assert_eq!(error.field, "approveStatus", "{bad}");
        }
    }
}
