//! How each field of a link's messages is laid out: a packager and its overrides
//! (network-iso8583.md sections 2.1 and 2.4).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::field_set::FieldSet;
use crate::fields::{Field, field_of};
use crate::fields_1993::difference;
use crate::format::{Content, Extent, Format};
use crate::word::{SettingsError, Word, all, choose};

/// How messages are laid out before overrides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packager {
    /// Dialect 1987 in ASCII.
    Iso87Ascii,
    /// Dialect 1987 with BCD digits and binary bytes.
    Iso87Binary,
    /// Dialect 1993 in ASCII.
    Iso93Ascii,
}

/// How the bitmaps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bitmap {
    /// 16 hexadecimal digits, and 16 more if bit 1 is set.
    Hex,
    /// 8 bytes, and 8 more if bit 1 is set.
    Binary,
    /// Always 32 hexadecimal digits; bit 1 means nothing.
    Hex128,
}

/// How digits are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digits {
    /// One character each.
    Ascii,
    /// Two in a byte.
    Bcd,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// Two hexadecimal digits each.
    Hex,
    /// As they are.
    Plain,
}

/// How a length is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// Two or three characters.
    Ascii,
    /// Two digits in one byte, or three in two.
    Bcd,
    /// One byte, or two with the higher first.
    Binary,
}

/// Where an odd digit's other nibble stands in BCD, or what fills a fixed text that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pad {
    /// 0 on the left.
    LeftZero,
    /// Nibble 0 on the right.
    RightZero,
    /// Nibble F on the right.
    RightF,
    /// Blanks on the right.
    RightBlank,
}

impl Word for Packager {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("iso87ascii", Self::Iso87Ascii),
        ("iso87binary", Self::Iso87Binary),
        ("iso93ascii", Self::Iso93Ascii),
    ];
}

impl Word for Bitmap {
    const WORDS: &'static [(&'static str, Self)] =
        &[("hex", Self::Hex), ("binary", Self::Binary), ("hex128", Self::Hex128)];
}

impl Word for Digits {
    const WORDS: &'static [(&'static str, Self)] = &[("ascii", Self::Ascii), ("bcd", Self::Bcd)];
}

impl Word for Binary {
    const WORDS: &'static [(&'static str, Self)] = &[("hex", Self::Hex), ("binary", Self::Plain)];
}

impl Word for LengthForm {
    const WORDS: &'static [(&'static str, Self)] =
        &[("ascii", Self::Ascii), ("bcd", Self::Bcd), ("binary", Self::Binary)];
}

impl Word for Pad {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("left-0", Self::LeftZero),
        ("right-0", Self::RightZero),
        ("right-f", Self::RightF),
        ("right-blank", Self::RightBlank),
    ];
}

impl Packager {
    /// The version digit of its MTIs: 0 for 1987, 1 for 1993.
    #[must_use]
    pub const fn version(self) -> u8 {
        matches!(self, Self::Iso93Ascii) as u8
    }

    /// The year of the standard that it writes.
    #[must_use]
    pub const fn dialect(self) -> &'static str {
        match self {
            Self::Iso87Ascii | Self::Iso87Binary => "1987",
            Self::Iso93Ascii => "1993",
        }
    }

    /// A field as its dialect has it, also 1 and 65, which no message contains.
    #[must_use]
    pub fn field(self, number: u8) -> Option<&'static Field> {
        let differs = (self.version() == 1).then(|| difference(number)).flatten();
        differs.or_else(|| field_of(number))
    }

    /// What an answer of its dialect repeats unless a link says otherwise.
    #[must_use]
    pub fn default_echo(self) -> FieldSet {
        let fields = (1..=128).filter_map(|number| self.field(number));
        fields.filter(|field| field.uses.is_repeated).map(|field| field.number).collect()
    }

    /// Fields without which no message can be processed.
    const fn always_enabled(self) -> [u8; 7] {
        match self {
            Self::Iso87Ascii | Self::Iso87Binary => [2, 3, 4, 7, 11, 39, 70],
            Self::Iso93Ascii => [2, 3, 4, 7, 11, 24, 39],
        }
    }

    pub(crate) const fn digits(self) -> Digits {
        match self {
            Self::Iso87Binary => Digits::Bcd,
            Self::Iso87Ascii | Self::Iso93Ascii => Digits::Ascii,
        }
    }
}

