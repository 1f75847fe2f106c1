//! Conversion between currencies at a table of rates.

use std::collections::HashMap;

use rust_decimal::{Decimal, RoundingStrategy};
use thiserror::Error;

use crate::{Currency, Money};

/// One rate: 1 unit of `from` is `rate` units of `to`, both in major units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FxRate {
    /// Source currency.
    pub from: Currency,
    /// Target currency.
    pub to: Currency,
    /// Units of `to` for one unit of `from`; above zero.
    pub rate: Decimal,
}

/// Why no conversion was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FxError {
    /// The table has no such pair.
    #[error("no rate from {from:?} to {to:?}")]
    NoRate {
        /// Source currency.
        from: Currency,
        /// Target currency.
        to: Currency,
    },
    /// The result does not fit.
    #[error("converted amount out of range")]
    OutOfRange,
}

/// The table of rates in force.
#[derive(Debug, Clone, Default)]
pub struct FxTable {
    rates: HashMap<(Currency, Currency), Decimal>,
}

impl FxTable {
    /// A table of these rates; a later entry of a pair wins.
    #[must_use]
    pub fn new(rates: impl IntoIterator<Item = FxRate>) -> Self {
        Self { rates: rates.into_iter().map(|r| ((r.from, r.to), r.rate)).collect() }
    }

    /// Every rate, in a stable order.
    #[must_use]
    pub fn rates(&self) -> Vec<FxRate> {
        let mut rates: Vec<_> =
            self.rates.iter().map(|(&(from, to), &rate)| FxRate { from, to, rate }).collect();
        rates.sort_by_key(|r| (r.from, r.to));
        rates
    }

    /// The rate from one currency to another; 1 within one currency.
    ///
    /// # Errors
    /// [`FxError::NoRate`] if the table has no such pair.
    pub fn rate(&self, from: Currency, to: Currency) -> Result<Decimal, FxError> {
        if from == to {
            return Ok(Decimal::ONE);
        }
        self.rates.get(&(from, to)).copied().ok_or(FxError::NoRate { from, to })
    }
}

impl FxRate {
    /// `money` in `to`, at `rate`, rounded half up (away from zero) to `to`'s minor unit.
    ///
    /// # Errors
    /// [`FxError::OutOfRange`] if the result does not fit.
    pub fn convert(money: Money, to: Currency, rate: Decimal) -> Result<Money, FxError> {
        if money.currency() == to {
            return Ok(money);
        }
        let major = Decimal::try_new(money.amount_minor(), money.currency().exponent())
            .map_err(|_| FxError::OutOfRange)?;
        let scaled = major
            .checked_mul(rate)
            .and_then(|v| v.checked_mul(Decimal::from(10_i64.pow(to.exponent()))))
            .ok_or(FxError::OutOfRange)?
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        let amount_minor = i64::try_from(scaled).map_err(|_| FxError::OutOfRange)?;
        let converted = Money::new(amount_minor, to);
        if converted.is_beyond_input() { Err(FxError::OutOfRange) } else { Ok(converted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_rounds_half_up_in_minor_units() {
        let convert = |minor, rate: &str| {
            FxRate::convert(Money::new(minor, Currency::USD), Currency::SGD, rate.parse().unwrap())
                .map(Money::amount_minor)
        };
        assert_eq!(convert(1550, "1.3225"), Ok(2050));
        assert_eq!(convert(1, "0.5"), Ok(1));
        assert_eq!(convert(1, "0.49"), Ok(0));
        assert_eq!(convert(3, "0.5"), Ok(2));
        for least in [-Money::MAX_INPUT_MINOR - 1, i64::MIN] {
            assert_eq!(convert(least, "1"), Err(FxError::OutOfRange));
        }
        assert_eq!(convert(Money::MAX_INPUT_MINOR, "2"), Err(FxError::OutOfRange));
    }

    #[test]
    fn currencies_without_decimals_are_scaled() {
        let yen = Currency::parse("JPY").unwrap();
        let got = FxRate::convert(Money::new(1000, yen), Currency::USD, "0.0067".parse().unwrap());
        assert_eq!(got, Ok(Money::new(670, Currency::USD)));
    }
}
