//! A message for reading, masked (network-iso8583.md section 9.1).

use std::fmt;

use domain::{Currency, Money};
use serde::Serialize;

use crate::codes;
use crate::decode::decode;
use crate::fault::DecodeError;
use crate::format::Content;
use crate::layout::Layout;
use crate::mask::{HIDDEN, hexadecimal, shown, without_pans};
use crate::message::Message;
use crate::tlv::{KEPT_TAGS, elements};

/// What a message says. All values are masked, without a way to switch that off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// The message type, if it could be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mti: Option<String>,
    /// What the message type means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The fields that were decoded.
    pub fields: Vec<DescribedField>,
    /// Why no more was decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DescribedError>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedField {
    /// Its number.
    pub field: u8,
    /// Its name.
    pub name: &'static str,
    /// How many characters, or bytes if the format is binary, its value has.
    pub length: usize,
    /// Its value, masked.
    pub value: String,
    /// What the value means, if it is a known code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// What the value consists of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// A part of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Its value, masked.
    pub value: String,
}

/// A fault of the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedError {
    /// Its name.
    pub error: String,
    /// The field at fault, 0 for none.
    pub field: u8,
    /// Where, in bytes from the message type.
    pub offset: usize,
}

/// Describes one message.
#[must_use]
pub fn describe(layout: &Layout, bytes: &[u8]) -> Description {
    match decode(layout, bytes) {
        Ok(decoded) => description(layout, Some(&decoded.message), None),
        Err(error) => description(layout, error.decoded.as_ref(), Some(&error)),
    }
}

fn description(
    layout: &Layout,
    message: Option<&Message>,
    error: Option<&DecodeError>,
) -> Description {
    let fields = message.into_iter().flat_map(|message| {
        message.iter().filter_map(|(number, value)| field(layout, message, number, value))
    });
    Description {
        mti: message.map(|it| it.mti().to_string()),
        meaning: message.map(|it| codes::message_type(it.mti())),
        fields: fields.collect(),
        error: error.map(|it| DescribedError {
            error: it.fault.to_string(),
            field: it.field,
            offset: it.offset,
        }),
    }
}

fn field(layout: &Layout, message: &Message, number: u8, value: &[u8]) -> Option<DescribedField> {
    let format = layout.field(number)?.format;
    let is_1993 = layout.packager().version() == 1;
    // Bytes are never a code.
    let text = if format.content == Content::Bytes { "" } else { text_of(value) };
    let parts = match number {
        3 => processing_code(text),
        43 if is_1993 => split(text, &["name", "place", "country"]),
        43 => cut(text, &[("name", 25), ("city", 13), ("country", 2)]),
        48 => private_tags(text),
        54 => additional_amounts(text),
        55 => chip_data(value),
        90 if !is_1993 => original_data(text),
        95 if !is_1993 => replacement_amounts(text),
        _ => Vec::new(),
    };
    let meaning = match number {
        4..=6 => currency_of(message, number).and_then(|currency| amount(text, currency)),
        49..=51 => Currency::parse(text).map(|currency| currency.alpha().to_owned()),
        3 => codes::transaction_type(text.get(..2).unwrap_or_default()).map(str::to_owned),
        _ if is_1993 => codes::meaning_1993(number, text).map(str::to_owned),
        _ => codes::meaning(number, text).map(str::to_owned),
    };
    // Amounts in DE54 look like card numbers, so a value that is nothing but amounts is shown as
    // its parts say.
    let is_amounts = number == 54 && !parts.is_empty();
    let value_shown = if is_amounts { text.to_owned() } else { shown(number, format, value) };
    Some(DescribedField {
        field: number,
        name: layout.name(number),
        length: value.len(),
        value: value_shown,
        meaning,
        parts,
    })
}

/// The currency of the amount in DE4, 5 or 6, which is in DE49, 50 or 51.
fn currency_of(message: &Message, number: u8) -> Option<Currency> {
    Currency::parse(message.text(number + 45)?)
}

fn text_of(value: &[u8]) -> &str {
    std::str::from_utf8(value).ok().filter(|it| it.is_ascii()).unwrap_or_default()
}

fn part(name: impl Into<String>, value: impl Into<String>) -> Part {
    Part { name: name.into(), value: value.into() }
}

/// A code and its meaning, if it has one.
fn explained(code: &str, meaning: Option<&str>) -> String {
    meaning.map_or_else(|| code.to_owned(), |meaning| format!("{code} {meaning}"))
}

/// Parts of fixed lengths, without the blanks that fill them; nothing if the lengths do not add up.
fn cut(text: &str, lengths: &[(&str, usize)]) -> Vec<Part> {
    if text.len() != lengths.iter().map(|(_, length)| length).sum::<usize>() {
        return Vec::new();
    }
    let mut rest = text;
    let mut parts = Vec::new();
    for (name, length) in lengths {
        let (value, after) = rest.split_at(*length);
        parts.push(part(*name, without_pans(value.trim_end())));
        rest = after;
    }
    parts
}