/// The keys of `[[links]]` that lay out a message. The defaults are those of the packager.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LayoutSettings {
    /// The name of a packager; `iso87ascii` if it is missing.
    pub packager: Option<String>,
    /// `1987` or `1993`, which must be the packager's; that one if it is missing.
    pub dialect: Option<String>,
    /// How bitmaps are written.
    pub bitmap: Option<String>,
    /// Overrides by field number.
    #[serde(default)]
    pub fields: BTreeMap<String, FieldSettings>,
}

/// An override of one field.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSettings {
    /// `false`: a message that contains the field is refused.
    pub enabled: Option<bool>,
    /// Another format.
    pub format: Option<String>,
    /// `ascii` or `bcd`.
    pub digits: Option<String>,
    /// `hex` or `binary`.
    pub bytes: Option<String>,
    /// `ascii`, `bcd` or `binary`.
    pub length: Option<String>,
    /// `left-0`, `right-0`, `right-f` or `right-blank`.
    pub pad: Option<String>,
}

/// The fields of the MAC, whose size the algorithm fixes.
pub(crate) const MAC_FIELDS: [u8; 2] = [64, 128];
/// The field of the tertiary bitmap, which no message contains.
pub(crate) const TERTIARY_BITMAP: u8 = 65;
/// From here on, `ans...` takes any byte.
const FIRST_WITH_ANY_BYTE: u8 = 46;

/// How one field is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldLayout {
    /// Its format.
    pub format: Format,
    /// How digits are written.
    pub digits: Digits,
    /// How bytes are written.
    pub bytes: Binary,
    /// How the length is written.
    pub length: LengthForm,
    /// What fills up.
    pub pad: Pad,
    /// Whether the length of bytes in hexadecimal counts digits instead of bytes.
    pub counts_digits: bool,
    /// Whether control characters and the like are taken.
    pub takes_any_byte: bool,
}

impl FieldLayout {
    fn of_packager(packager: Packager, number: u8, format: Format) -> Self {
        let (bytes, length) = match packager {
            Packager::Iso87Binary => (Binary::Plain, LengthForm::Bcd),
            Packager::Iso87Ascii | Packager::Iso93Ascii => (Binary::Hex, LengthForm::Ascii),
        };
        let is_long_text = (format.content, format.extent) == (Content::Text, Extent::Lll);
        let digits = packager.digits();
        Self {
            format,
            digits,
            bytes,
            length,
            pad: default_pad(format),
            counts_digits: packager != Packager::Iso93Ascii,
            takes_any_byte: number >= FIRST_WITH_ANY_BYTE && is_long_text,
        }
    }
}

const fn default_pad(format: Format) -> Pad {
    match (format.content, format.extent) {
        (Content::Alphanumeric | Content::Text, _) => Pad::RightBlank,
        (Content::Digits | Content::Track, Extent::Ll | Extent::Lll) => Pad::RightZero,
        _ => Pad::LeftZero,
    }
}

/// The layout of a link's messages.
pub struct Layout {
    packager: Packager,
    bitmap: Bitmap,
    /// Field N is at N - 1; `None` if its bit is an error.
    fields: Box<[Option<FieldLayout>]>,
}

impl Layout {
    /// The layout of a packager without overrides.
    #[must_use]
    pub fn of(packager: Packager) -> Self {
        let fields = (1..=128).map(|number| {
            let format = packager.field(number)?.format;
            Some(FieldLayout::of_packager(packager, number, format))
        });
        let bitmap = match packager {
            Packager::Iso87Binary => Bitmap::Binary,
            Packager::Iso87Ascii | Packager::Iso93Ascii => Bitmap::Hex,
        };
        Self { packager, bitmap, fields: fields.collect() }
    }

    /// Reads the layout of a link.
    ///
    /// # Errors
    /// The first key whose value cannot be used, and what it should be.
    pub fn new(settings: &LayoutSettings) -> Result<Self, SettingsError> {
        let packager = settings.packager.as_deref();
        let packager = choose("links.packager", packager, &all(), Packager::Iso87Ascii)?;
        let dialect = packager.dialect();
        if settings.dialect.as_deref().unwrap_or(dialect) != dialect {
            let should_be = format!("{dialect}, the dialect of the packager {}", packager.word());
            return Err(SettingsError::new("links.dialect", should_be));
        }
        let mut layout = Self::of(packager);
        let bitmap = settings.bitmap.as_deref();
        layout.bitmap = choose("links.bitmap", bitmap, &all(), layout.bitmap)?;
        for (key, field) in &settings.fields {
            let number = key.parse().ok().filter(|it| is_overridable(*it)).ok_or_else(|| {
                let key = format!("links.fields.{key}");
                SettingsError::new(key, "a field from 2 to 128, except 65")
            })?;
            let changed = overridden(packager, number, field)?;
            if let Some(field) = layout.fields.get_mut(usize::from(number) - 1) {
                *field = changed;
            }
        }
        Ok(layout)
    }

