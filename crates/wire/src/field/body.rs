//! The reader.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde_json::value::RawValue;

use super::{Field, Kind, Table};

/// An API's rules for reading bodies.
pub trait Policy {
    /// The refusal of a body.
    type Error;
    /// A fault of a field.
    type Wrong: From<Fault>;
    /// True if a number is read as a text, a text as a boolean, and a blank text as missing.
    const IS_FORGIVING: bool;
    /// True if the document shows the longest length of each text, and that it may be a number.
    const IS_TEXT_TOLD: bool;
    /// Most entries of a list.
    const MAX_LIST_ENTRIES: usize;

    /// The body, if it is JSON that the API takes. Only the strict API checks this before it reads
    /// the body.
    ///
    /// # Errors
    /// The API does not take the body.
    fn opened(body: &[u8]) -> Result<&[u8], Self::Error> {
        Ok(body)
    }

    /// The refusal of a body that is not a JSON object.
    fn no_object() -> Self::Error;

    /// The refusal of a body with a wrong field; `path` leads to the field from the body.
    fn wrong(path: String, field: Field, wrong: Self::Wrong) -> Self::Error;

    /// Judges a field that the table does not have; `path` leads to the object around it and is
    /// empty or ends in a full stop.
    ///
    /// # Errors
    /// The API refuses unknown fields.
    fn unknown(_path: &str, _name: &str) -> Result<(), Self::Error> {
        Ok(())
    }

    /// True if texts may not hold this character. Some stores cannot keep a NUL.
    fn is_banned(c: char) -> bool {
        c.is_control() && !matches!(c, '\t' | '\n' | '\r')
    }
}

/// A fault that the reader finds in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Required and not there.
    Missing,
    /// Of another JSON type than this.
    WrongType(&'static str),
    /// A JSON text that stands for no characters.
    Undecodable,
    /// A blank text, where it does not count as missing.
    Blank,
    /// A text that is longer than the field takes.
    TooLong,
    /// A text with a character that is not taken.
    ControlCharacters,
    /// A list with more entries than are taken.
    TooManyEntries,
    /// Not an object.
    NotAnObject,
    /// Not a whole number between these.
    NotWithin(u32, u32),
}

/// The fault in words, to follow the field's name.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::WrongType(expected) => write!(f, "must be {expected}"),
            Self::Undecodable => f.write_str("must be a text"),
            Self::Blank => f.write_str("must not be blank"),
            Self::TooLong => f.write_str("is too long"),
            Self::ControlCharacters => f.write_str("holds control characters"),
            Self::TooManyEntries => f.write_str("has too many entries"),
            Self::NotAnObject => f.write_str("must be an object"),
            Self::NotWithin(least, most) => {
                write!(f, "must be a whole number from {least} to {most}")
            }
        }
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

/// An object, read field by field in the order in which its reader asks. An absent field and null
/// are the same; a required field that is missing is refused as soon as it is read. No Debug: it
/// holds personal data.
pub struct Body<'a, P> {
    /// The object's path: empty, or ending in a full stop.
    path: String,
    values: BTreeMap<String, Cow<'a, RawValue>>,
    policy: PhantomData<fn() -> P>,
}

impl<P> Default for Body<'_, P> {
    /// An object without fields.
    fn default() -> Self {
        Self { path: String::new(), values: BTreeMap::new(), policy: PhantomData }
    }
}

impl<'a, P: Policy> Body<'a, P> {
    /// Reads a whole body with any fields. If a name is given twice, the last value counts.
    ///
    /// # Errors
    /// It is not one JSON object.
    pub fn parse(json: &'a [u8]) -> Result<Self, P::Error> {
        let values = serde_json::from_slice(P::opened(json)?).map_err(|_| P::no_object())?;
        Ok(Self::of(String::new(), values))
    }

    /// Reads a whole body of these fields.
    ///
    /// # Errors
    /// It is not one JSON object, or it has another field and the API refuses unknown fields.
    pub fn parse_as(table: &Table, json: &'a [u8]) -> Result<Self, P::Error> {
        Self::parse(json)?.only(table)
    }

    fn of(path: String, values: BTreeMap<String, &'a RawValue>) -> Self {
        let values = values.into_iter().map(|(name, json)| (name, Cow::Borrowed(json))).collect();
        Self { path, values, policy: PhantomData }
    }

