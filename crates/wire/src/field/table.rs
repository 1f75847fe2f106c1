//! Tables of fields.

use crate::cardbridge::dictionary::Dictionary;

/// Longest text, unless a field says otherwise.
pub const MAX_TEXT_CHARS: usize = 256;
/// Longest link, key or token.
pub const MAX_LONG_TEXT_CHARS: usize = 4_096;

/// The fields of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name in the documents; empty if its schema is written in place, without a name.
    pub name: &'static str,
    /// Its description; empty if its place describes it.
    pub meaning: &'static str,
    /// Its fields, in the order in which a document names the required ones.
    pub fields: &'static [Field],
}

/// A field of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its description.
    pub meaning: &'static str,
    /// The way in which it is read.
    pub kind: Kind,
    /// True if it must be there. Null counts as missing, and so does a blank text where the API is
    /// forgiving.
    pub is_required: bool,
    /// The name that it had before, which is read too.
    pub older_name: Option<&'static str>,
}

/// The way in which a field is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text; where the API is forgiving, also a number, which is read as its digits.
    Text {
        /// Longest text.
        max_chars: usize,
    },
    /// An id: a text or an integer.
    Id,
    /// A caller's own reference.
    Reference,
    /// A country, alpha-2 or alpha-3.
    Country,
    /// Part of a cardholder's name.
    Name,
    /// The name on a card.
    EmbossingName,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text, which should be a code of this dictionary.
    Code(&'static Dictionary),
    /// True or false.
    Boolean,
    /// True or false, or left out for false.
    Flag,
    /// A whole number.
    Whole {
        /// Least.
        least: u32,
        /// Largest.
        most: u32,
        /// One that fits. With it the document shows the range; without it the field's meaning
        /// does.
        example: Option<u32>,
    },
    /// An amount in major units, judged where its currency is known.
    Amount,
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
    Page {
        /// The page if no page is asked for.
        default: u32,
    },
    /// The number of rows on a page.
    PageSize {
        /// Rows if no number is asked for.
        default: u32,
        /// Most rows.
        most: u32,
    },
    /// `YYYY-MM-DD HH:MM:SS`.
    Moment,
    /// A list of texts.
    Texts {
        /// Longest entry.
        max_chars: usize,
    },
    /// A list of links or object keys; absent and empty are the same.
    Links,
    /// A list of names of files, at least one.
    FileNames {
        /// Most names.
        most: usize,
    },
    /// An object of these fields.
    Object(&'static Table),
    /// A list of such objects.
    Objects(&'static Table),
}

impl Table {
    /// No fields.
    pub const EMPTY: Self = Self::unnamed(&[]);

    /// A table that the documents name.
    #[must_use]
    pub const fn named(
        name: &'static str,
        meaning: &'static str,
        fields: &'static [Field],
    ) -> Self {
        Self { name, meaning, fields }
    }

    /// A table that has no name in the documents.
    #[must_use]
    pub const fn unnamed(fields: &'static [Field]) -> Self {
        Self { name: "", meaning: "", fields }
    }

    /// The field of this name; [`crate::field!`] asks for it at compile time.
    ///
    /// # Panics
    /// The table has no such field.
    #[must_use]
    pub const fn field(&self, name: &str) -> Field {
        let mut at = 0;
        while at < self.fields.len() {
            if is_same(self.fields[at].name.as_bytes(), name.as_bytes()) {
                return self.fields[at];
            }
            at += 1;
        }
        panic!("what is read stands in the table that describes it")
    }

    /// The tables of the objects in it.
    pub fn nested(&self) -> impl Iterator<Item = &'static Self> {
        self.fields.iter().filter_map(|field| match field.kind {
            Kind::Object(table) | Kind::Objects(table) => Some(table),
            _ => None,
        })
    }

    /// True if anything must be there.
    #[must_use]
    pub fn asks_for_something(&self) -> bool {
        self.fields.iter().any(|field| field.is_required)
    }
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

impl Field {
    /// A field that may be left out.
    #[must_use]
    pub const fn of(name: &'static str, meaning: &'static str, kind: Kind) -> Self {
        Self { name, meaning, kind, is_required: false, older_name: None }
    }

    /// A text of the usual length.
    #[must_use]
    pub const fn text(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, meaning, Kind::Text { max_chars: MAX_TEXT_CHARS })
    }

    /// A text as long as a link or a key.
    #[must_use]
    pub const fn long_text(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, meaning, Kind::Text { max_chars: MAX_LONG_TEXT_CHARS })
    }

    /// True or false.
    #[must_use]
    pub const fn boolean(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, meaning, Kind::Boolean)
    }

    /// A whole number between two others, which the meaning names.
    #[must_use]
    pub const fn whole(name: &'static str, meaning: &'static str, least: u32, most: u32) -> Self {
        Self::of(name, meaning, Kind::Whole { least, most, example: None })
    }

    /// A list of texts.
    #[must_use]
    pub const fn texts(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, meaning, Kind::Texts { max_chars: MAX_TEXT_CHARS })
    }

    /// An object of these fields.
    #[must_use]
    pub const fn object(name: &'static str, meaning: &'static str, table: &'static Table) -> Self {
        Self::of(name, meaning, Kind::Object(table))
    }

    /// A list of such objects.
    #[must_use]
    pub const fn objects(name: &'static str, meaning: &'static str, table: &'static Table) -> Self {
        Self::of(name, meaning, Kind::Objects(table))
    }

    /// The field, which must be there.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { is_required: true, ..self }
    }

    /// The field, which may be left out.
    #[must_use]
    pub const fn optional(self) -> Self {
        Self { is_required: false, ..self }
    }

    /// The field, which had this name before.
    #[must_use]
    pub const fn formerly(self, name: &'static str) -> Self {
        Self { older_name: Some(name), ..self }
    }

    /// The field with another meaning.
    #[must_use]
    pub const fn meaning(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    /// Longest text of the field.
    #[must_use]
    pub const fn max_chars(&self) -> usize {
        match self.kind {
            Kind::Text { max_chars } | Kind::Texts { max_chars } => max_chars,
            Kind::Links => MAX_LONG_TEXT_CHARS,
            _ => MAX_TEXT_CHARS,
        }
    }
}
