//! Money inside the envelope: JSON numbers in whole units of US dollars, never floats
//! (vm-api.md section 8).

use domain::{AmountError, Currency, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The currency of all accounts and cards of this dialect.
pub const CURRENCY: Currency = Currency::USD;

/// An amount as this dialect writes it: a JSON number with no more digits than it needs
/// (`19.99`, `20.5`, `300`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Money);

impl Amount {
    /// An amount of US dollars in cents.
    #[must_use]
    pub const fn of_minor(minor: i64) -> Self {
        Self(Money::new(minor, CURRENCY))
    }

    /// The digits.
    #[must_use]
    pub fn text(self) -> String {
        let text = self.0.to_major();
        if !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.text()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    /// Reads JSON text only: any other format would have made the number a float.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let money = parse(json.get()).map(Self);
        money.map_err(|_| serde::de::Error::custom("not an amount of at most two decimals"))
    }
}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let meaning = "Major units: US dollars with at most two decimals, or the shop's currency \
            where the field says so.";
        ObjectBuilder::new().schema_type(Type::Number).description(Some(meaning)).into()
    }
}

impl ToSchema for Amount {}

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAmount {
    /// More than two decimals, or not a number.
    Malformed,
    /// A number beyond the range of amounts.
    TooLarge,
}

/// Reads a number in any form that JSON libraries write (`10`, `10.00`, `1E+1`).
///
/// # Errors
/// [`NoAmount`] says why it cannot be read.
pub fn parse(text: &str) -> Result<Money, NoAmount> {
    Money::parse_major(text, CURRENCY).map_err(|error| match error {
        AmountError::OutOfRange if !text.starts_with('-') => NoAmount::TooLarge,
        _ => NoAmount::Malformed,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_without_artefacts() {
        for (minor, text) in
            [(1999, "19.99"), (2050, "20.5"), (30_000, "300"), (0, "0"), (-5, "-0.05")]
        {
            assert_eq!(serde_json::to_string(&Amount::of_minor(minor)).unwrap(), text);
        }
    }

    #[test]
    fn every_form_of_a_number_is_read() {
        for text in ["10", "10.0", "10.000000", "1E+1", "1e1", "100e-1", "010"] {
            assert_eq!(parse(text).map(Money::amount_minor), Ok(1000), "{text}");
        }
        for text in ["", "-", ".5", "1.001", "1e-3", "0x10", "1,0", "-1e99", "NaN", "١", "1.2.3"] {
            assert_eq!(parse(text), Err(NoAmount::Malformed), "{text}");
        }
        assert_eq!(parse("-0.00").map(Money::amount_minor), Ok(0));
        for text in ["1e99", "1e30", "1E400", "9223372036854775807", "99999999999999999999"] {
            assert_eq!(parse(text), Err(NoAmount::TooLarge), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in -Money::MAX_INPUT_MINOR..=Money::MAX_INPUT_MINOR) {
            let amount = Amount::of_minor(minor);
            prop_assert_eq!(parse(&amount.text()).map(Money::amount_minor), Ok(minor));
            let read: Amount = serde_json::from_str(&amount.text()).unwrap();
            prop_assert_eq!(read, amount);
        }
    }
}
