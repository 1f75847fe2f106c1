//! The enterprise's security deposit (cardbridge-open-api.md section 6.6.1).

use domain::{AmountError, Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amount::AmountText;
use super::problem::{ParseError, Problem};
use super::query::Query;
use crate::field::Field;

/// Path of the balance; query [`CURRENCY`].
pub const BALANCE_PATH: &str = "/open-api/enterprise/v1/enterprise-balance";

/// The query of `GET enterprise/v1/enterprise-balance`.
pub const CURRENCY: Field =
    Field::text("currency", "ISO 4217, three digits or three letters").required();

/// Reads the query of `GET enterprise/v1/enterprise-balance`.
///
/// # Errors
/// `currency` is missing or ill-formed, or names no currency.
pub fn wanted_currency(query: &Query) -> Result<Currency, ParseError> {
    let text = query.required(CURRENCY)?;
    Currency::parse(&text).ok_or_else(|| ParseError::new(CURRENCY.name, Problem::NotACurrency))
}

/// The balance of the deposit in one currency, in major units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BalanceBody {
    /// Numeric code.
    pub currency: String,
    /// Available and used together.
    pub total_amount: AmountText,
    /// What can still be spent.
    pub available_amount: AmountText,
    /// What is held or spent; below zero where more was refunded than spent.
    pub used_amount: AmountText,
}

impl BalanceBody {
    /// The balance made of the available and the used amount.
    ///
    /// # Errors
    /// Their currencies differ, or the sum is out of range.
    pub fn new(available: Money, used: Money) -> Result<Self, AmountError> {
        let total = available.checked_add(used)?;
        Ok(Self {
            currency: total.currency().to_string(),
            total_amount: total.into(),
            available_amount: available.into(),
            used_amount: used.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_is_shown_with_exact_decimals() {
        let sgd = |minor| Money::new(minor, Currency::SGD);
        let body = BalanceBody::new(sgd(8_765_432), sgd(1_234_568)).unwrap();
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"currency":"702","totalAmount":100000.00,"availableAmount":87654.32,"usedAmount":12345.68}"#
        );
        let other = BalanceBody::new(sgd(1), Money::new(1, Currency::USD));
        assert_eq!(other, Err(AmountError::CurrencyMismatch));
    }

    #[test]
    fn the_currency_is_read_in_both_spellings() {
        let parse = |raw_query| wanted_currency(&Query::parse(raw_query)?);
        assert_eq!(parse(Some("currency=840")), Ok(Currency::USD));
        assert_eq!(parse(Some("currency=USD")), Ok(Currency::USD));
        for bad in [None, Some("currency="), Some("currency=999x"), Some("currency=usd")] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
