//! Reading JSON bodies of the operator and sandbox APIs strictly: every field by name,
//! unknown ones refused, each error naming the field and never its value.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use domain::{AmountError, Currency, Money};
use serde_json::value::RawValue;
use wire::repeated_fields;

use crate::problem::Problem;
use crate::request_bodies::NoFields;

/// Longest text where nothing else is said.
pub(crate) const MAX_TEXT_CHARS: usize = 256;
/// Longest URL or key.
pub(crate) const MAX_LONG_TEXT_CHARS: usize = 4_096;
/// Most entries of a list.
pub(crate) const MAX_LIST_ENTRIES: usize = 1_000;

/// A body without fields, or none at all.
pub(crate) struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|_| Problem::malformed("the body could not be read"))?;
        Fields::parse(&body, NoFields::FIELDS).map(|_| Self)
    }
}

/// One JSON object. An absent field and null read as none; [`Fields::is_null`] tells them apart.
pub(crate) struct Fields<'a> {
    path: String,
    values: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Reads a whole body; an empty one and null are an object without fields.
    pub(crate) fn parse(body: &'a [u8], known: &[&str]) -> Result<Self, Problem> {
        if matches!(body.trim_ascii(), b"" | b"null") {
            return Ok(Self { path: String::new(), values: BTreeMap::new() });
        }
        // The scan tells nothing of what is no JSON.
        if serde_json::from_slice::<&RawValue>(body).is_err() {
            return Err(Problem::malformed("the body is not JSON"));
        }
        if let Some(name) = repeated_fields(body).first() {
            return Err(Problem::invalid(format!("{name} is given more than once")));
        }
        let values = serde_json::from_slice(body)
            .map_err(|_| Problem::invalid("the body must be a JSON object"))?;
        Self { path: String::new(), values }.only(known)
    }

    fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self.values.keys().find(|name| !known.contains(&name.as_str())) {
            // A caller's own name is repeated, so its length and characters are limited.
            Some(name) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                Err(self.wrong(&name, "is not a known field"))
            }
            None => Ok(self),
        }
    }

    /// A problem with one field.
    pub(crate) fn wrong(&self, name: &str, what: &str) -> Problem {
        Problem::invalid(format!("{}{name} {what}", self.path))
    }

    /// Whether the field is there and null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|json| json.get() == "null")
    }

    /// Turns an optional field into a required one.
    pub(crate) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A text that is not blank, of up to [`MAX_TEXT_CHARS`].
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.text_up_to(name, MAX_TEXT_CHARS)
    }

    /// The network's trace number: two spellings of one message would be two messages.
    pub(crate) fn stan(&self) -> Result<Option<String>, Problem> {
        let is_stan = |text: &str| text.len() <= 6 && text.bytes().all(|it| it.is_ascii_digit());
        self.text_of("stan", is_stan, "must be 1 to 6 digits")
    }

    /// The network's reference number.
    pub(crate) fn rrn(&self) -> Result<Option<String>, Problem> {
        let is_rrn =
            |text: &str| text.len() <= 12 && text.bytes().all(|it| it.is_ascii_alphanumeric());
        self.text_of("rrn", is_rrn, "must be 1 to 12 letters and digits")
    }

    fn text_of(
        &self,
        name: &str,
        is_right: impl Fn(&str) -> bool,
        should_be: &str,
    ) -> Result<Option<String>, Problem> {
        match self.text(name)? {
            Some(text) if !is_right(&text) => Err(self.wrong(name, should_be)),
            text => Ok(text),
        }
    }

    /// A text that is not blank, of up to `max_chars`.
    pub(crate) fn text_up_to(
        &self,
        name: &str,
        max_chars: usize,
    ) -> Result<Option<String>, Problem> {
        let Some(json) = self.json(name) else { return Ok(None) };
        let text: String =
            serde_json::from_str(json.get()).map_err(|_| self.wrong(name, "must be a text"))?;
        self.check_text(name, &text, max_chars)?;
        Ok(Some(text))
    }

    fn check_text(&self, name: &str, text: &str, max_chars: usize) -> Result<(), Problem> {
        let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.trim().is_empty() {
            return Err(self.wrong(name, "must not be blank"));
        }
        if text.chars().count() > max_chars {
            return Err(self.wrong(name, "is too long"));
        }
        if text.contains(is_bad) {
            return Err(self.wrong(name, "holds control characters"));
        }
        Ok(())
    }

    /// A required text.
    pub(crate) fn required_text(&self, name: &str) -> Result<String, Problem> {
        self.required(name, self.text(name)?)
    }

    /// A text that `parse` reads; otherwise `what` is wrong.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        what: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| self.wrong(name, what))
    }

    /// A currency, numeric or alphabetic.
    pub(crate) fn currency(&self, name: &str) -> Result<Option<Currency>, Problem> {
        self.parsed(name, "is not an ISO 4217 currency", Currency::parse)
    }

    /// The digits of a decimal given as text or number.
    pub(crate) fn decimal_text(&self, name: &str) -> Result<Option<String>, Problem> {
        let Some(json) = self.json(name) else { return Ok(None) };
        match json.get().as_bytes().first() {
            Some(b'"') => self.text(name),
            Some(b'-' | b'0'..=b'9') => Ok(Some(json.get().to_owned())),
            _ => Err(self.wrong(name, "must be a decimal text")),
        }
    }

    /// An amount above zero in a currency.
    pub(crate) fn money(&self, name: &str, currency: Currency) -> Result<Option<Money>, Problem> {
        let Some(text) = self.decimal_text(name)? else { return Ok(None) };
        let money = Money::parse_major(&text, currency)
            .map_err(|error| self.wrong(name, amount_text(error)))?;
        if !money.is_positive() {
            return Err(self.wrong(name, "must be above zero"));
        }
        Ok(Some(money))
    }

    /// A boolean.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.json(name).map(RawValue::get) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// A whole number from `low` to `high`.
    pub(crate) fn integer(&self, name: &str, low: u32, high: u32) -> Result<Option<u32>, Problem> {
        let Some(json) = self.json(name) else { return Ok(None) };
        let number = json.get().parse::<u32>().ok().filter(|n| (low..=high).contains(n));
        let wrong = || self.wrong(name, &format!("must be a whole number from {low} to {high}"));
        number.map(Some).ok_or_else(wrong)
    }

    /// A list of texts, none blank.
    pub(crate) fn text_list(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(json) = self.json(name) else { return Ok(None) };
        let entries: Vec<String> = serde_json::from_str(json.get())
            .map_err(|_| self.wrong(name, "must be a list of texts"))?;
        if entries.len() > MAX_LIST_ENTRIES {
            return Err(self.wrong(name, "has too many entries"));
        }
        for entry in &entries {
            self.check_text(name, entry, MAX_TEXT_CHARS)?;
        }
        Ok(Some(entries))
    }

    /// A nested object with these fields.
    pub(crate) fn object(&self, name: &str, known: &[&str]) -> Result<Option<Self>, Problem> {
        let Some(json) = self.json(name) else { return Ok(None) };
        self.nested(name, json, known).map(Some)
    }

    /// A list of objects with these fields.
    pub(crate) fn object_list(
        &self,
        name: &str,
        known: &[&str],
    ) -> Result<Option<Vec<Self>>, Problem> {
        let Some(json) = self.json(name) else { return Ok(None) };
        let entries: Vec<&RawValue> = serde_json::from_str(json.get())
            .map_err(|_| self.wrong(name, "must be a list of objects"))?;
        if entries.len() > MAX_LIST_ENTRIES {
            return Err(self.wrong(name, "has too many entries"));
        }
        let numbered = entries.into_iter().enumerate();
        numbered
            .map(|(index, json)| self.nested(&format!("{name}[{index}]"), json, known))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn nested(&self, name: &str, json: &'a RawValue, known: &[&str]) -> Result<Self, Problem> {
        let values =
            serde_json::from_str(json.get()).map_err(|_| self.wrong(name, "must be an object"))?;
        Self { path: format!("{}{name}.", self.path), values }.only(known)
    }

    fn json(&self, name: &str) -> Option<&'a RawValue> {
        self.values.get(name).copied().filter(|json| json.get() != "null")
    }
}

