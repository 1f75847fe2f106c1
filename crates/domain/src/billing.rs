//! The amount that a network bills (network-iso8583.md section 3.3, "Amounts"). Pure.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::Money;

/// Decimals of a rate that is derived from two amounts.
const RATE_DECIMALS: u32 = 10;

/// The amount that a network bills for a transaction, and settles with the issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingAmount {
    /// The amount.
    pub amount: Money,
    /// Units of its currency for one of the acquirer's, both in major units; `None` = not given.
    rate: Option<Decimal>,
}

impl BillingAmount {
    /// An amount, and the network's rate as a whole number of which so many digits are decimals. A
    /// rate that is not above zero, or has more decimals than a number can, counts as not given.
    #[must_use]
    pub fn new(amount: Money, rate: Option<(i64, u32)>) -> Self {
        let decimal = |(digits, decimals)| Decimal::try_new(digits, decimals).ok();
        let rate = rate.and_then(decimal).filter(|it| *it > Decimal::ZERO);
        Self { amount, rate }
    }

    /// Units of its currency for one of `acquirer_amount`'s: the network's rate, otherwise that of
    /// the two amounts. `None` if nothing is asked for.
    #[must_use]
    pub fn rate(&self, acquirer_amount: Money) -> Option<Decimal> {
        let derived = || major(self.amount)?.checked_div(major(acquirer_amount)?);
        let rounded = |rate: Decimal| {
            rate.round_dp_with_strategy(RATE_DECIMALS, RoundingStrategy::MidpointAwayFromZero)
        };
        self.rate.or_else(|| derived().map(rounded)).map(|rate| rate.normalize())
    }
}

fn major(amount: Money) -> Option<Decimal> {
    Decimal::try_new(amount.amount_minor(), amount.currency().exponent()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    fn rate(billed_minor: i64, given: Option<(i64, u32)>, asked: Money) -> Option<String> {
        let billing = BillingAmount::new(Money::new(billed_minor, Currency::USD), given);
        billing.rate(asked).map(|rate| rate.to_string())
    }

    #[test]
    fn the_networks_rate_counts_and_otherwise_that_of_the_amounts() {
        let euros = |minor| Money::new(minor, Currency::parse("EUR").unwrap());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(rate(4_930, Some((1_160_000, 6)), euros(4_250)), text("1.16"));
        assert_eq!(rate(4_930, Some((1_150_000, 6)), euros(4_250)), text("1.15"));
        assert_eq!(rate(4_930, None, euros(4_250)), text("1.16"));
        assert_eq!(rate(4_930, Some((0, 6)), euros(4_250)), text("1.16"));
        assert_eq!(rate(4_930, Some((1, 29)), euros(4_250)), text("1.16"));
        assert_eq!(rate(100, None, euros(300)), text("0.3333333333"));
        assert_eq!(rate(200, None, euros(300)), text("0.6666666667"));
        assert_eq!(rate(0, None, euros(0)), None);
    }

    #[test]
    fn amounts_compare_in_major_units() {
        let yen = Money::new(1_000, Currency::parse("JPY").unwrap());
        assert_eq!(rate(670, None, yen), Some("0.0067".to_owned()));
    }
}
