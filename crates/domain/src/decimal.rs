//! Decimal numbers as text: the only rule for how an amount or a rate may be written.

use rust_decimal::Decimal;

use crate::AmountError;

/// A decimal number exactly as its text gives it: numbers that are equal compare equal, however
/// they are written (`100`, `100.000`, `1E+2`, `0100`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactDecimal {
    is_negative: bool,
    /// Digits without zeros at either end; empty for zero.
    digits: String,
    /// The number is `digits` times ten to this power.
    power: i32,
}

impl ExactDecimal {
    /// Longest text that is read: the largest amount, with as many decimals as libraries write.
    pub const MAX_TEXT_BYTES: usize = 64;
    /// Most digits of an exponent; with more the number is larger than any amount.
    const MAX_EXPONENT_DIGITS: usize = 4;
    /// Most zeros that [`ExactDecimal::plain`] adds to the digits.
    const MAX_PLAIN_ZEROS: usize = 32;

    /// Reads digits, optionally with a minus sign in front, a point and further digits, and an
    /// exponent. No plus sign, no grouping, no blanks.
    ///
    /// # Errors
    /// [`AmountError::Syntax`] for anything else, [`AmountError::OutOfRange`] for a text that is
    /// too long.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let signless = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if whole.is_empty() || signless.is_empty() || !are_digits(&[whole, fraction, signless]) {
            return Err(AmountError::Syntax);
        }
        let exponent_digits = signless.trim_start_matches('0').len();
        if text.len() > Self::MAX_TEXT_BYTES || exponent_digits > Self::MAX_EXPONENT_DIGITS {
            return Err(AmountError::OutOfRange);
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_end_matches('0');
        let power = |length: usize| i32::try_from(length).map_err(|_| AmountError::OutOfRange);
        let dropped = power(all.len() - significant.len())?;
        let exponent: i32 = exponent.parse().map_err(|_| AmountError::OutOfRange)?;
        let digits = significant.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Ok(Self { is_negative: false, digits, power: 0 });
        }
        Ok(Self { is_negative, digits, power: exponent - power(fraction.len())? + dropped })
    }

    /// The number in units of ten to the power of minus `decimals`, such as cents for 2.
    ///
    /// # Errors
    /// It is not a whole number of them, or does not fit.
    pub fn scaled(&self, decimals: u32) -> Result<i64, AmountError> {
        if self.digits.is_empty() {
            return Ok(0);
        }
        let shift = i64::from(self.power) + i64::from(decimals);
        let zeros = usize::try_from(shift).map_err(|_| AmountError::TooManyDecimals)?;
        if self.digits.len().saturating_add(zeros) > Self::MAX_TEXT_BYTES {
            return Err(AmountError::OutOfRange);
        }
        let sign = if self.is_negative { "-" } else { "" };
        let text = format!("{sign}{}{}", self.digits, "0".repeat(zeros));
        text.parse().map_err(|_| AmountError::OutOfRange)
    }

    /// The number as JSON, without an exponent; `None` if that would need very many zeros.
    #[must_use]
    pub fn plain(&self) -> Option<String> {
        let sign = if self.is_negative { "-" } else { "" };
        let Ok(decimals) = usize::try_from(-i64::from(self.power)) else {
            let zeros = usize::try_from(self.power).ok()?;
            let is_short = zeros <= Self::MAX_PLAIN_ZEROS;
            return is_short.then(|| format!("{sign}{}{}", self.digits, "0".repeat(zeros)));
        };
        if self.digits.is_empty() {
            return Some("0".to_owned());
        }
        if decimals > self.digits.len() + Self::MAX_PLAIN_ZEROS {
            return None;
        }
        // There is always a digit before the point, if only a zero.
        let digits = format!("{:0>width$}", self.digits, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{sign}{whole}{point}{fraction}"))
    }

    /// The number for calculations; `None` if it has more digits than [`Decimal`] holds exactly.
    #[must_use]
    pub fn to_decimal(&self) -> Option<Decimal> {
        Decimal::from_str_exact(&self.plain()?).ok()
    }
}

fn are_digits(parts: &[&str]) -> bool {
    parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        let hundred = ExactDecimal::parse("100").unwrap();
        for text in ["100.000", "1E+2", "1e2", "0.1e3", "0100", "10000e-2", "100.", "1E+0002"] {
            assert_eq!(ExactDecimal::parse(text).unwrap(), hundred, "{text}");
        }
        for text in ["0", "-0", "0.00", "0E+99", "-0e-5", "00"] {
            assert_eq!(ExactDecimal::parse(text).unwrap().scaled(2), Ok(0), "{text}");
            assert_eq!(ExactDecimal::parse(text).unwrap().plain().as_deref(), Some("0"), "{text}");
        }
        for text in ["", ".", ".5", "-", "+1", " 1", "1 ", "1,0", "e1", "1e", "1e+", "1e1.5"] {
            assert_eq!(ExactDecimal::parse(text), Err(AmountError::Syntax), "{text}");
        }
        for text in ["NaN", "--1", "0x1", "1.2.3", "1e1e1", "\u{661}", "Infinity", "1e--1"] {
            assert_eq!(ExactDecimal::parse(text), Err(AmountError::Syntax), "{text}");
        }
    }

    #[test]
    fn lengths_and_exponents_are_bounded() {
        let long = "0".repeat(ExactDecimal::MAX_TEXT_BYTES + 1);
        for text in ["1e99999", "1e-99999", "0e1000000000000000000000", long.as_str()] {
            assert_eq!(ExactDecimal::parse(text), Err(AmountError::OutOfRange), "{text}");
        }
        let huge = ExactDecimal::parse("1e9999").unwrap();
        assert_eq!((huge.scaled(2), huge.plain()), (Err(AmountError::OutOfRange), None));
        let tiny = ExactDecimal::parse("1e-9999").unwrap();
        assert_eq!((tiny.scaled(2), tiny.plain()), (Err(AmountError::TooManyDecimals), None));
    }

    #[test]
    fn plain_texts_are_json_numbers() {
        for (text, plain) in [
            ("1E+2", "100"),
            ("-15e-1", "-1.5"),
            ("5e-3", "0.005"),
            ("015.50", "15.5"),
            ("1.", "1"),
            ("-12", "-12"),
        ] {
            assert_eq!(ExactDecimal::parse(text).unwrap().plain().as_deref(), Some(plain));
        }
    }

    proptest! {
        #[test]
        fn every_spelling_of_minor_units_is_read_back(
            minor in -1_000_000_000_000_000_i64..=1_000_000_000_000_000,
            shift in -9_i32..=9,
            zeros in 0_usize..4,
        ) {
            let padding = "0".repeat(zeros);
            let text = format!("{minor}.{padding}e{shift}");
            let read = ExactDecimal::parse(&text).unwrap();
            let exact = i128::from(minor) * 10_i128.pow(9);
            let expected = match shift {
                0.. => exact * 10_i128.pow(shift.unsigned_abs()),
                _ => exact / 10_i128.pow(shift.unsigned_abs()),
            };
            if let Ok(expected) = i64::try_from(expected) {
                prop_assert_eq!(read.scaled(9), Ok(expected));
            }
            let plain = read.plain().unwrap();
            prop_assert_eq!(ExactDecimal::parse(&plain), Ok(read));
        }
    }
}
