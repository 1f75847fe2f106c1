//! Reading request bodies forgivingly, as unchanged clients need it: ids as text or
//! integer, amounts as number or text, booleans as text, unknown keys ignored, absent
//! the same as null (cardbridge-open-api.md sections 1 and 2).

use std::borrow::Cow;
use std::fmt;

use domain::{Currency, ErrorCode, MAX_REFERENCE_CHARS, is_reference, normal_form};
use serde_json::value::RawValue;
use thiserror::Error;

use super::amount::AmountText;
use crate::country;
use crate::field::{Body, Fault, Field, Kind, Policy, Table, checked};

pub use crate::field::{MAX_LONG_TEXT_CHARS, MAX_TEXT_CHARS};

/// Longest encrypted object, base64.
pub const MAX_CIPHERTEXT_CHARS: usize = 65_536;
/// Most entries of a list.
pub const MAX_LIST_ENTRIES: usize = 32;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Required and not there (or null, or blank).
    Missing,
    /// The JSON type is not one that the field takes.
    WrongType,
    /// Longer than the field takes.
    TooLong,
    /// Holds control characters.
    ControlCharacters,
    /// Not a caller's reference as `domain::is_reference` defines it.
    NotAReference,
    /// Not a decimal.
    NotAnAmount,
    /// Not above zero, beyond the largest amount, or finer than its currency's minor unit.
    NotSpendable,
    /// Not an ISO 4217 currency.
    NotACurrency,
    /// Not an ISO 3166 country.
    NotACountry,
    /// Cannot be decrypted with the secret of the signing key.
    Undecipherable,
    /// Given more than once.
    Repeated,
    /// Not a JSON object.
    NotAnObject,
    /// Not a well-formed query string.
    NotAQuery,
    /// Neither APPROVE nor REJECT.
    NotAVerdict,
    /// Not one of the values that are published for it.
    NotInDictionary,
    /// A mode of operation that does not exist.
    UnknownMode,
    /// Not a type, day or form of a reconciliation file.
    NotAFile,
    /// A file's name without one of the extensions that are taken.
    NotAFileType,
    /// No purpose of an upload.
    NotAnUploadPurpose,
    /// No type of hosted page.
    UnknownGuidanceType,
    /// Neither 0 nor 1.
    NotAnOtpStatus,
    /// Not 4 to 8 digits.
    NotAnOtp,
    /// Neither EMAIL nor SMS.
    NotAnOtpChannel,
    /// Neither zh nor en.
    NotALanguage,
    /// Not an absolute http or https URL without user information.
    NotAWebUrl,
    /// Not a name that a card can bear.
    NotEmbossable,
}

impl Problem {
    fn text(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Missing => "is missing",
            Self::WrongType => "has the wrong type",
            Self::TooLong => "is too long",
            Self::ControlCharacters => "holds control characters",
            Self::NotAReference => {
                return Cow::Owned(format!(
                    "must be 1 to {MAX_REFERENCE_CHARS} visible characters without a blank at \
                     either end"
                ));
            }
            Self::NotAnAmount => "is not a decimal amount",
            Self::NotSpendable => "must be above zero and a multiple of the currency's minor unit",
            Self::NotACurrency => "is not an ISO 4217 currency code",
            Self::NotACountry => "is not an ISO 3166 country code",
            Self::Undecipherable => "cannot be decrypted",
            Self::Repeated => "is given more than once",
            Self::NotAnObject => "is not a JSON object",
            Self::NotAQuery => "is not a well-formed query string",
            Self::NotAVerdict => "must be APPROVE or REJECT",
            Self::NotInDictionary => "is not one of its values",
            Self::UnknownMode => "names no supported mode",
            Self::NotAFile => "names no reconciliation file",
            Self::NotAFileType => "must end in .pdf, .jpg, .jpeg or .png",
            Self::NotAnUploadPurpose => {
                "must be CREATE_CARD_EDD, INCREASE_LIMIT_EDD or CREATE_CARD_KYC"
            }
            Self::UnknownGuidanceType => "must be 1, 2, 3, 4 or 7",
            Self::NotAnOtpStatus => "must be 0 or 1",
            Self::NotAnOtp => "must be 4 to 8 digits",
            Self::NotAnOtpChannel => "must be EMAIL or SMS",
            Self::NotALanguage => "must be zh or en",
            Self::NotAWebUrl => "is not an absolute http or https URL",
            Self::NotEmbossable => "must be 1 to 26 of A-Z a-z 0-9 space . ' -",
        })
    }
}

