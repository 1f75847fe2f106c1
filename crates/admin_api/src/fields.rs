//! Strict reading of the bodies of the operator and sandbox APIs: every field is known, and each
//! error names the field and never its value.

use domain::{AmountError, Currency, Money};
use serde_json::value::RawValue;
use wire::field::{Body, Field, Policy};
use wire::repeated_fields;

use crate::problem::Problem;
use crate::request_bodies::{RRN, STAN};

/// A body, read strictly.
pub(crate) type Fields<'a> = Body<'a, Strict>;

/// The policy of both APIs.
pub(crate) enum Strict {}

impl Policy for Strict {
    type Error = Problem;
    type Wrong = String;
    const IS_FORGIVING: bool = false;
    const IS_TEXT_TOLD: bool = false;
    const MAX_LIST_ENTRIES: usize = 1_000;

    /// An empty body and null are an object without fields.
    fn opened(body: &[u8]) -> Result<&[u8], Problem> {
        if matches!(body.trim_ascii(), b"" | b"null") {
            return Ok(b"{}");
        }
        // The scan for repeated fields assumes JSON.
        if serde_json::from_slice::<&RawValue>(body).is_err() {
            return Err(Problem::malformed("the body is not JSON"));
        }
        match repeated_fields(body).first() {
            Some(name) => Err(Problem::invalid(format!("{name} is given more than once"))),
            None => Ok(body),
        }
    }

    fn no_object() -> Problem {
        Problem::invalid("the body must be a JSON object")
    }

    fn wrong(path: String, _: Field, wrong: String) -> Problem {
        Problem::invalid(format!("{path} {wrong}"))
    }

    fn unknown(path: &str, name: &str) -> Result<(), Problem> {
        // A caller's own name is repeated, so its length and characters are limited.
        let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Err(Problem::invalid(format!("{path}{name} is not a known field")))
    }
}

/// The network's trace number: two spellings of one message would be two messages.
pub(crate) fn stan(fields: &Fields<'_>) -> Result<Option<String>, Problem> {
    let is_stan = |text: &str| text.len() <= 6 && text.bytes().all(|it| it.is_ascii_digit());
    text_of(fields, STAN, "must be 1 to 6 digits", is_stan)
}

/// The network's reference number.
pub(crate) fn rrn(fields: &Fields<'_>) -> Result<Option<String>, Problem> {
    let is_rrn = |text: &str| text.len() <= 12 && text.bytes().all(|it| it.is_ascii_alphanumeric());
    text_of(fields, RRN, "must be 1 to 12 letters and digits", is_rrn)
}

/// A text for which `is_right` holds; otherwise the error says `what`.
pub(crate) fn text_of(
    fields: &Fields<'_>,
    field: Field,
    what: &str,
    is_right: impl Fn(&str) -> bool,
) -> Result<Option<String>, Problem> {
    fields.parsed(field, what, |text| is_right(text).then(|| text.to_owned()))
}

/// A currency, numeric or alphabetic, that must be there.
pub(crate) fn currency(fields: &Fields<'_>, field: Field) -> Result<Currency, Problem> {
    fields.required_parsed(field, "is not an ISO 4217 currency", Currency::parse)
}

/// The digits of a decimal given as text or number.
pub(crate) fn decimal_text(fields: &Fields<'_>, field: Field) -> Result<Option<String>, Problem> {
    let Some(json) = fields.json(field)? else { return Ok(None) };
    match json.get().as_bytes().first() {
        Some(b'"') => fields.text(field),
        Some(b'-' | b'0'..=b'9') => Ok(Some(json.get().to_owned())),
        _ => Err(fields.wrong(field, "must be a decimal text")),
    }
}

/// The same, which must be there.
pub(crate) fn required_decimal(fields: &Fields<'_>, field: Field) -> Result<String, Problem> {
    let text = decimal_text(fields, field)?;
    fields.required(field, text)
}

