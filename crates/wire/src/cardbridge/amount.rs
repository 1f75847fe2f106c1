//! Amounts as they travel: JSON numbers with exact digits, never floats.

use domain::{AmountError, Currency, ExactDecimal, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The decimal digits of an amount in major units, exactly as written (`20.50`) unless they were
/// written with an exponent or needless zeros in front. Read from a JSON number or text, written as
/// a JSON number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountText(String);

impl AmountText {
    /// The description of an amount in the documents.
    pub(crate) const MEANING: &str =
        "Major units. Sent as a JSON number with exact digits; read as a number or its text.";

    /// Takes a decimal in any spelling of [`ExactDecimal`] (`-3`, `15.50`, `1E+2`). `None` for
    /// anything else, or for a number far outside the range of amounts.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = ExactDecimal::parse(text).ok()?.plain()?;
        Some(Self(if is_plain(text) { text.to_owned() } else { plain }))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount in a currency.
    ///
    /// # Errors
    /// More decimals than the currency has, or out of range.
    pub fn to_money(&self, currency: Currency) -> Result<Money, AmountError> {
        Money::parse_major(&self.0, currency)
    }

    /// Reads one JSON value: a number, or a text that holds one.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        match serde_json::from_str::<String>(json) {
            Ok(text) => Self::new(&text),
            Err(_) => Self::new(json),
        }
    }
}

impl From<Money> for AmountText {
    fn from(money: Money) -> Self {
        Self(money.to_major())
    }
}

impl Serialize for AmountText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.clone())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AmountText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(json.get()).ok_or_else(|| serde::de::Error::custom("not a decimal amount"))
    }
}

impl PartialSchema for AmountText {
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::from_iter([Type::Number, Type::String]);
        ObjectBuilder::new().schema_type(types).description(Some(AmountText::MEANING)).into()
    }
}

impl ToSchema for AmountText {}

/// True if a decimal is written as JSON writes numbers, without an exponent.
fn is_plain(text: &str) -> bool {
    let whole = text.strip_prefix('-').unwrap_or(text).split('.').next().unwrap_or(text);
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    !has_leading_zero && !text.ends_with('.') && !text.contains(['e', 'E'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_exactly() {
        for json in ["20.50", "0", "-0.05", "100000.00", "12345678901234.123"] {
            let amount: AmountText = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&amount).unwrap(), json);
            let quoted: AmountText = serde_json::from_str(&format!("\"{json}\"")).unwrap();
            assert_eq!(quoted, amount);
        }
    }

    #[test]
    fn other_spellings_are_written_as_plain_numbers() {
        for (json, written) in [
            ("1e3", "1000"),
            ("\"1E+2\"", "100"),
            ("\"015\"", "15"),
            ("\"1.\"", "1"),
            ("-25e-1", "-2.5"),
        ] {
            let amount: AmountText = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&amount).unwrap(), written);
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for json in ["\"1e\"", "\"\"", "true", "[]", "\"+1\"", "\".5\"", "1e99", "\"1,0\""] {
            assert!(serde_json::from_str::<AmountText>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn money_keeps_its_decimals() {
        let money = Money::new(10_000_000, Currency::SGD);
        assert_eq!(serde_json::to_string(&AmountText::from(money)).unwrap(), "100000.00");
        assert_eq!(AmountText::from(money).to_money(Currency::SGD), Ok(money));
    }
}
