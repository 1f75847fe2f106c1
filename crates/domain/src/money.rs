//! Money as whole minor units of one ISO 4217 currency. No floats.

use std::fmt;

use crate::{AmountError, ExactDecimal};

/// An ISO 4217 currency, by its numeric code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u16);

impl Currency {
    /// Singapore dollar.
    pub const SGD: Self = Self(702);
    /// United States dollar.
    pub const USD: Self = Self(840);

    /// The currency with this numeric code, if ISO 4217 has it.
    #[must_use]
    pub fn from_numeric(code: u16) -> Option<Self> {
        iso_currency::Currency::from_numeric(code).map(|_| Self(code))
    }

    /// Reads a numeric (`840`) or alphabetic (`USD`) code. Both occur on the wire
    /// (cardbridge-open-api.md section 1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 3 {
            return None;
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Self::from_numeric(text.parse().ok()?);
        }
        iso_currency::Currency::from_code(text).map(|c| Self(c.numeric()))
    }

    /// The numeric code.
    #[must_use]
    pub const fn numeric(self) -> u16 {
        self.0
    }

    /// The number of decimal digits of the minor unit (2 for USD, 0 for JPY).
    #[must_use]
    pub fn exponent(self) -> u32 {
        iso_currency::Currency::from_numeric(self.0).and_then(|c| c.exponent()).map_or(0, u32::from)
    }

    /// The alphabetic code.
    #[must_use]
    pub fn alpha(self) -> &'static str {
        iso_currency::Currency::from_numeric(self.0).map_or("XXX", |c| c.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

/// An amount of money: minor units (cents) and their currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount_minor: i64,
    currency: Currency,
}

impl Money {
    /// Largest amount accepted from outside, in minor units: it leaves room for
    /// sums of many such amounts in an `i64`.
    pub const MAX_INPUT_MINOR: i64 = 1_000_000_000_000_000;

    /// An amount in minor units.
    #[must_use]
    pub const fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    /// Zero in a currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    #[must_use]
    pub const fn amount_minor(self) -> i64 {
        self.amount_minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// True if the amount is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.amount_minor > 0
    }

    /// Reads major units as written for [`ExactDecimal`]; the number must be a whole number of
    /// minor units (`1500.00` yen, `1E+2` dollars).
    ///
    /// # Errors
    /// [`AmountError`] says what is wrong with the text.
    pub fn parse_major(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let amount_minor = ExactDecimal::parse(text)?.scaled(currency.exponent())?;
        let amount = Self { amount_minor, currency };
        if amount.is_beyond_input() { Err(AmountError::OutOfRange) } else { Ok(amount) }
    }

    /// True if the amount, regardless of its sign, is larger than any that is accepted.
    pub(crate) const fn is_beyond_input(self) -> bool {
        self.amount_minor.unsigned_abs() > Self::MAX_INPUT_MINOR.unsigned_abs()
    }

    /// Major units as decimal text with all of the currency's decimals (`15.50`).
    #[must_use]
    pub fn to_major(self) -> String {
        let exponent = self.currency.exponent() as usize;
        let sign = if self.amount_minor < 0 { "-" } else { "" };
        let mut digits =
            format!("{sign}{:0width$}", self.amount_minor.unsigned_abs(), width = exponent + 1);
        if exponent > 0 {
            digits.insert(digits.len() - exponent, '.');
        }
        digits
    }

    /// Sum of two amounts of one currency.
    ///
    /// # Errors
    /// Currencies differ, or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.combine(other, i64::checked_add)
    }

    /// Difference of two amounts of one currency.
    ///
    /// # Errors
    /// Currencies differ, or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, step: fn(i64, i64) -> Option<i64>) -> Result<Self, AmountError> {
        if self.currency != other.currency {
            return Err(AmountError::CurrencyMismatch);
        }
        let amount_minor =
            step(self.amount_minor, other.amount_minor).ok_or(AmountError::OutOfRange)?;
        Ok(Self { amount_minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_major(), self.currency.alpha())
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_to_the_minor_unit_and_no_further() {
        let usd = |text| Money::parse_major(text, Currency::USD);
        assert_eq!(usd("15.5").unwrap().amount_minor(), 1550);
        assert_eq!(usd("0.01").unwrap().amount_minor(), 1);
        assert_eq!(usd("-3").unwrap().amount_minor(), -300);
        assert_eq!(usd("15.555"), Err(AmountError::TooManyDecimals));
        for bad in ["", ".", ".5", "1e", "+1", " 1", "1,000", "NaN", "--1", "0x1"] {
            assert_eq!(usd(bad), Err(AmountError::Syntax), "{bad}");
        }
        for huge in [
            "99999999999999999999",
            "10000000000000.01",
            "-10000000000000.01",
            "92233720368547758.07",
            "-92233720368547758.08",
            "123456789012345678901234567890",
        ] {
            assert_eq!(usd(huge), Err(AmountError::OutOfRange), "{huge}");
        }
        let yen = Currency::parse("JPY").unwrap();
        assert_eq!(Money::parse_major("120", yen).unwrap().to_major(), "120");
        for spelling in ["120.00", "12E+1", "1.2e2"] {
            assert_eq!(Money::parse_major(spelling, yen).unwrap().amount_minor(), 120);
        }
        for finer in ["120.5", "1205e-1", "1e-1"] {
            assert_eq!(Money::parse_major(finer, yen), Err(AmountError::TooManyDecimals));
        }
        assert_eq!(usd("100.000").unwrap().amount_minor(), 10_000);
    }

    #[test]
    fn both_spellings_of_a_currency_are_one() {
        assert_eq!(Currency::parse("USD"), Currency::parse("840"));
        assert_eq!(Currency::parse("008").map(|c| c.to_string()).as_deref(), Some("008"));
        for bad in ["", "usd", "84", "0840", "999x", "000"] {
            assert_eq!(Currency::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_and_minor_units_are_one_to_one(
            minor in -Money::MAX_INPUT_MINOR..=Money::MAX_INPUT_MINOR,
        ) {
            for currency in [Currency::USD, Currency(392), Currency(48)] {
                let money = Money::new(minor, currency);
                prop_assert_eq!(Money::parse_major(&money.to_major(), currency), Ok(money));
            }
        }
    }
}