/// An amount in a currency.
pub(crate) fn amount(
    fields: &Fields<'_>,
    field: Field,
    currency: Currency,
) -> Result<Option<Money>, Problem> {
    let Some(text) = decimal_text(fields, field)? else { return Ok(None) };
    let wrong = |error| fields.wrong(field, amount_text(error));
    Money::parse_major(&text, currency).map(Some).map_err(wrong)
}

/// An amount above zero in a currency.
pub(crate) fn money(
    fields: &Fields<'_>,
    field: Field,
    currency: Currency,
) -> Result<Option<Money>, Problem> {
    match amount(fields, field, currency)? {
        Some(money) if !money.is_positive() => Err(fields.wrong(field, "must be above zero")),
        money => Ok(money),
    }
}

/// The same, which must be there.
pub(crate) fn required_money(
    fields: &Fields<'_>,
    field: Field,
    currency: Currency,
) -> Result<Money, Problem> {
    let money = money(fields, field, currency)?;
    fields.required(field, money)
}

/// The error's text for an amount.
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
    use wire::field;
    use wire::field::Table;

    use super::*;

    const INNER: Table = Table::unnamed(&[Field::text("x", "").required()]);
    const LIST: Table = Table::unnamed(&[]);
    const KNOWN: Table = Table::unnamed(&[
        Field::text("a", ""),
        Field::text("b", ""),
        Field::objects("list", "", &LIST),
        Field::object("inner", "", &INNER),
    ]);
    const A: Field = KNOWN.field("a");

    fn problem(body: &str, read: impl FnOnce(&Fields<'_>) -> Result<(), Problem>) -> String {
        let fields = Fields::parse_as(&KNOWN, body.as_bytes());
        fields.and_then(|fields| read(&fields)).unwrap_err().detail().to_owned()
    }

    #[test]
    fn a_body_left_out_has_no_fields() {
        for body in ["", " \n", "null"] {
            let fields = Fields::parse_as(&KNOWN, body.as_bytes()).unwrap();
            assert_eq!(fields.text(A).unwrap(), None, "{body:?}");
        }
    }

    #[test]
    fn errors_name_the_field_and_never_the_value() {
        assert_eq!(problem("{", |_| Ok(())), "the body is not JSON");
        assert_eq!(problem("[]", |_| Ok(())), "the body must be a JSON object");
        assert_eq!(problem(r#"{"c":1}"#, |_| Ok(())), "c is not a known field");
        let twice = r#"{"list":[{"x":1,"x":2}],"a":1}"#;
        assert_eq!(problem(twice, |_| Ok(())), "list.x is given more than once");
        let no_text = Fields::parse_as(&KNOWN, b"{\"a\":\"\xff\"}").err().unwrap();
        assert_eq!(no_text.detail(), "the body is not JSON");
        let text = |f: &Fields<'_>| f.required_text(A).map(drop);
        assert_eq!(problem("{}", text), "a is missing");
        assert_eq!(problem(r#"{"a":4111111111111111}"#, text), "a must be a text");
        assert_eq!(problem(r#"{"a":" "}"#, text), "a must not be blank");
        assert_eq!(problem(r#"{"a":"x\u0000"}"#, text), "a holds control characters");
        let nested = |f: &Fields<'_>| {
            let inner = f.object(field!(KNOWN, "inner"))?;
            inner.map_or(Ok(()), |inner| inner.required_text(field!(INNER, "x")).map(drop))
        };
        assert_eq!(problem(r#"{"inner":{}}"#, nested), "inner.x is missing");
        assert_eq!(problem(r#"{"inner":{"y":1}}"#, nested), "inner.y is not a known field");
    }

    #[test]
    fn amounts_are_exact_and_above_zero() {
        let read = |json: &str| {
            let body = format!("{{\"a\":{json}}}");
            let fields = Fields::parse_as(&KNOWN, body.as_bytes()).unwrap();
            money(&fields, A, Currency::USD).map(|money| money.map(Money::amount_minor))
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
