//! Reading request bodies forgivingly, as unchanged clients need it: ids as text or
//! integer, amounts as number or text, booleans as text, unknown keys ignored, absent
//! the same as null (cardbridge-open-api.md sections 1 and 2).

use domain::{Currency, is_reference, normal_form};
use serde_json::value::RawValue;

use super::amount::AmountText;
use super::problem::{ParseError, Problem};
use crate::country;
use crate::field::{
    Body, Field, Kind, MAX_LONG_TEXT_CHARS, MAX_TEXT_CHARS, Policy, Table, checked,
};

/// A text of the usual length.
pub(crate) const TEXT: Kind = Kind::Text { max_chars: MAX_TEXT_CHARS };
/// A text as long as a link or a token.
pub(crate) const LONG_TEXT: Kind = Kind::Text { max_chars: MAX_LONG_TEXT_CHARS };
/// An encrypted object or field, base64.
pub(crate) const CIPHERTEXT: Kind = Kind::Text { max_chars: 65_536 };

/// Longest name on a card (cardbridge-open-api.md section 14, U42).
const MAX_EMBOSSING_NAME_CHARS: usize = 26;

/// The reading rules of this dialect.
pub enum Forgiving {}

impl Policy for Forgiving {
    type Error = ParseError;
    type Wrong = Problem;
    const IS_FORGIVING: bool = true;
    const IS_TEXT_TOLD: bool = false;
    const MAX_LIST_ENTRIES: usize = 32;

    fn no_object() -> ParseError {
        ParseError::new("body", Problem::NotAnObject)
    }

    fn wrong(path: String, _: Field, problem: Problem) -> ParseError {
        ParseError::new(path, problem)
    }
}

/// A JSON object of this dialect.
pub(crate) type Object<'a> = Body<'a, Forgiving>;

/// Refuses a text that is too long or holds control characters.
pub(crate) fn check_text(text: &str, max_chars: usize) -> Result<(), Problem> {
    checked::<Forgiving>(text, max_chars).map_err(Problem::from)
}

impl<'a> Body<'a, Forgiving> {
    /// Reads the JSON of an object that belongs in a field of another, but comes separately
    /// (decrypted fields).
    ///
    /// # Errors
    /// `json` is not one JSON object.
    pub(crate) fn parse_nested(field: &str, json: &'a [u8]) -> Result<Self, ParseError> {
        let object = Self::parse(json).map_err(|_| ParseError::new(field, Problem::NotAnObject))?;
        Ok(object.under(field))
    }

