//! The fields of the plain requests, told once: what reads them and what describes them go by
//! the same tables.

use serde_json::{Value, json};

use super::VmError;
use super::parameters::{DEFAULT_PAGE_ROWS, MAX_PAGE_ROWS, MAX_TEXT_CHARS};

const MINOR_PER_MAJOR: i64 = 100;
/// Texts with control characters are refused.
const TEXT_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The same, and not blank: a blank text is none.
const SET_TEXT_PATTERN: &str = r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f]*$";
/// What a cardholder's name is made of, as far as patterns tell it that every language reads:
/// of ASCII the letters, the blank and `'`, `-` and `.`; beyond it more than letters.
const NAME_PATTERN: &str = r"^(?=.*\S)[^\u0000-\u001f\u0021-\u0026\u0028-\u002c\u002f-\u0040\u005b-\u0060\u007b-\u009f]{1,50}$";
const MOMENT_PATTERN: &str = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$";

/// A field of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// How it is read.
    pub kind: Kind,
    /// Whether it must be there. Null, and a text of nothing, count as not there.
    pub is_required: bool,
}

/// How a field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text, or a number for its digits.
    Text {
        /// Longest text.
        max_chars: usize,
    },
    /// Part of a cardholder's name.
    Name,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An amount between two others, minor units.
    Load {
        /// Least.
        least_minor: i64,
        /// Largest.
        most_minor: i64,
    },
    /// An amount above zero.
    Payment,
    /// An amount that may be zero.
    Limit,
    /// A page, counted from one.
    Page,
    /// How many rows a page has.
    PageSize,
    /// `YYYY-MM-DD HH:MM:SS`.
    Moment,
    /// An object of these fields.
    Object(&'static [Field]),
}

/// The field of a table that bears a name, to be asked for at compile time: a misspelt name, or
/// one of another table, does not compile.
///
/// ```
/// use wire::vm::field::{Field, told};
/// const CARD: Field = told(wire::vm::card::CARD_FIELDS, "card_id");
/// # assert_eq!(CARD.name, "card_id");
/// ```
///
/// ```compile_fail
/// use wire::vm::field::{Field, told};
/// const CARD: Field = told(wire::vm::card::CARD_FIELDS, "crad_id");
/// ```
///
/// # Panics
/// No field of the table bears the name.
#[must_use]
pub const fn told(table: &[Field], name: &str) -> Field {
    let mut at = 0;
    while at < table.len() {
        if is_same(table[at].name.as_bytes(), name.as_bytes()) {
            return table[at];
        }
        at += 1;
    }
    panic!("what is read stands in the table that describes it")
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// The field of a table that bears this name, found while the program is compiled.
macro_rules! field {
    ($table:expr, $name:literal) => {
        const { $crate::vm::field::told($table, $name) }
    };
}
pub(crate) use field;

/// Which page of a list.
pub const PAGE: Field = Field::of("page", "Which page, from 1; the first if left out", Kind::Page);
/// How many rows of a list.
pub const PAGE_SIZE: Field =
    Field::of("page_size", "Rows of a page; 10 if left out", Kind::PageSize);

impl Field {
    /// A field that may be left out.
    #[must_use]
    pub const fn of(name: &'static str, meaning: &'static str, kind: Kind) -> Self {
        Self { name, meaning, kind, is_required: false }
    }

    /// A text as long as texts are where nothing else is said.
    #[must_use]
    pub const fn text(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, meaning, Kind::Text { max_chars: MAX_TEXT_CHARS })
    }

    /// The field, which must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// What reading it can be refused with, beside what the operation makes of it.
    #[must_use]
    pub fn refusals(&self) -> Vec<VmError> {
        let invalid = VmError::Value(self.name);
        let mut refusals = match self.kind {
            Kind::Text { .. } | Kind::Page | Kind::Moment => vec![invalid],
            Kind::Name => vec![VmError::Params],
            Kind::Word(_) => vec![invalid, VmError::Status],
            Kind::Load { least_minor, .. } => vec![
                VmError::Amount,
                VmError::AmountTooSmall { least_major: least_minor / MINOR_PER_MAJOR },
                VmError::AmountTooLarge,
            ],
            Kind::Payment | Kind::Limit => vec![VmError::Amount, VmError::AmountTooLarge],
            Kind::PageSize => vec![invalid, VmError::PageSize],
            Kind::Object(fields) => fields.iter().flat_map(Self::refusals).collect(),
        };
        // Of another type, or missing where it must be there.
        refusals.push(VmError::NotSet(self.name));
        refusals
    }

    /// Its JSON Schema. It tells the forms that clients should send; what is read beyond them
    /// (`1E+1` for ten, blanks round a number) is not told.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text { max_chars } => self.text_schema(max_chars),
            Kind::Name => json!({ "type": ["string"], "pattern": NAME_PATTERN }),
            Kind::Word(words) => return self.told(json!({ "type": "string", "enum": words })),
            Kind::Load { least_minor, most_minor } => {
                let (least, most) = (least_minor / MINOR_PER_MAJOR, most_minor / MINOR_PER_MAJOR);
                json!({ "type": ["number"], "minimum": least, "maximum": most })
            }
            Kind::Payment => json!({ "type": ["number"], "exclusiveMinimum": 0 }),
            Kind::Limit => json!({ "type": ["number"], "minimum": 0 }),
            Kind::Page => json!({ "type": ["integer"], "minimum": 1, "default": 1 }),
            Kind::PageSize => json!({
                "type": ["integer"], "minimum": 1, "maximum": MAX_PAGE_ROWS,
                "default": DEFAULT_PAGE_ROWS,
            }),
            Kind::Moment => json!({ "type": ["string"], "pattern": MOMENT_PATTERN }),
            Kind::Object(fields) => object_schema(fields),
        };
        if let Some(pattern) = self.numeric_text_pattern() {
            schema["pattern"] = json!(pattern);
            push_type(&mut schema, "string");
        }
        if !self.is_required {
            let pattern = schema["pattern"].as_str().filter(|it| *it != TEXT_PATTERN);
            if let Some(pattern) = pattern {
                // Blanks are nothing, here too.
                schema["pattern"] = json!(format!("^ *$|{pattern}"));
            }
            push_type(&mut schema, "null");
        }
        self.told(schema)
    }

    fn told(&self, mut schema: Value) -> Value {
        schema["description"] = json!(self.meaning);
        schema
    }

    fn text_schema(&self, max_chars: usize) -> Value {
        let pattern = if self.is_required { SET_TEXT_PATTERN } else { TEXT_PATTERN };
        json!({ "type": ["string", "number"], "maxLength": max_chars, "pattern": pattern })
    }

    /// What a text is like that is read as a number.
    const fn numeric_text_pattern(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Load { .. } | Kind::Payment | Kind::Limit => Some(r"^\d+(\.\d{1,2})?$"),
            Kind::Page | Kind::PageSize => Some(r"^[1-9]\d*$"),
            _ => None,
        }
    }
}

fn push_type(schema: &mut Value, name: &str) {
    match &mut schema["type"] {
        Value::Array(types) => types.push(json!(name)),
        one => *one = json!([one.take(), name]),
    }
}

/// The JSON Schema of an object of these fields. Others may stand beside them and are ignored.
#[must_use]
pub fn object_schema(fields: &[Field]) -> Value {
    let properties: serde_json::Map<_, _> =
        fields.iter().map(|it| (it.name.to_owned(), it.schema())).collect();
    let required: Vec<_> = fields.iter().filter(|it| it.is_required).map(|it| it.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
