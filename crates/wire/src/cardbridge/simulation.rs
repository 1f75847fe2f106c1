//! The simulated purchase of dialect 1 (cardbridge-open-api.md section 6.9).

use domain::{Authorisation, AuthorisationStatus, Money};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use super::input::{Object, ParseError, Problem};

/// Path of [`FundAuth`].
pub const FUND_AUTH_PATH: &str = "/open-api/simulation/v1/fund-auth";

/// The only authType that is known.
const EXPEND: &str = "EXPEND";

/// `POST simulation/v1/fund-auth`: the cardholder spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundAuth {
    /// The card.
    pub card_id: String,
    /// What the shop asks for; above zero.
    pub amount: Money,
}

impl FundAuth {
    /// Reads the body.
    ///
    /// # Errors
    /// A field is missing or ill-formed, the amount is not above zero or finer
    /// than its currency's minor unit, or authType is not `EXPEND`.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse_body(body)?;
        let card_id = object.required_id("cardId")?;
        let auth_type = object.required_text("authType")?;
        let digits = object.required("amount", object.amount("amount")?)?;
        let currency = object.required("currency", object.currency("currency")?)?;
        let amount = digits
            .to_money(currency)
            .ok()
            .filter(|money| money.is_positive())
            .ok_or_else(|| object.error("amount", Problem::NotSpendable))?;
        if auth_type != EXPEND {
            return Err(object.error("authType", Problem::UnknownMode));
        }
        Ok(Self { card_id, amount })
    }
}

impl Serialize for FundAuth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_struct("FundAuth", 4)?;
        body.serialize_field("cardId", &self.card_id)?;
        body.serialize_field("authType", EXPEND)?;
        body.serialize_field("amount", &self.amount.to_major())?;
        body.serialize_field("currency", &self.amount.currency().to_string())?;
        body.end()
    }
}

/// What came of it. A declined purchase is a success of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FundAuthBody {
    /// Whether the purchase was approved.
    pub approved: bool,
    /// `DAPI_AUTH_*` if it was not.
    pub error_code: Option<String>,
    /// The authorisation, as it stands in the notice and in the result webhook.
    pub auth_id: String,
}

impl From<&Authorisation> for FundAuthBody {
    fn from(authorisation: &Authorisation) -> Self {
        Self {
            approved: authorisation.status == AuthorisationStatus::Approved,
            error_code: authorisation.reject_reason.map(|code| code.to_string()),
            auth_id: authorisation.auth_id.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, ErrorCode};

    use super::*;
    use crate::cardbridge::test_objects;

    #[test]
    fn amounts_are_taken_as_text_or_number() {
        for amount in ["\"15.5\"", "15.5", "15.500", "155E-1", "\"1.55e+1\""] {
            for currency in ["USD", "840"] {
                let body = format!(
                    r#"{{"cardId":"1","authType":"EXPEND","amount":{amount},"currency":"{currency}"}}"#
                );
                let request = FundAuth::parse(body.as_bytes()).unwrap();
                assert_eq!(request.amount, Money::new(1550, Currency::USD));
                let written = serde_json::to_vec(&request).unwrap();
                assert_eq!(FundAuth::parse(&written), Ok(request));
            }
        }
    }

    #[test]
    fn what_cannot_be_spent_is_refused() {
        let code = |auth_type: &str, amount: &str| {
            let body = format!(
                r#"{{"cardId":"1","authType":"{auth_type}","amount":{amount},"currency":"USD"}}"#
            );
            FundAuth::parse(body.as_bytes()).map_err(|error| error.code()).err()
        };
        for amount in ["0", "-1", "1e-3", "15.555", "\"\"", "null", "99999999999999999999"] {
            assert_eq!(code("EXPEND", amount), Some(ErrorCode::SysIllegalParam), "{amount}");
        }
        assert_eq!(code("REFUND", "1"), Some(ErrorCode::OperationNotSupport));
    }

    #[test]
    fn a_decline_carries_its_reason() {
        let mut authorisation = test_objects::authorisation();
        authorisation.status = AuthorisationStatus::Declined;
        authorisation.reject_reason = Some(ErrorCode::AuthInternalReject);
        assert_eq!(
            serde_json::to_string(&FundAuthBody::from(&authorisation)).unwrap(),
            r#"{"approved":false,"errorCode":"DAPI_AUTH_INTERNAL_REJECT","authId":"4934950835815641999"}"#
        );
        authorisation.status = AuthorisationStatus::Approved;
        authorisation.reject_reason = None;
        assert_eq!(
            serde_json::to_string(&FundAuthBody::from(&authorisation)).unwrap(),
            r#"{"approved":true,"errorCode":null,"authId":"4934950835815641999"}"#
        );
    }
}
