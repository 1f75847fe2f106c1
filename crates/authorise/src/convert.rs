//! From the shop's currency to the card's (cardbridge-open-api.md U40). Pure.

use domain::{Currency, FxError, FxRate, FxTable, Money};

/// The rate within one currency.
const SAME_CURRENCY: &str = "1";

/// An amount in the card's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conversion {
    /// The amount.
    pub(crate) amount: Money,
    /// The rate it was made at, as decimal text.
    pub(crate) rate: String,
}

/// Why an amount has no counterpart in the card's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConversionFault {
    /// The table has no such pair, or the result is too large.
    Fx(FxError),
    /// The result rounds to nothing, so that the purchase would be free.
    RoundsToZero,
}

impl ConversionFault {
    /// The cause of a refusal.
    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Self::Fx(FxError::NoRate { .. }) => "no_fx_rate",
            Self::Fx(FxError::OutOfRange) => "amount_out_of_range",
            Self::RoundsToZero => "amount_rounds_to_zero",
        }
    }
}

impl From<FxError> for ConversionFault {
    fn from(error: FxError) -> Self {
        Self::Fx(error)
    }
}

/// `amount` in `to`, rounded half up to its minor unit.
pub(crate) fn convert(
    amount: Money,
    to: Currency,
    table: &FxTable,
) -> Result<Conversion, ConversionFault> {
    let conversion = convert_part(amount, to, table)?;
    if amount.is_positive() && !conversion.amount.is_positive() {
        return Err(ConversionFault::RoundsToZero);
    }
    Ok(conversion)
}

/// As [`convert`] for what is only a part of something, which may round to nothing: then it
/// counts and moves nothing.
pub(crate) fn convert_part(
    amount: Money,
    to: Currency,
    table: &FxTable,
) -> Result<Conversion, ConversionFault> {
    if amount.currency() == to {
        return Ok(Conversion { amount, rate: SAME_CURRENCY.to_owned() });
    }
    let rate = table.rate(amount.currency(), to)?;
    let amount = FxRate::convert(amount, to, rate)?;
    Ok(Conversion { amount, rate: rate.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rate: &str) -> FxTable {
        let rate = rate.parse().unwrap();
        FxTable::new([FxRate { from: Currency::USD, to: Currency::SGD, rate }])
    }

    fn dollars(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn the_published_example_converts() {
        let conversion = convert(dollars(1550), Currency::SGD, &table("1.3226")).unwrap();
        assert_eq!(conversion.amount, Money::new(2050, Currency::SGD));
        assert_eq!(conversion.rate, "1.3226");
    }

    #[test]
    fn within_one_currency_no_rate_is_needed() {
        let conversion = convert(dollars(1), Currency::USD, &FxTable::default()).unwrap();
        assert_eq!((conversion.amount, conversion.rate.as_str()), (dollars(1), "1"));
    }

    #[test]
    fn what_has_no_counterpart_is_a_fault() {
        let fault = |minor, table: &FxTable| {
            convert(dollars(minor), Currency::SGD, table).map_err(ConversionFault::detail)
        };
        assert_eq!(fault(1, &FxTable::default()), Err("no_fx_rate"));
        assert_eq!(fault(1, &table("0.49")), Err("amount_rounds_to_zero"));
        assert_eq!(fault(0, &table("0.49")).map(|c| c.amount.amount_minor()), Ok(0));
        let part = convert_part(dollars(1), Currency::SGD, &table("0.49")).unwrap();
        assert_eq!(part.amount, Money::zero(Currency::SGD));
        assert_eq!(fault(Money::MAX_INPUT_MINOR, &table("2")), Err("amount_out_of_range"));
    }
}
