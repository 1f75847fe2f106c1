//! The parameters inside the envelope, read as forgivingly as clients need it: numbers as
//! numbers or as texts, null and absent the same, unknown names ignored (vm-api.md sections 8
//! and 11).

use domain::{Money, Timestamp};

use super::VmError;
use super::amount::{self, NoAmount};
use super::time::Offset;
use crate::field::{Body, Fault, Field, Kind, Policy};

/// Rows of a page if no number is asked for (vm-api.md section 9).
pub const DEFAULT_PAGE_ROWS: u32 = 10;
/// Most rows of a page.
pub const MAX_PAGE_ROWS: u32 = 1_000;
const MINOR_PER_MAJOR: i64 = 100;

/// The page of a list.
pub const PAGE: Field =
    Field::of("page", "Which page, from 1; the first if left out", Kind::Page { default: 1 });
/// The number of rows on a page of a list.
pub const PAGE_SIZE: Field = Field::of(
    "page_size",
    "Rows of a page; 10 if left out",
    Kind::PageSize { default: DEFAULT_PAGE_ROWS, most: MAX_PAGE_ROWS },
);

/// The object that a request carries.
pub type Parameters = Body<'static, InEnvelope>;

/// The reading rules of this dialect.
pub enum InEnvelope {}

impl Policy for InEnvelope {
    type Error = VmError;
    type Wrong = Fault;
    const IS_FORGIVING: bool = true;
    const IS_TEXT_TOLD: bool = true;
    /// No request has a list.
    const MAX_LIST_ENTRIES: usize = 0;

    /// Answered like every other unreadable `content`.
    fn no_object() -> VmError {
        VmError::Invalid("content")
    }

    fn wrong(_: String, field: Field, fault: Fault) -> VmError {
        match fault {
            Fault::Undecodable | Fault::TooLong | Fault::ControlCharacters => {
                VmError::Value(field.name)
            }
            _ => VmError::NotSet(field.name),
        }
    }

    fn is_banned(c: char) -> bool {
        c.is_control()
    }
}

/// Reads the decrypted object.
///
/// # Errors
/// It is not one JSON object.
pub fn parse(plain: &[u8]) -> Result<Parameters, VmError> {
    Body::parse(plain).map(Body::into_owned)
}

/// The refusals that reading a field can end in, without those of the operation itself.
#[must_use]
pub fn refusals(field: &Field) -> Vec<VmError> {
    let invalid = VmError::Value(field.name);
    let mut refusals = match field.kind {
        Kind::Name => vec![VmError::Params],
        Kind::Word(_) => vec![invalid, VmError::Status],
        Kind::Load { least_minor, .. } => vec![
            VmError::Amount,
            VmError::AmountTooSmall { least_major: least_minor / MINOR_PER_MAJOR },
            VmError::AmountTooLarge,
        ],
        Kind::Payment | Kind::Limit => vec![VmError::Amount, VmError::AmountTooLarge],
        Kind::PageSize { .. } => vec![invalid, VmError::PageSize],
        Kind::Object(table) => table.fields.iter().flat_map(refusals).collect(),
        _ => vec![invalid],
    };
    // Of another type, or missing where it must be there.
    refusals.push(VmError::NotSet(field.name));
    refusals
}

/// The page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows before it.
    pub skipped_rows: u64,
    /// Rows on it, at most [`MAX_PAGE_ROWS`].
    pub rows: u32,
}

impl Body<'_, InEnvelope> {
    /// An amount, as a number or its text; may be below zero.
    ///
    /// # Errors
    /// [`VmError::NotSet`] if it is missing or of another type, [`VmError::Amount`] for a text that
    /// is not a number or an amount finer than a cent, [`VmError::AmountTooLarge`] for an amount
    /// beyond the range.
    pub fn amount(&self, field: Field) -> Result<Option<Money>, VmError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let json = json.get();
        let digits = match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(json).map_err(|_| VmError::Amount)?,
            Some(b'-' | b'0'..=b'9') => json.to_owned(),
            _ => return Err(VmError::NotSet(field.name)),
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
    /// As [`Body::amount`].
    pub fn required_amount(&self, field: Field) -> Result<Money, VmError> {
        let amount = self.amount(field)?;
        self.required(field, amount)
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
    /// Not whole numbers from 1, or more rows than a page may have. Too many rows are refused and
    /// not lowered: a client would take a short page for the last one.
    pub fn page(&self) -> Result<PageRequest, VmError> {
        let page = self.count(PAGE)?.unwrap_or(1);
        let rows = self.count(PAGE_SIZE)?.unwrap_or(DEFAULT_PAGE_ROWS);
        if rows > MAX_PAGE_ROWS {
            return Err(VmError::PageSize);
        }
        Ok(PageRequest { skipped_rows: u64::from(page - 1) * u64::from(rows), rows })
    }

    fn count(&self, field: Field) -> Result<Option<u32>, VmError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let cents = amount::parse(&text).map_err(|_| VmError::Value(field.name))?.amount_minor();
        let number = u32::try_from(cents / 100).ok().filter(|it| *it > 0 && cents % 100 == 0);
        number.map(Some).ok_or(VmError::Value(field.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field;
    use crate::field::Table;

    const TOLD: Table = Table::unnamed(&[
        Field::text("a", ""),
        Field::text("b", ""),
        Field::text("c", ""),
        Field::text("d", ""),
        Field::text("e", "").required(),
        Field::text("f", "").required(),
        Field::text("g", "").required(),
    ]);

    fn parameters(json: &str) -> Parameters {
        parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn numbers_may_be_texts_and_texts_numbers() {
        let it = parameters(
            r#"{"a":10,"b":"10","c":" 10.00 ","d":1234567890123456789,"e":null,"f":""}"#,
        );
        for name in ["a", "b", "c"] {
            assert_eq!(it.amount(TOLD.field(name)).unwrap().map(Money::amount_minor), Some(1000));
        }
        assert_eq!(it.text(field!(TOLD, "d")).unwrap().as_deref(), Some("1234567890123456789"));
        for name in ["e", "f", "g"] {
            let field = TOLD.field(name);
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
        assert_eq!(page("{}"), Ok(PageRequest { skipped_rows: 0, rows: 10 }));
        let third = PageRequest { skipped_rows: 1_000, rows: 500 };
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
            assert_eq!(parse(plain.as_bytes()).err(), Some(VmError::Invalid("content")));
        }
        assert_eq!(parse(b"\xff").err(), Some(VmError::Invalid("content")));
    }
}
