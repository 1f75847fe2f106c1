//! The parameters inside the envelope, read as forgivingly as clients need it: numbers as
//! numbers or as texts, null and absent the same, unknown names ignored (vm-api.md 8 and 11).

use std::collections::{BTreeMap, HashMap};

use domain::{Money, Timestamp};
use serde_json::value::RawValue;

use super::VmError;
use super::amount::{self, NoAmount};
use super::field::{Field, Kind};
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

/// The object that a request carries, read as its table of fields says.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    parameters: &'a Parameters,
    told: &'static [Field],
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

    /// Reads it by a table of fields; what the table does not tell of is not read.
    #[must_use]
    pub const fn by(&self, told: &'static [Field]) -> Reading<'_> {
        Reading { parameters: self, told }
    }

    /// All fields in one order with their values as they were written, to compare requests by.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let sorted: BTreeMap<_, _> = self.fields.iter().collect();
        serde_json::to_vec(&sorted).expect("texts and parsed JSON are always JSON")
    }
}

impl Reading<'_> {
    /// A nested object; none if it is absent.
    ///
    /// # Errors
    /// It is something else.
    pub fn object(&self, field: &'static str) -> Result<Option<Parameters>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let fields = serde_json::from_str(json).map_err(|_| VmError::NotSet(field))?;
        Ok(Some(Parameters { fields }))
    }

    /// A text; a number is taken as its digits, an empty text as none.
    ///
    /// # Errors
    /// [`VmError::NotSet`] if it is missing or of another type, [`VmError::Value`] for one that is
    /// too long or has control characters.
    pub fn text(&self, field: &'static str) -> Result<Option<String>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let text = match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json).map_err(|_| VmError::Value(field))?,
            Some(b'-' | b'0'..=b'9') => json.to_owned(),
            _ => return Err(VmError::NotSet(field)),
        };
        let max_chars = match self.told(field).kind {
            Kind::Text { max_chars } => max_chars,
            _ => MAX_TEXT_CHARS,
        };
        let is_too_long = text.chars().count() > max_chars;
        if is_too_long || text.chars().any(char::is_control) {
            return Err(VmError::Value(field));
        }
        self.or_missing(field, Some(text).filter(|it| !it.trim().is_empty()))
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// As [`Reading::text`].
    pub fn required_text(&self, field: &'static str) -> Result<String, VmError> {
        self.text(field)?.ok_or(VmError::NotSet(field))
    }

    /// An amount, number or text of one; may be below zero.
    ///
    /// # Errors
    /// [`VmError::NotSet`] if it is missing or of another type, [`VmError::Amount`] for a number or
    /// text that is no amount of at most two decimals, [`VmError::AmountTooLarge`] for one beyond
    /// all range.
    pub fn amount(&self, field: &'static str) -> Result<Option<Money>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let digits = match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(json).map_err(|_| VmError::Amount)?,
            Some(b'-' | b'0'..=b'9') => json.to_owned(),
            _ => return Err(VmError::NotSet(field)),
        };
        if digits.trim().is_empty() {
            return self.or_missing(field, None);
        }
        amount::parse(digits.trim()).map(Some).map_err(|fault| match fault {
            NoAmount::Malformed => VmError::Amount,
            NoAmount::TooLarge => VmError::AmountTooLarge,
        })
    }

    /// An amount that must be there.
    ///
    /// # Errors
    /// As [`Reading::amount`].
    pub fn required_amount(&self, field: &'static str) -> Result<Money, VmError> {
        self.amount(field)?.ok_or(VmError::NotSet(field))
    }

    /// A moment.
    ///
    /// # Errors
    /// Not of the form `YYYY-MM-DD HH:MM:SS`.
    pub fn moment(
        &self,
        field: &'static str,
        offset: Offset,
    ) -> Result<Option<Timestamp>, VmError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        offset.parse(&text).map(Some).ok_or(VmError::Value(field))
    }

    /// `page` and `page_size`.
    ///
    /// # Errors
    /// No whole numbers from 1, or more rows than a page has, which is refused and not
    /// lowered: a client would take a short page for the last one.
    pub fn page(&self) -> Result<PageWish, VmError> {
        let page = self.whole("page")?.unwrap_or(1);
        let rows = self.whole("page_size")?.unwrap_or(DEFAULT_PAGE_ROWS);
        if rows > MAX_PAGE_ROWS {
            return Err(VmError::PageSize);
        }
        Ok(PageWish { skipped_rows: u64::from(page - 1) * u64::from(rows), rows })
    }

    fn whole(&self, field: &'static str) -> Result<Option<u32>, VmError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let cents = amount::parse(&text).map_err(|_| VmError::Value(field))?.amount_minor();
        let number = u32::try_from(cents / 100).ok().filter(|it| *it > 0 && cents % 100 == 0);
        number.map(Some).ok_or(VmError::Value(field))
    }

    /// What stands in a field; none for null.
    fn json(&self, field: &'static str) -> Result<Option<&str>, VmError> {
        let json = self.parameters.fields.get(field).map(|json| json.get());
        self.or_missing(field, json.filter(|json| *json != "null"))
    }

    fn or_missing<T>(&self, field: &'static str, value: Option<T>) -> Result<Option<T>, VmError> {
        if value.is_none() && self.told(field).is_required {
            return Err(VmError::NotSet(field));
        }
        Ok(value)
    }

    fn told(&self, field: &str) -> &'static Field {
        let told = self.told.iter().find(|it| it.name == field);
        told.expect("what is read stands in the table that it is read by")
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{PAGE, PAGE_SIZE};
    use super::*;

    const TOLD: &[Field] = &[
        Field::text("a", ""),
        Field::text("b", ""),
        Field::text("c", ""),
        Field::text("d", ""),
        Field::text("e", "").required(),
        Field::text("f", "").required(),
        Field::text("g", "").required(),
        PAGE,
        PAGE_SIZE,
    ];

    fn parameters(json: &str) -> Parameters {
        Parameters::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_may_be_texts_and_texts_numbers() {
        let it = parameters(
            r#"{"a":10,"b":"10","c":" 10.00 ","d":1234567890123456789,"e":null,"f":""}"#,
        );
        let it = it.by(TOLD);
        for field in ["a", "b", "c"] {
            assert_eq!(it.amount(field).unwrap().map(Money::amount_minor), Some(1000));
        }
        assert_eq!(it.text("d").unwrap().as_deref(), Some("1234567890123456789"));
        for field in ["e", "f", "g"] {
            assert_eq!(it.required_text(field), Err(VmError::NotSet(field)));
            assert_eq!(it.required_amount(field), Err(VmError::NotSet(field)));
        }
        for bad in [r#"{"a":"1.005"}"#, r#"{"a":"x"}"#, r#"{"a":0.30000000000000004}"#] {
            assert_eq!(parameters(bad).by(TOLD).amount("a"), Err(VmError::Amount), "{bad}");
        }
        assert_eq!(parameters(r#"{"a":1e30}"#).by(TOLD).amount("a"), Err(VmError::AmountTooLarge));
        for wrong_type in [r#"{"a":[]}"#, r#"{"a":true}"#, r#"{"a":{}}"#] {
            let it = parameters(wrong_type);
            let it = it.by(TOLD);
            assert_eq!(it.amount("a"), Err(VmError::NotSet("a")), "{wrong_type}");
            assert_eq!(it.text("a"), Err(VmError::NotSet("a")), "{wrong_type}");
        }
        for value in [r#"{"a":"\u0000"}"#.to_owned(), format!(r#"{{"a":"{}"}}"#, "x".repeat(257))] {
            assert_eq!(parameters(&value).by(TOLD).text("a"), Err(VmError::Value("a")));
        }
    }

    #[test]
    fn pages_count_from_one_and_are_never_lowered() {
        let page = |json: &str| parameters(json).by(TOLD).page();
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