/// A request that cannot be read. Its text is for `messageDetail`: it names the field
/// and never repeats the caller's value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ParseError {
    /// Path of the field, `kycInfo.country`.
    pub field: String,
    /// What is wrong.
    pub problem: Problem,
}

impl ParseError {
    /// An error about one field.
    #[must_use]
    pub fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }

    /// The dialect's code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self.problem {
            Problem::UnknownMode | Problem::NotAnOtpChannel => ErrorCode::OperationNotSupport,
            Problem::NotAnUploadPurpose => ErrorCode::UploadBusinessTypeError,
            Problem::UnknownGuidanceType => ErrorCode::GuidanceLinkTypeInvalid,
            Problem::NotAnOtpStatus => ErrorCode::GuidanceLinkPreVerifiedInvalid,
            _ => ErrorCode::SysIllegalParam,
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem.text())
    }
}

/// How this dialect reads.
pub enum Forgiving {}

impl Policy for Forgiving {
    type Error = ParseError;
    type Wrong = Problem;
    const IS_FORGIVING: bool = true;
    const IS_TEXT_TOLD: bool = false;
    const MAX_LIST_ENTRIES: usize = MAX_LIST_ENTRIES;

    fn no_object() -> ParseError {
        ParseError::new("body", Problem::NotAnObject)
    }

    fn wrong(path: String, _: Field, problem: Problem) -> ParseError {
        ParseError::new(path, problem)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing | Fault::Blank => Self::Missing,
            Fault::WrongType(_) | Fault::Undecodable | Fault::NotWithin(..) => Self::WrongType,
            Fault::TooLong | Fault::TooManyEntries => Self::TooLong,
            Fault::ControlCharacters => Self::ControlCharacters,
            Fault::NotAnObject => Self::NotAnObject,
        }
    }
}

/// A JSON object whose fields are read by name; what they mean is said by the types that they
/// are read into. In all readers an absent field, null and a blank text are the same: none.
pub struct Object<'a>(Body<'a, Forgiving>);

/// Refuses a text that is too long or holds control characters.
pub(crate) fn check_text(text: &str, max_chars: usize) -> Result<(), Problem> {
    checked::<Forgiving>(text, max_chars).map_err(Problem::from)
}

/// A text as long as texts are where nothing else is said.
pub(crate) const TEXT: Kind = Kind::Text { max_chars: MAX_TEXT_CHARS };
/// A text as long as links and tokens are.
pub(crate) const LONG_TEXT: Kind = Kind::Text { max_chars: MAX_LONG_TEXT_CHARS };

const fn text_of(name: &'static str, max_chars: usize) -> Field {
    Field::of(name, "", Kind::Text { max_chars })
}

impl<'a> Object<'a> {
    /// Reads a whole request body.
    ///
    /// # Errors
    /// The body is not one JSON object.
    pub fn parse_body(body: &'a [u8]) -> Result<Self, ParseError> {
        Body::parse(body).map(Self)
    }

    /// Reads the JSON of a nested object that travels on its own (decrypted fields).
    ///
    /// # Errors
    /// `json` is not one JSON object.
    pub fn parse_nested(field: &str, json: &'a [u8]) -> Result<Self, ParseError> {
        let body = Body::parse(json).map_err(|_| ParseError::new(field, Problem::NotAnObject))?;
        Ok(Self(body.under(field)))
    }

    /// An error about a field of this object.
    #[must_use]
    pub fn error(&self, field: &str, problem: Problem) -> ParseError {
        ParseError::new(self.0.path_to(field), problem)
    }

    /// Turns an optional field into a required one.
    ///
    /// # Errors
    /// There is no value.
    pub fn required<T>(&self, field: &str, value: Option<T>) -> Result<T, ParseError> {
        value.ok_or_else(|| self.error(field, Problem::Missing))
    }

