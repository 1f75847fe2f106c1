//! 3DS challenges (cardbridge-open-api.md sections 6.4 and 9).

use domain::{ChallengeVerdict, ThreeDsChallenge};

use super::amount::AmountText;
use super::answer::answer;
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

answer! {
    /// A challenge, as replies and webhooks show it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ChallengeBody of challenge: ThreeDsChallenge {
        /// Id.
        pub challenge_id: String = challenge.challenge_id.to_string(),
        /// State.
        pub status: String = challenge.status.to_string(),
        /// The card.
        pub card_id: String = challenge.card_id.to_string(),
        /// The time from which no verdict is accepted, UTC+8.
        pub expiry_time: String = challenge.expires_at.to_utc8(),
        /// The merchant's currency, ISO 4217 numeric.
        pub currency: String = challenge.amount.currency().to_string(),
        /// The merchant's amount, unconverted.
        pub amount: AmountText = challenge.amount.into(),
        /// Card acceptor identification.
        pub merchant_id: Option<String> = challenge.merchant.merchant_id.clone(),
        /// Name.
        pub merchant_name: Option<String> = challenge.merchant.name.clone(),
        /// Country, alpha-2.
        pub merchant_country: Option<String> = challenge.merchant.country.clone(),
        /// Merchant category code.
        pub mcc: Option<String> = challenge.merchant.mcc.clone(),
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
