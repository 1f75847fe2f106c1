//! The parameters inside the envelope, read as forgivingly as clients need it: numbers as
//! numbers or as texts, null and absent the same, unknown names ignored (vm-api.md sections 8
//! and 11).

use std::collections::{BTreeMap, HashMap};

use domain::{Money, Timestamp};
use serde_json::value::RawValue;

use super::VmError;
use super::amount::{self, NoAmount};
use super::field::{Field, Kind, PAGE, PAGE_SIZE};
use super::time::Offset;

/// Longest text where nothing else is said.
pub const MAX_TEXT_CHARS: usize = 256;
/// Rows of a page if nothing is asked for (vm-api.md section 9).
pub const DEFAULT_PAGE_ROWS: u32 = 10;
/// Most rows of a page.
pub const MAX_PAGE_ROWS: u32 = 1_000;

/// The object that a request carries. No Debug: it bears who is to bear a card.
#[derive(Default)]
pub struct Parameters {
    fields: HashMap<String, Box<RawValue>>,
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageWish {
    /// Rows before it.
    pub skipped_rows: u64,
    /// Rows on it, at most [`MAX_PAGE_ROWS`].
    pub rows: u32,
}

impl Parameters {
    /// Reads what was decrypted.
    ///
    /// # Errors
    /// It is not one JSON object, which is told as every other unreadable `content`.
    pub fn parse(plain: &[u8]) -> Result<Self, VmError> {
        let fields = serde_json::from_slice(plain).map_err(|_| VmError::Invalid("content"))?;
        Ok(Self { fields })
    }

    /// All fields in one order with their values as they were written, to compare requests by.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let sorted: BTreeMap<_, _> = self.fields.iter().collect();
        serde_json::to_vec(&sorted).expect("texts and parsed JSON are always JSON")
    }