    /// The packager.
    #[must_use]
    pub const fn packager(&self) -> Packager {
        self.packager
    }

    /// How bitmaps are written.
    #[must_use]
    pub const fn bitmap(&self) -> Bitmap {
        self.bitmap
    }

    /// How a field is laid out; `None` if it is disabled or no field.
    #[must_use]
    pub fn field(&self, number: u8) -> Option<&FieldLayout> {
        self.fields.get(usize::from(number).checked_sub(1)?)?.as_ref()
    }

    /// The name of a field in the packager's dialect.
    #[must_use]
    pub fn name(&self, number: u8) -> &'static str {
        self.packager.field(number).map(|field| field.name).unwrap_or_default()
    }
}

fn is_overridable(number: u8) -> bool {
    (2..=128).contains(&number) && number != TERTIARY_BITMAP
}

/// The field with its override; `None` if it is disabled.
fn overridden(
    packager: Packager,
    number: u8,
    settings: &FieldSettings,
) -> Result<Option<FieldLayout>, SettingsError> {
    let key = |name: &str| format!("links.fields.{number}.{name}");
    if settings.enabled == Some(false) {
        if packager.always_enabled().contains(&number) {
            return Err(SettingsError::new(
                key("enabled"),
                "true: no link can do without the field",
            ));
        }
        return Ok(None);
    }
    let own = packager.field(number).map(|field| field.format);
    let own = own.ok_or_else(|| SettingsError::new(key("format"), "a field's format"))?;
    let format = match &settings.format {
        None => own,
        Some(_) if MAC_FIELDS.contains(&number) => {
            return Err(SettingsError::new(key("format"), "left out: a MAC has 8 bytes"));
        }
        Some(text) => Format::parse(text).ok_or_else(|| {
            let should_be = "a format such as n 6, n..11, z..37, ans 15, ans...240, x+n 8, b 8";
            SettingsError::new(key("format"), should_be)
        })?,
    };
    let has_digits = matches!(format.content, Content::Digits | Content::Track | Content::Signed);
    let mut field = FieldLayout::of_packager(packager, number, format);
    let digits: &[Digits] = if has_digits { &[Digits::Ascii, Digits::Bcd] } else { &[] };
    field.digits = part(key("digits"), settings.digits.as_deref(), format, digits, field.digits)?;
    let bytes = format.content == Content::Bytes;
    let bytes: &[Binary] = if bytes { &[Binary::Hex, Binary::Plain] } else { &[] };
    field.bytes = part(key("bytes"), settings.bytes.as_deref(), format, bytes, field.bytes)?;
    let lengths: &[LengthForm] = match format.extent {
        Extent::Fixed => &[],
        _ => &[LengthForm::Ascii, LengthForm::Bcd, LengthForm::Binary],
    };
    field.length = part(key("length"), settings.length.as_deref(), format, lengths, field.length)?;
    if format.extent == Extent::Ll && format.max > 99 && field.length != LengthForm::Binary {
        return Err(SettingsError::new(key("format"), "at most 99 long unless length is binary"));
    }
    let pads = pads(format, field.digits);
    field.pad = part(key("pad"), settings.pad.as_deref(), format, pads, field.pad)?;
    Ok(Some(field))
}

/// The choice of an override, which must be one that the format has.
fn part<W: Word>(
    key: String,
    value: Option<&str>,
    format: Format,
    choices: &[W],
    default: W,
) -> Result<W, SettingsError> {
    if choices.is_empty() && value.is_some() {
        let should_be = format!("left out: it means nothing for the format {format}");
        return Err(SettingsError::new(key, should_be));
    }
    choose(key, value, choices, default)
}

/// How a field of this format may be filled up.
const fn pads(format: Format, digits: Digits) -> &'static [Pad] {
    match (format.content, format.extent, digits) {
        (Content::Digits | Content::Track, _, Digits::Bcd) => {
            &[Pad::LeftZero, Pad::RightZero, Pad::RightF]
        }
        (Content::Digits, Extent::Fixed, Digits::Ascii) => &[Pad::LeftZero],
        (Content::Alphanumeric | Content::Text, Extent::Fixed, _) => {
            &[Pad::RightBlank, Pad::LeftZero]
        }
        _ => &[],
    }
}
