//! From the shop's currency to the card's (cardbridge-open-api.md section 14, U40). Pure.

use domain::{BillingAmount, Cause, Currency, FxError, FxRate, FxTable, Money};

/// The rate within one currency.
const SAME_CURRENCY: &str = "1";
/// The rate of an amount that was not converted.
pub(crate) const NO_RATE: &str = "0";

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
    /// The result rounds to nothing, so the purchase would be free.
    RoundsToZero,
}

impl ConversionFault {
    /// The cause of a refusal.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::Fx(FxError::NoRate { .. }) => Cause::NoFxRate,
            Self::Fx(FxError::OutOfRange) => Cause::AmountOutOfRange,
            Self::RoundsToZero => Cause::AmountRoundsToZero,
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
    let conversion = converted(amount, to, table)?;
    if amount.is_positive() && !conversion.amount.is_positive() {
        return Err(ConversionFault::RoundsToZero);
    }
    Ok(conversion)
}

/// The amount that the network bills for `acquirer_amount`, as it stands. A part of a bill may be
/// billed at nothing.
pub(crate) fn billed(
    billing: &BillingAmount,
    acquirer_amount: Money,
    is_part: bool,
) -> Result<Conversion, ConversionFault> {
    let amount = billing.amount;
    if acquirer_amount.is_positive() && !amount.is_positive() && !is_part {
        return Err(ConversionFault::RoundsToZero);
    }
    let rate = billing.rate(acquirer_amount).map(|rate| rate.to_string());
    Ok(Conversion { amount, rate: rate.unwrap_or_else(|| NO_RATE.to_owned()) })
}

/// The amount that `part` adds to the earlier parts, whose sum is `before`: the converted total
/// including it, less the converted total before it. All parts together then convert to the same as
/// the whole. A part may round to nothing: it then counts and moves nothing.
pub(crate) fn convert_part(
    before: Money,
    part: Money,
    to: Currency,
    table: &FxTable,
) -> Result<Conversion, ConversionFault> {
    let out_of_range = |_| ConversionFault::Fx(FxError::OutOfRange);
    let all = before.checked_add(part).map_err(out_of_range)?;
    let (all, before) = (converted(all, to, table)?, converted(before, to, table)?);
    let amount = all.amount.checked_sub(before.amount).map_err(out_of_range)?;
    Ok(Conversion { amount, rate: all.rate })
}

fn converted(amount: Money, to: Currency, table: &FxTable) -> Result<Conversion, ConversionFault> {
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
    fn a_conversion_within_one_currency_needs_no_rate() {
        let conversion = convert(dollars(1), Currency::USD, &FxTable::default()).unwrap();
        assert_eq!((conversion.amount, conversion.rate.as_str()), (dollars(1), "1"));
    }

    #[test]
    fn what_the_network_bills_stands() {
        let billing = |minor| BillingAmount::new(Money::new(minor, Currency::SGD), None);
        let conversion = billed(&billing(2_051), dollars(1_550), false).unwrap();
        assert_eq!(conversion.amount, Money::new(2_051, Currency::SGD));
        assert_eq!(conversion.rate, "1.3232258065");
        assert_eq!(billed(&billing(0), dollars(1), false), Err(ConversionFault::RoundsToZero));
        assert_eq!(billed(&billing(0), dollars(1), true).unwrap().rate, "0");
        assert_eq!(billed(&billing(0), dollars(0), false).unwrap().rate, NO_RATE);
    }

    #[test]
    fn parts_add_up_to_the_converted_whole() {
        let sgd = |minor| Money::new(minor, Currency::SGD);
        for (rate, part, count, whole) in
            [("0.49", 1, 7, 3), ("0.7407", 1, 7, 5), ("0.003", 100, 20, 6), ("3.26", 1, 100, 326)]
        {
            let (mut before, mut sum) = (dollars(0), sgd(0));
            for _ in 0..count {
                let next = convert_part(before, dollars(part), Currency::SGD, &table(rate));
                sum = sum.checked_add(next.unwrap().amount).unwrap();
                before = before.checked_add(dollars(part)).unwrap();
            }
            assert_eq!(sum, sgd(whole), "{count} parts of {part} at {rate}");
        }
        let first = convert_part(dollars(0), dollars(1), Currency::SGD, &table("0.49")).unwrap();
        assert_eq!(first.amount, sgd(0));
    }

    #[test]
    fn an_amount_without_counterpart_is_a_fault() {
        let fault = |minor, table: &FxTable| {
            convert(dollars(minor), Currency::SGD, table).map_err(ConversionFault::cause)
        };
        assert_eq!(fault(1, &FxTable::default()), Err(Cause::NoFxRate));
        assert_eq!(fault(1, &table("0.49")), Err(Cause::AmountRoundsToZero));
        assert_eq!(fault(0, &table("0.49")).map(|c| c.amount.amount_minor()), Ok(0));
        assert_eq!(fault(Money::MAX_INPUT_MINOR, &table("2")), Err(Cause::AmountOutOfRange));
    }
}