    /// A nested object; none if it is absent.
    ///
    /// # Errors
    /// It is something else.
    pub fn object(&self, field: Field) -> Result<Option<Parameters>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let fields = serde_json::from_str(json).map_err(|_| VmError::NotSet(field.name))?;
        Ok(Some(Parameters { fields }))
    }

    /// A text; a number is taken as its digits, an empty text as none.
    ///
    /// # Errors
    /// [`VmError::NotSet`] if it is missing or of another type, [`VmError::Value`] for one that is
    /// too long or has control characters.
    pub fn text(&self, field: Field) -> Result<Option<String>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let text = match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json).map_err(|_| VmError::Value(field.name))?,
            Some(b'-' | b'0'..=b'9') => json.to_owned(),
            _ => return Err(VmError::NotSet(field.name)),
        };
        let max_chars = match field.kind {
            Kind::Text { max_chars } => max_chars,
            _ => MAX_TEXT_CHARS,
        };
        let is_too_long = text.chars().count() > max_chars;
        if is_too_long || text.chars().any(char::is_control) {
            return Err(VmError::Value(field.name));
        }
        Self::or_missing(field, Some(text).filter(|it| !it.trim().is_empty()))
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// As [`Parameters::text`].
    pub fn required_text(&self, field: Field) -> Result<String, VmError> {
        self.text(field)?.ok_or(VmError::NotSet(field.name))
    }

    /// An amount, number or text of one; may be below zero.
    ///
    /// # Errors
    /// [`VmError::NotSet`] if it is missing or of another type, [`VmError::Amount`] for a text that
    /// is no number and for what is finer than a cent, [`VmError::AmountTooLarge`] for one beyond
    /// all range.
    pub fn amount(&self, field: Field) -> Result<Option<Money>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let digits = match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(json).map_err(|_| VmError::Amount)?,
            Some(b'-' | b'0'..=b'9') => json.to_owned(),
            _ => return Err(VmError::NotSet(field.name)),
        };
        if digits.trim().is_empty() {
            return Self::or_missing(field, None);
        }
        amount::parse(digits.trim()).map(Some).map_err(|fault| match fault {
            NoAmount::Malformed => VmError::Amount,
            NoAmount::TooLarge => VmError::AmountTooLarge,
        })
    }

    /// An amount that must be there.
    ///
    /// # Errors
    /// As [`Parameters::amount`].
    pub fn required_amount(&self, field: Field) -> Result<Money, VmError> {
        self.amount(field)?.ok_or(VmError::NotSet(field.name))
    }

    /// A moment.
    ///
    /// # Errors
    /// Not of the form `YYYY-MM-DD HH:MM:SS`.
    pub fn moment(&self, field: Field, offset: Offset) -> Result<Option<Timestamp>, VmError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        offset.parse(&text).map(Some).ok_or(VmError::Value(field.name))
    }

    /// `page` and `page_size`.
    ///
    /// # Errors
    /// No whole numbers from 1, or more rows than a page has, which is refused and not
    /// lowered: a client would take a short page for the last one.
    pub fn page(&self) -> Result<PageWish, VmError> {
        let page = self.whole(PAGE)?.unwrap_or(1);
        let rows = self.whole(PAGE_SIZE)?.unwrap_or(DEFAULT_PAGE_ROWS);
        if rows > MAX_PAGE_ROWS {
            return Err(VmError::PageSize);
        }
        Ok(PageWish { skipped_rows: u64::from(page - 1) * u64::from(rows), rows })
    }

    fn whole(&self, field: Field) -> Result<Option<u32>, VmError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let cents = amount::parse(&text).map_err(|_| VmError::Value(field.name))?.amount_minor();
        let number = u32::try_from(cents / 100).ok().filter(|it| *it > 0 && cents % 100 == 0);
        number.map(Some).ok_or(VmError::Value(field.name))
    }

    /// What stands in a field; none for null.
    fn json(&self, field: Field) -> Result<Option<&str>, VmError> {
        let json = self.fields.get(field.name).map(|json| json.get());
        Self::or_missing(field, json.filter(|json| *json != "null"))
    }

    fn or_missing<T>(field: Field, value: Option<T>) -> Result<Option<T>, VmError> {
        if value.is_none() && field.is_required {
            return Err(VmError::NotSet(field.name));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{field, told};
    use super::*;

    const TOLD: &[Field] = &[
        Field::text("a", ""),
        Field::text("b", ""),
        Field::text("c", ""),
        Field::text("d", ""),
        Field::text("e", "").required(),
        Field::text("f", "").required(),
        Field::text("g", "").required(),
    ];

    fn parameters(json: &str) -> Parameters {
        Parameters::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_may_be_texts_and_texts_numbers() {
        let it = parameters(
            r#"{"a":10,"b":"10","c":" 10.00 ","d":1234567890123456789,"e":null,"f":""}"#,
        );
        for name in ["a", "b", "c"] {
            assert_eq!(it.amount(told(TOLD, name)).unwrap().map(Money::amount_minor), Some(1000));
        }
        assert_eq!(it.text(field!(TOLD, "d")).unwrap().as_deref(), Some("1234567890123456789"));
        for name in ["e", "f", "g"] {
            let field = told(TOLD, name);
            assert_eq!(it.required_text(field), Err(VmError::NotSet(name)));
            assert_eq!(it.required_amount(field), Err(VmError::NotSet(name)));
        }
        for bad in [r#"{"a":"1.005"}"#, r#"{"a":"x"}"#, r#"{"a":0.30000000000000004}"#] {
            assert_eq!(parameters(bad).amount(field!(TOLD, "a")), Err(VmError::Amount), "{bad}");
        }
        assert_eq!(
            parameters(r#"{"a":1e30}"#).amount(field!(TOLD, "a")),
            Err(VmError::AmountTooLarge)
        );
        for wrong_type in [r#"{"a":[]}"#, r#"{"a":true}"#, r#"{"a":{}}"#] {
            let it = parameters(wrong_type);
            assert_eq!(it.amount(field!(TOLD, "a")), Err(VmError::NotSet("a")), "{wrong_type}");
            assert_eq!(it.text(field!(TOLD, "a")), Err(VmError::NotSet("a")), "{wrong_type}");
        }
        for value in [r#"{"a":"\u0000"}"#.to_owned(), format!(r#"{{"a":"{}"}}"#, "x".repeat(257))] {
            assert_eq!(parameters(&value).text(field!(TOLD, "a")), Err(VmError::Value("a")));
        }
    }

    #[test]
    fn pages_count_from_one_and_are_never_lowered() {
        let page = |json: &str| parameters(json).page();
        assert_eq!(page("{}"), Ok(PageWish { skipped_rows: 0, rows: 10 }));
        let third = PageWish { skipped_rows: 1_000, rows: 500 };
        assert_eq!(page(r#"{"page":3,"page_size":500}"#), Ok(third));
        assert_eq!(page(r#"{"page":"3","page_size":"500"}"#), Ok(third));
        assert_eq!(page(r#"{"page_size":1001}"#), Err(VmError::PageSize));
        for bad in [r#"{"page":0}"#, r#"{"page":-1}"#, r#"{"page":1.5}"#, r#"{"page":"x"}"#] {
            assert_eq!(page(bad), Err(VmError::Value("page")), "{bad}");
        }
    }

    #[test]
    fn only_an_object_is_read() {
        for plain in ["", "null", "[]", "1", "{", "\u{feff}{}"] {
            assert_eq!(
                Parameters::parse(plain.as_bytes()).err(),
                Some(VmError::Invalid("content"))
            );
        }
        assert_eq!(Parameters::parse(b"\xff").err(), Some(VmError::Invalid("content")));
    }
}