/// Parts between backslashes.
fn split(text: &str, names: &[&str]) -> Vec<Part> {
    let values = text.split('\\').map(|value| without_pans(value.trim_end()));
    names.iter().zip(values).map(|(name, value)| part(*name, value)).collect()
}

fn processing_code(text: &str) -> Vec<Part> {
    let [kind, from, to] = [0..2, 2..4, 4..6].map(|range| text.get(range).unwrap_or_default());
    vec![
        part("transaction type", explained(kind, codes::transaction_type(kind))),
        part("from account", explained(from, codes::account_type(from))),
        part("to account", explained(to, codes::account_type(to))),
    ]
}

fn original_data(text: &str) -> Vec<Part> {
    let lengths =
        [("MTI", 4), ("STAN", 6), ("transmission time", 10), ("acquirer", 11), ("forwarder", 11)];
    cut(text, &lengths)
}

fn replacement_amounts(text: &str) -> Vec<Part> {
    let lengths =
        [("transaction", 12), ("settlement", 12), ("transaction fee", 9), ("settlement fee", 9)];
    cut(text, &lengths)
}

/// Sets of account type, amount type, currency, sign and amount; nothing if one is not such a set.
fn additional_amounts(text: &str) -> Vec<Part> {
    let set = |set: &[u8]| {
        let set = std::str::from_utf8(set).ok().filter(|set| set.len() == 20)?;
        let (account, kind) = (&set[..2], &set[2..4]);
        let currency = Currency::parse(&set[4..7])?;
        let sign = Some(&set[7..8]).filter(|sign| matches!(*sign, "C" | "D"))?;
        let amount = amount(&set[8..], currency)?;
        let is_numeric = set[..7].bytes().all(|byte| byte.is_ascii_digit());
        let name = explained(kind, codes::amount_type(kind));
        is_numeric.then(|| part(format!("account {account}, {name}"), format!("{sign} {amount}")))
    };
    text.as_bytes().chunks(20).map(set).collect::<Option<_>>().unwrap_or_default()
}

/// Minor units in major units, with the currency.
fn amount(digits: &str, currency: Currency) -> Option<String> {
    let is_numeric = digits.bytes().all(|byte| byte.is_ascii_digit());
    let amount_minor = is_numeric.then(|| digits.parse().ok()).flatten()?;
    Some(format!("{} {}", Money::new(amount_minor, currency).to_major(), currency.alpha()))
}

/// The two-digit tags and lengths of DE48, after a category letter if there is one. Nothing if
/// the value is not made of them.
fn private_tags(text: &str) -> Vec<Part> {
    let mut rest = text.strip_prefix(|it: char| it.is_ascii_alphabetic()).unwrap_or(text);
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let head = rest.get(..4).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        let length = head.and_then(|head| head[2..].parse().ok());
        let Some(after) = length.and_then(|length: usize| rest.get(4 + length..)) else {
            return Vec::new();
        };
        parts.push(part(format!("tag {}, length {}", &rest[..2], &rest[2..4]), HIDDEN));
        rest = after;
    }
    parts
}

/// The elements of chip data; only those that are kept are shown.
fn chip_data(value: &[u8]) -> Vec<Part> {
    let elements = elements(value).unwrap_or_default();
    let shown = elements.into_iter().map(|element| {
        let is_kept = KEPT_TAGS.contains(&element.tag);
        let value = if is_kept { hexadecimal(element.value) } else { HIDDEN.to_owned() };
        part(format!("tag {:X}, length {}", element.tag, element.value.len()), value)
    });
    shown.collect()
}

impl fmt::Display for Description {
    /// One line for the message type, one for each field and part, and one for the fault:
    /// `error NAME FIELD OFFSET`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(mti), Some(meaning)) = (&self.mti, &self.meaning) {
            writeln!(f, "{mti} {meaning}")?;
        }
        let width = self.fields.iter().map(|it| it.name.len()).max().unwrap_or(0);
        for it in &self.fields {
            write!(f, "{:>3} {:width$} {:>3}", it.field, it.name, it.length)?;
            write!(f, "  {}", it.value.trim_end())?;
            match &it.meaning {
                Some(meaning) => writeln!(f, "  ({meaning})")?,
                None => writeln!(f)?,
            }
            for part in &it.parts {
                writeln!(f, "      {}: {}", part.name, part.value)?;
            }
        }
        if let Some(DescribedError { error, field, offset }) = &self.error {
            writeln!(f, "error {error} {field} {offset}")?;
        }
        Ok(())
    }
}