    /// A nested object.
    ///
    /// # Errors
    /// The field is something else.
    pub fn object(&self, field: &'static str) -> Result<Option<Object<'_>>, ParseError> {
        Ok(self.0.object(Field::object(field, "", &Table::EMPTY))?.map(Object))
    }

    /// A text of up to [`MAX_TEXT_CHARS`]; a number is taken as its digits.
    ///
    /// # Errors
    /// Another type, too long, or control characters.
    pub fn text(&self, field: &'static str) -> Result<Option<String>, ParseError> {
        self.0.text(Field::text(field, ""))
    }

    /// A text of up to `max_chars` characters.
    ///
    /// # Errors
    /// As [`Object::text`].
    pub fn text_up_to(
        &self,
        field: &'static str,
        max_chars: usize,
    ) -> Result<Option<String>, ParseError> {
        self.0.text(text_of(field, max_chars))
    }

    /// A required text.
    ///
    /// # Errors
    /// Missing, or as [`Object::text`].
    pub fn required_text(&self, field: &'static str) -> Result<String, ParseError> {
        self.0.required_text(Field::text(field, ""))
    }

    /// An id: text or integer. Any text passes, for ids are opaque: one that is no id
    /// of ours is "not found" later.
    ///
    /// # Errors
    /// Missing, another type (a number with a fraction too), too long, or control characters.
    pub fn required_id(&self, field: &'static str) -> Result<String, ParseError> {
        self.required(field, self.id(Field::of(field, "", Kind::Id))?)
    }

    /// A caller-chosen reference, in the form in which references are compared and kept.
    ///
    /// # Errors
    /// Another type, or not of the form that `domain::is_reference` defines.
    pub fn reference(&self, field: &'static str) -> Result<Option<String>, ParseError> {
        self.read(Field::of(field, "", Kind::Reference))
    }

    /// A text as its kind has it.
    pub(crate) fn read(&self, field: Field) -> Result<Option<String>, ParseError> {
        match field.kind {
            Kind::Id => self.id(field),
            Kind::Reference => self.0.parsed(field, Problem::NotAReference, |text| {
                Some(normal_form(text).into_owned()).filter(|text| is_reference(text))
            }),
            Kind::Country => Ok(self.country(field.name)?.map(str::to_owned)),
            _ => self.0.text(field),
        }
    }

    fn id(&self, field: Field) -> Result<Option<String>, ParseError> {
        let json = self.0.json(field)?.map_or("", RawValue::get);
        let is_number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if is_number && json.contains(['.', 'e', 'E']) {
            return Err(self.error(field.name, Problem::WrongType));
        }
        self.0.text(field)
    }

    /// An amount, number or text, digits kept.
    ///
    /// # Errors
    /// Not a decimal.
    pub fn amount(&self, field: &'static str) -> Result<Option<AmountText>, ParseError> {
        let Some(json) = self.0.json(Field::text(field, ""))? else { return Ok(None) };
        AmountText::from_json(json.get())
            .map(Some)
            .ok_or_else(|| self.error(field, Problem::NotAnAmount))
    }

    /// A boolean, or its text.
    ///
    /// # Errors
    /// Anything else.
    pub fn boolean(&self, field: &'static str) -> Result<Option<bool>, ParseError> {
        self.0.boolean(Field::boolean(field, ""))
    }

    /// A list of texts (links, object keys); empty if absent.
    ///
    /// # Errors
    /// Not a list of texts, too many entries, or an entry too long.
    pub fn text_list(&self, field: &'static str) -> Result<Vec<String>, ParseError> {
        let kind = Kind::Texts { max_chars: MAX_LONG_TEXT_CHARS };
        Ok(self.0.text_list(Field::of(field, "", kind))?.unwrap_or_default())
    }

    /// A list of texts whose length and characters the caller checks; empty if absent.
    ///
    /// # Errors
    /// Not a list of texts, or too many entries.
    pub(crate) fn any_text_list(&self, field: &'static str) -> Result<Vec<String>, ParseError> {
        Ok(self.0.any_text_list(Field::texts(field, ""))?.unwrap_or_default())
    }

    /// A list of nested objects; empty if absent.
    ///
    /// # Errors
    /// Not a list of objects, or too many entries.
    pub fn object_list(&self, field: &'static str) -> Result<Vec<Object<'_>>, ParseError> {
        let entries = self.0.object_list(Field::objects(field, "", &Table::EMPTY))?;
        Ok(entries.unwrap_or_default().into_iter().map(Object).collect())
    }

    /// A country, alpha-2 or alpha-3, brought to alpha-2.
    ///
    /// # Errors
    /// No such country.
    pub fn country(&self, field: &'static str) -> Result<Option<&'static str>, ParseError> {
        self.0.parsed(Field::text(field, ""), Problem::NotACountry, |text| {
            country::parse(text).map(|country| country.alpha2)
        })
    }

    /// A currency, numeric or alphabetic.
    ///
    /// # Errors
    /// No such currency.
    pub fn currency(&self, field: &'static str) -> Result<Option<Currency>, ParseError> {
        self.0.parsed(Field::text(field, ""), Problem::NotACurrency, Currency::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Object<'_> {
        Object::parse_body(json.as_bytes()).ok().unwrap()
    }

    #[test]
    fn absent_null_and_blank_are_the_same() {
        let body = object(r#"{"a":null,"b":""," c":"x","d":" "}"#);
        for field in ["a", "b", "c", "d"] {
            assert_eq!(body.text(field), Ok(None), "{field}");
            let error = body.required_text(field).unwrap_err();
            assert_eq!(error.to_string(), format!("{field} is missing"));
        }
    }

    #[test]
    fn types_are_taken_forgivingly() {
        let body = object(
            r#"{"id":4591298458535677185,"text":"4591298458535677185","yes":"true","no":false,
                "n":15.5,"s":"15.5","l":["a","b"],"c":"MYS","u":"USD","unknown":{"deep":[1]}}"#,
        );
        assert_eq!(body.required_id("id"), body.required_id("text"));
        assert!(object(r#"{"id":1.5}"#).required_id("id").is_err());
        assert_eq!(body.boolean("yes"), Ok(Some(true)));
        assert_eq!(body.boolean("no"), Ok(Some(false)));
        assert_eq!(body.amount("n"), body.amount("s"));
        assert_eq!(body.text_list("l").map(|l| l.len()), Ok(2));
        assert_eq!(body.country("c"), Ok(Some("MY")));
        assert_eq!(body.currency("u"), Ok(Some(domain::Currency::USD)));
    }

    #[test]
    fn wrong_values_are_named_and_not_repeated() {
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        let json = format!(
            r#"{{"a":{{}},"b":"1e","c":"secret-value","d":"{long}","e":"a\u0000b","f":1,"g":"a b "}}"#
        );
        let body = object(&json);
        let texts = [
            body.text("a").unwrap_err(),
            body.amount("b").unwrap_err(),
            body.country("c").unwrap_err(),
            body.text("d").unwrap_err(),
            body.text("e").unwrap_err(),
            body.boolean("f").unwrap_err(),
            body.reference("g").unwrap_err(),
        ]
        .map(|error| error.to_string());
        assert_eq!(
            texts,
            [
                "a has the wrong type",
                "b is not a decimal amount",
                "c is not an ISO 3166 country code",
                "d is too long",
                "e holds control characters",
                "f has the wrong type",
                "g must be 1 to 128 visible characters without a blank at either end",
            ]
        );
    }

    #[test]
    fn nested_fields_are_named_by_their_path() {
        let body = object(r#"{"outer":{"inner":[]}}"#);
        let outer = body.object("outer").ok().flatten().unwrap();
        assert_eq!(outer.text("inner").unwrap_err().field, "outer.inner");
    }

    #[test]
    fn only_one_whole_object_is_a_body() {
        for bad in ["", "[]", "null", "1", "{", "{}{}", "{\"a\":1,}", "\u{feff}{}"] {
            let error = Object::parse_body(bad.as_bytes()).err().unwrap();
            assert_eq!(error.problem, Problem::NotAnObject, "{bad}");
            assert_eq!(error.code(), ErrorCode::SysIllegalParam);
        }
    }
}