/// What is wrong with an amount.
pub(crate) const fn amount_text(error: AmountError) -> &'static str {
    match error {
        AmountError::Syntax => "is not a decimal amount",
        AmountError::TooManyDecimals => "is finer than the currency's minor unit",
        AmountError::OutOfRange => "is out of range",
        AmountError::CurrencyMismatch => "is of another currency",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["a", "b", "list", "inner"];

    fn problem(body: &str, read: impl FnOnce(&Fields<'_>) -> Result<(), Problem>) -> String {
        let fields = Fields::parse(body.as_bytes(), KNOWN);
        fields.and_then(|fields| read(&fields)).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_body_left_out_has_no_fields() {
        for body in ["", " \n", "null"] {
            let fields = Fields::parse(body.as_bytes(), KNOWN).unwrap();
            assert_eq!(fields.text("a").unwrap(), None, "{body:?}");
        }
    }

    #[test]
    fn errors_name_the_field_and_never_the_value() {
        assert_eq!(problem("{", |_| Ok(())), "the body is not JSON");
        assert_eq!(problem("[]", |_| Ok(())), "the body must be a JSON object");
        assert_eq!(problem(r#"{"c":1}"#, |_| Ok(())), "c is not a known field");
        let twice = r#"{"list":[{"x":1,"x":2}],"a":1}"#;
        assert_eq!(problem(twice, |_| Ok(())), "list.x is given more than once");
        let no_text = Fields::parse(b"{\"a\":\"\xff\"}", KNOWN).err().unwrap();
        assert_eq!(no_text.detail(), "the body is not JSON");
        let text = |f: &Fields<'_>| f.required_text("a").map(drop);
        assert_eq!(problem("{}", text), "a is missing");
        assert_eq!(problem(r#"{"a":4111111111111111}"#, text), "a must be a text");
        assert_eq!(problem(r#"{"a":" "}"#, text), "a must not be blank");
        assert_eq!(problem(r#"{"a":"x\u0000"}"#, text), "a holds control characters");
        let nested = |f: &Fields<'_>| {
            let inner = f.object("inner", &["x"])?;
            inner.map_or(Ok(()), |inner| inner.required_text("x").map(drop))
        };
        assert_eq!(problem(r#"{"inner":{}}"#, nested), "inner.x is missing");
        assert_eq!(problem(r#"{"inner":{"y":1}}"#, nested), "inner.y is not a known field");
    }

    #[test]
    fn amounts_are_exact_and_above_zero() {
        let read = |json: &str| {
            let body = format!("{{\"a\":{json}}}");
            let fields = Fields::parse(body.as_bytes(), KNOWN).unwrap();
            fields.money("a", Currency::USD).map(|money| money.map(Money::amount_minor))
        };
        assert_eq!(read("\"15.50\"").unwrap(), Some(1550));
        for spelling in ["15.5", "15.500", "155e-1", "\"1.55E+1\"", "\"015.5\""] {
            assert_eq!(read(spelling).unwrap(), Some(1550), "{spelling}");
        }
        assert_eq!(read("null").unwrap(), None);
        for bad in ["0", "-1", "\"1.001\"", "1e-3", "\"abc\"", "true", "99999999999999999999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
