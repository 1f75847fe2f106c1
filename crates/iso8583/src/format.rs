//! Formats of fields (network-iso8583.md section 2.2).

use std::fmt;

/// What a value consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// `n`: digits.
    Digits,
    /// `z`: digits of a track with its separators.
    Track,
    /// `an`: text, by name letters and digits.
    Alphanumeric,
    /// `ans`: text.
    Text,
    /// `x+n`: `C` or `D`, then digits.
    Signed,
    /// `b`: bytes.
    Bytes,
}

/// Whether a length precedes the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// No: every value has the same length.
    Fixed,
    /// `..`: a length of two digits or one byte.
    Ll,
    /// `...`: a length of three digits or two bytes.
    Lll,
}

/// A format: `n 6`, `n..11`, `ans...999`, `x+n 8`, `b 8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// What a value consists of.
    pub content: Content,
    /// Whether a length precedes it.
    pub extent: Extent,
    /// Its length, or the longest: in digits without the sign, characters, or bytes.
    pub max: u16,
}

impl Format {
    /// Reads the text of a format. The blank before a fixed length may be left out.
    #[must_use]
    pub const fn parse(text: &str) -> Option<Self> {
        let (content, rest) = match text.as_bytes() {
            [b'x', b'+', b'n', rest @ ..] => (Content::Signed, rest),
            [b'a', b'n', b's', rest @ ..] => (Content::Text, rest),
            [b'a', b'n', rest @ ..] => (Content::Alphanumeric, rest),
            [b'n', rest @ ..] => (Content::Digits, rest),
            [b'z', rest @ ..] => (Content::Track, rest),
            [b'b', rest @ ..] => (Content::Bytes, rest),
            _ => return None,
        };
        let (extent, digits) = match rest {
            [b'.', b'.', b'.', rest @ ..] => (Extent::Lll, rest),
            [b'.', b'.', rest @ ..] => (Extent::Ll, rest),
            [b' ', rest @ ..] | rest => (Extent::Fixed, rest),
        };
        let Some(max) = number(digits) else { return None };
        // 255 needs a binary length, which the layout checks.
        let is_too_long = matches!(extent, Extent::Ll) && max > 255;
        let is_signed_variable =
            matches!(content, Content::Signed) && !matches!(extent, Extent::Fixed);
        if is_too_long || is_signed_variable {
            return None;
        }
        Some(Self { content, extent, max })
    }
}

/// A number from 1 to 999 without leading zeros.
const fn number(mut digits: &[u8]) -> Option<u16> {
    if digits.len() > 3 {
        return None;
    }
    let mut number = 0;
    while let [digit @ b'0'..=b'9', rest @ ..] = digits {
        if number == 0 && *digit == b'0' {
            return None;
        }
        number = number * 10 + (*digit - b'0') as u16;
        digits = rest;
    }
    if digits.is_empty() && number > 0 { Some(number) } else { None }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match self.content {
            Content::Digits => "n",
            Content::Track => "z",
            Content::Alphanumeric => "an",
            Content::Text => "ans",
            Content::Signed => "x+n",
            Content::Bytes => "b",
        };
        let extent = match self.extent {
            Extent::Fixed => " ",
            Extent::Ll => "..",
            Extent::Lll => "...",
        };
        write!(f, "{content}{extent}{}", self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn a_format_is_read_and_written() {
        for text in ["n 6", "n..11", "z..37", "an 12", "ans...999", "x+n 8", "b 8", "b...255"] {
            assert_eq!(Format::parse(text).map(|it| it.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Format::parse("ans15"), Format::parse("ans 15"));
        for text in ["", "n", "n 0", "n 06", "n..256", "n...1000", "x+n..8", "q 3", "n  3", "n -1"]
        {
            assert_eq!(Format::parse(text), None, "{text}");
        }
    }
}
