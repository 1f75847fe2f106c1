//! The simulated purchase of dialect 1 (cardbridge-open-api.md section 6.9).

use domain::{Authorisation, AuthorisationStatus, Money};
use serde::{Serialize, Serializer};

use super::amount::AmountText;
use super::answer::answer;
use super::body::shown_by_table;
use super::problem::{ParseError, Problem};
use super::reading::Object;
use crate::field;
use crate::field::{Field, Kind, Table};

/// Path of [`FundAuth`].
pub const FUND_AUTH_PATH: &str = "/open-api/simulation/v1/fund-auth";

/// The only known authType.
const EXPEND: &str = "EXPEND";

/// `POST simulation/v1/fund-auth`: the cardholder spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundAuth {
    /// The card.
    pub card_id: String,
    /// The amount that the shop asks for, above zero.
    pub amount: Money,
}

shown_by_table!(FundAuth);

impl FundAuth {
    const TABLE: Table = Table::named(
        "FundAuth",
        "",
        &[
            Field::of("cardId", "The card", Kind::Id).required(),
            Field::of("authType", "", Kind::Word(&[EXPEND])).required(),
            Field::of("amount", AmountText::MEANING, Kind::Amount).required(),
            Field::text("currency", "ISO 4217, three digits or three letters").required(),
        ],
    );

    /// Reads the body.
    ///
    /// # Errors
    /// A field is missing or ill-formed, the amount is not above zero or finer
    /// than its currency's minor unit, or authType is not `EXPEND`.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let (amount, auth_type) = (field!(Self::TABLE, "amount"), field!(Self::TABLE, "authType"));
        let currency = field!(Self::TABLE, "currency");
        let card_id = object.read_required(field!(Self::TABLE, "cardId"))?;
        let is_expense = object.required_text(auth_type)? == EXPEND;
        let digits = object.required(amount, object.amount(amount)?)?;
        let currency = object.required(currency, object.currency(currency)?)?;
        let money = digits.to_money(currency).ok().filter(|money| money.is_positive());
        let money = money.ok_or_else(|| object.wrong(amount, Problem::NotSpendable))?;
        if !is_expense {
            return Err(object.wrong(auth_type, Problem::UnknownMode));
        }
        Ok(Self { card_id, amount: money })
    }
}

impl Serialize for FundAuth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([
            ("cardId", &*self.card_id),
            ("authType", EXPEND),
            ("amount", &self.amount.to_major()),
            ("currency", &self.amount.currency().to_string()),
        ])
    }
}

answer! {
    /// The result. A declined purchase is a success of the call.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct FundAuthBody of authorisation: Authorisation {
        /// Whether the purchase was approved.
        pub approved: bool = authorisation.status == AuthorisationStatus::Approved,
        /// `DAPI_AUTH_*` if it was not.
        pub error_code: Option<String> = authorisation.reject_reason.map(|code| code.to_string()),
        /// The authorisation, as it stands in the notice and in the result webhook.
        pub auth_id: String = authorisation.auth_id.to_string(),
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