    /// Checks that the fields for objects and for lists of objects hold such values.
    ///
    /// # Errors
    /// Such a field holds something else.
    pub(crate) fn check_nested(&self, table: &Table) -> Result<(), ParseError> {
        for field in table.fields.iter().map(|field| field.optional()) {
            match field.kind {
                Kind::Object(_) => drop(self.object(field)?),
                Kind::Objects(_) => drop(self.object_list(field)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// A text in the form that its kind has: a reference in the form in which references are
    /// compared and kept, a country as alpha-2, anything else as written.
    ///
    /// # Errors
    /// As [`Body::text`], or not of its kind.
    pub(crate) fn read(&self, field: Field) -> Result<Option<String>, ParseError> {
        match field.kind {
            Kind::Id => self.id(field),
            Kind::Reference => self.parsed(field, Problem::NotAReference, |text| {
                Some(normal_form(text).into_owned()).filter(|text| is_reference(text))
            }),
            Kind::Country => self.parsed(field, Problem::NotACountry, |text| {
                country::parse(text).map(|country| country.alpha2.to_owned())
            }),
            Kind::EmbossingName => self.parsed(field, Problem::NotEmbossable, |text| {
                is_embossable(text).then(|| text.to_owned())
            }),
            _ => self.text(self.as_sent(field)?),
        }
    }

    /// As [`Body::read`], for a text that must be there.
    ///
    /// # Errors
    /// As [`Body::read`], or missing.
    pub(crate) fn read_required(&self, field: Field) -> Result<String, ParseError> {
        let text = self.read(field)?;
        self.required(field, text)
    }

    /// The field under the name that the caller gave it: the older one if only that is there.
    ///
    /// # Errors
    /// As [`Body::text`], except that nothing is missing.
    pub(crate) fn as_sent(&self, field: Field) -> Result<Field, ParseError> {
        let Some(name) = field.older_name else { return Ok(field) };
        let older = Field { name, ..field };
        let is_older =
            self.text(field.optional())?.is_none() && self.text(older.optional())?.is_some();
        Ok(if is_older { older } else { field })
    }

    /// An id: text or integer. Any text passes, because ids are opaque: a text that is not an id of
    /// ours is "not found" later. A number with a fraction is refused.
    fn id(&self, field: Field) -> Result<Option<String>, ParseError> {
        let json = self.json(field)?.map_or("", RawValue::get);
        let is_number = json.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        if is_number && json.contains(['.', 'e', 'E']) {
            return Err(self.wrong(field, Problem::WrongType));
        }
        self.text(field)
    }

    /// An amount, number or text, digits kept.
    ///
    /// # Errors
    /// Missing, or not a decimal.
    pub(crate) fn amount(&self, field: Field) -> Result<Option<AmountText>, ParseError> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let amount = AmountText::from_json(json.get());
        amount.map(Some).ok_or_else(|| self.wrong(field, Problem::NotAnAmount))
    }

    /// A currency, numeric or alphabetic.
    ///
    /// # Errors
    /// As [`Body::text`], or no such currency.
    pub(crate) fn currency(&self, field: Field) -> Result<Option<Currency>, ParseError> {
        self.parsed(field, Problem::NotACurrency, Currency::parse)
    }
}

fn is_embossable(name: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'.' | b'\'' | b'-');
    (1..=MAX_EMBOSSING_NAME_CHARS).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    fn object(json: &str) -> Object<'_> {
        Object::parse(json.as_bytes()).ok().unwrap()
    }

    const fn text(name: &'static str) -> Field {
        Field::text(name, "")
    }

    const fn of(name: &'static str, kind: Kind) -> Field {
        Field::of(name, "", kind)
    }

    #[test]
    fn absent_null_and_blank_are_the_same() {
        let body = object(r#"{"a":null,"b":""," c":"x","d":" "}"#);
        for field in ["a", "b", "c", "d"] {
            assert_eq!(body.text(text(field)), Ok(None), "{field}");
            let error = body.read_required(text(field)).unwrap_err();
            assert_eq!(error.to_string(), format!("{field} is missing"));
        }
    }

    #[test]
    fn types_are_taken_forgivingly() {
        let body = object(
            r#"{"id":4591298458535677185,"text":"4591298458535677185","yes":"true","no":false,
                "n":15.5,"s":"15.5","l":["a","b"],"c":"MYS","u":"USD","unknown":{"deep":[1]}}"#,
        );
        let id = |body: &Object<'_>, name| body.read_required(of(name, Kind::Id));
        assert_eq!(id(&body, "id"), id(&body, "text"));
        assert!(id(&object(r#"{"id":1.5}"#), "id").is_err());
        assert_eq!(body.boolean(text("yes")), Ok(Some(true)));
        assert_eq!(body.boolean(text("no")), Ok(Some(false)));
        assert_eq!(body.amount(text("n")), body.amount(text("s")));
        assert_eq!(body.text_list(text("l")).map(|l| l.map(|l| l.len())), Ok(Some(2)));
        assert_eq!(body.read(of("c", Kind::Country)), Ok(Some("MY".to_owned())));
        assert_eq!(body.currency(text("u")), Ok(Some(domain::Currency::USD)));
    }

    #[test]
    fn wrong_values_are_named_and_not_repeated() {
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        let json = format!(
            r#"{{"a":{{}},"b":"1e","c":"secret-value","d":"{long}","e":"a\u0000b","f":1,"g":"a b "}}"#
        );
        let body = object(&json);
        let texts = [
            body.text(text("a")).unwrap_err(),
            body.amount(text("b")).unwrap_err(),
            body.read(of("c", Kind::Country)).unwrap_err(),
            body.text(text("d")).unwrap_err(),
            body.text(text("e")).unwrap_err(),
            body.boolean(text("f")).unwrap_err(),
            body.read(of("g", Kind::Reference)).unwrap_err(),
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
        let outer = body.object(Field::object("outer", "", &Table::EMPTY)).ok().flatten().unwrap();
        assert_eq!(outer.text(text("inner")).unwrap_err().field, "outer.inner");
    }

    #[test]
    fn only_one_whole_object_is_a_body() {
        for bad in ["", "[]", "null", "1", "{", "{}{}", "{\"a\":1,}", "\u{feff}{}"] {
            let error = Object::parse(bad.as_bytes()).err().unwrap();
            assert_eq!(error.problem, Problem::NotAnObject, "{bad}");
            assert_eq!(error.code(), ErrorCode::SysIllegalParam);
        }
    }
}