    fn only(self, table: &Table) -> Result<Self, P::Error> {
        let is_unknown = |name: &&String| table.fields.iter().all(|field| field.name != **name);
        for name in self.values.keys().filter(is_unknown) {
            P::unknown(&self.path, name)?;
        }
        Ok(self)
    }

    /// The object as if it stood in this field of another, although it came separately.
    #[must_use]
    pub fn under(self, field: &str) -> Self {
        Self { path: format!("{field}."), ..self }
    }

    /// The path of a field of the object, from the body on.
    #[must_use]
    pub fn path_to(&self, field: &str) -> String {
        format!("{}{field}", self.path)
    }

    /// The body, owning its values.
    #[must_use]
    pub fn into_owned(self) -> Body<'static, P> {
        let owned = |json: Cow<'_, RawValue>| Cow::Owned(json.into_owned());
        let values = self.values.into_iter().map(|(name, json)| (name, owned(json))).collect();
        Body { path: self.path, values, policy: PhantomData }
    }

    /// All fields in one order with their values as they were written, to compare bodies by.
    ///
    /// # Panics
    /// Never: texts and parsed JSON are JSON.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        serde_json::to_vec(&self.values).expect("texts and parsed JSON are always JSON")
    }

    /// A refusal of one field.
    pub fn wrong(&self, field: Field, wrong: impl Into<P::Wrong>) -> P::Error {
        P::wrong(self.path_to(field.name), field, wrong.into())
    }

    /// The value as it was written; `None` for null.
    ///
    /// # Errors
    /// Missing.
    pub fn json(&self, field: Field) -> Result<Option<&RawValue>, P::Error> {
        let json = self.values.get(field.name).map(AsRef::as_ref);
        self.or_missing(field, json.filter(|json: &&RawValue| json.get() != "null"))
    }

    /// True if the field is there and null.
    #[must_use]
    pub fn is_null(&self, field: Field) -> bool {
        self.values.get(field.name).is_some_and(|json| json.get() == "null")
    }

    /// Passes the value on; refuses a required field without a value.
    pub(crate) fn or_missing<T>(
        &self,
        field: Field,
        value: Option<T>,
    ) -> Result<Option<T>, P::Error> {
        if value.is_none() && field.is_required {
            return Err(self.wrong(field, Fault::Missing));
        }
        Ok(value)
    }

    /// The value of a field that must be there, by its table or because of other fields.
    ///
    /// # Errors
    /// There is no value.
    pub fn required<T>(&self, field: Field, value: Option<T>) -> Result<T, P::Error> {
        value.ok_or_else(|| self.wrong(field, Fault::Missing))
    }

    /// A text.
    ///
    /// # Errors
    /// Missing, of another type, blank where that is refused, too long, or with banned characters.
    pub fn text(&self, field: Field) -> Result<Option<String>, P::Error> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let wrong = |fault| self.wrong(field, fault);
        let text = match json.get().as_bytes().first() {
            Some(b'"') => {
                serde_json::from_str(json.get()).map_err(|_| wrong(Fault::Undecodable))?
            }
            Some(b'-' | b'0'..=b'9') if P::IS_FORGIVING => json.get().to_owned(),
            _ => return Err(wrong(Fault::WrongType("a text"))),
        };
        checked::<P>(&text, field.max_chars()).map_err(wrong)?;
        self.or_missing(field, Some(text).filter(|text| !text.trim().is_empty()))
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// As [`Body::text`].
    pub fn required_text(&self, field: Field) -> Result<String, P::Error> {
        let text = self.text(field)?;
        self.required(field, text)
    }

    /// A text that `parse` reads; otherwise it is `wrong`.
    ///
    /// # Errors
    /// As [`Body::text`], or `parse` cannot read it.
    pub fn parsed<T>(
        &self,
        field: Field,
        wrong: impl Into<P::Wrong>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, P::Error> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| self.wrong(field, wrong))
    }

    /// As [`Body::parsed`], for a text that must be there.
    ///
    /// # Errors
    /// As [`Body::parsed`].
    pub fn required_parsed<T>(
        &self,
        field: Field,
        wrong: impl Into<P::Wrong>,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, P::Error> {
        let value = self.parsed(field, wrong, parse)?;
        self.required(field, value)
    }

    /// A text that stands for a value; otherwise it is `wrong`.
    ///
    /// # Errors
    /// As [`Body::parsed`].
    pub fn value<T: FromStr>(
        &self,
        field: Field,
        wrong: impl Into<P::Wrong>,
    ) -> Result<Option<T>, P::Error> {
        self.parsed(field, wrong, |text| text.parse().ok())
    }

    /// A boolean, or its text if the API is forgiving.
    ///
    /// # Errors
    /// Missing, or anything else.
    pub fn boolean(&self, field: Field) -> Result<Option<bool>, P::Error> {
        match self.json(field)?.map(RawValue::get) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some("\"true\"") if P::IS_FORGIVING => Ok(Some(true)),
            Some("\"false\"") if P::IS_FORGIVING => Ok(Some(false)),
            Some(_) => Err(self.wrong(field, Fault::WrongType("true or false"))),
        }
    }

    /// A whole number in the range of its kind.
    ///
    /// # Errors
    /// Missing, or anything else.
    pub fn whole(&self, field: Field) -> Result<Option<u32>, P::Error> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let Kind::Whole { least, most, .. } = field.kind else {
            return Err(self.wrong(field, Fault::WrongType("a whole number")));
        };
        let number = json.get().parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| self.wrong(field, Fault::NotWithin(least, most)))
    }

    /// A list of texts.
    ///
    /// # Errors
    /// Missing, not a list of texts, too many of them, or one that [`Body::text`] would refuse.
    pub fn text_list(&self, field: Field) -> Result<Option<Vec<String>>, P::Error> {
        let entries = self.any_text_list(field)?;
        for entry in entries.iter().flatten() {
            checked::<P>(entry, field.max_chars()).map_err(|fault| self.wrong(field, fault))?;
        }
        Ok(entries)
    }

    /// A list of texts whose length and characters the caller judges.
    ///
    /// # Errors
    /// Missing, not a list of texts, or too many of them.
    pub fn any_text_list(&self, field: Field) -> Result<Option<Vec<String>>, P::Error> {
        self.entries(field, "a list of texts")
    }

    fn entries<'b, T: serde::Deserialize<'b>>(
        &'b self,
        field: Field,
        expected: &'static str,
    ) -> Result<Option<Vec<T>>, P::Error> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        let entries: Vec<T> = serde_json::from_str(json.get())
            .map_err(|_| self.wrong(field, Fault::WrongType(expected)))?;
        match entries.len() > P::MAX_LIST_ENTRIES {
            true => Err(self.wrong(field, Fault::TooManyEntries)),
            false => Ok(Some(entries)),
        }
    }

    /// A nested object.
    ///
    /// # Errors
    /// Missing, something else, or with an unknown field that the API refuses.
    pub fn object(&self, field: Field) -> Result<Option<Body<'_, P>>, P::Error> {
        let Some(json) = self.json(field)? else { return Ok(None) };
        self.nested(field, field.name.to_owned(), json).map(Some)
    }

    /// A list of nested objects.
    ///
    /// # Errors
    /// Missing, not a list of objects, too many of them, or as [`Body::object`].
    pub fn object_list(&self, field: Field) -> Result<Option<Vec<Body<'_, P>>>, P::Error> {
        let expected = "a list of objects";
        if P::IS_FORGIVING {
            // Such an API judges a list as a whole.
            self.entries::<BTreeMap<String, &RawValue>>(field, expected)?;
        }
        let Some(entries) = self.entries::<&RawValue>(field, expected)? else { return Ok(None) };
        let entries = entries.into_iter().enumerate();
        let nested = |(index, json)| self.nested(field, format!("{}[{index}]", field.name), json);
        entries.map(nested).collect::<Result<_, _>>().map(Some)
    }

    fn nested<'b>(
        &self,
        field: Field,
        name: String,
        json: &'b RawValue,
    ) -> Result<Body<'b, P>, P::Error> {
        let path = self.path_to(&name);
        let (Kind::Object(table) | Kind::Objects(table), Ok(values)) =
            (field.kind, serde_json::from_str(json.get()))
        else {
            return Err(P::wrong(path, field, Fault::NotAnObject.into()));
        };
        Body::of(format!("{path}."), values).only(table)
    }
}

/// Judges a text; line breaks and tabs are accepted unless the API bans them.
pub(crate) fn checked<P: Policy>(text: &str, max_chars: usize) -> Result<(), Fault> {
    if !P::IS_FORGIVING && text.trim().is_empty() {
        return Err(Fault::Blank);
    }
    if text.chars().count() > max_chars {
        return Err(Fault::TooLong);
    }
    if text.contains(P::is_banned) { Err(Fault::ControlCharacters) } else { Ok(()) }
}
