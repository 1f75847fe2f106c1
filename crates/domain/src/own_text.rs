//! The texts that people choose themselves, references and e-mail addresses, in the form used for
//! comparison.

use std::borrow::Cow;

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Longest caller-chosen reference (`cardOrderRef`, `customerRef`, ...).
pub const MAX_REFERENCE_CHARS: usize = 128;

/// Characters that display nothing although they count as letters, marks or symbols: the grapheme
/// joiner, fillers, vowel signs without a form, variation selectors, and the blank Braille cell.
const SHOWN_AS_NOTHING: [(char, char); 11] = [
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{16fe4}', '\u{16fe4}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{e0100}', '\u{e01ef}'),
];

/// Why a text cannot be a new reference: references that differ only in this look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReferenceFault {
    /// A blank at either end.
    #[error("must not begin or end with a blank")]
    BlankEnds,
    /// A control, format, private or unassigned character, or one that displays nothing.
    #[error("must not hold invisible characters")]
    Invisible,
    /// Another spelling of the same characters.
    #[error("must be in Unicode normalisation form C")]
    NotNormal,
}

/// The text in Unicode's normalisation form C, in which equal texts have equal bytes.
#[must_use]
pub fn normal_form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        text.into()
    } else {
        text.nfc().collect::<String>().into()
    }
}

/// True if a character only changes the one before it, as an accent does.
#[must_use]
pub fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// True if a caller-chosen reference, in [`normal_form`], has the allowed form: 1 to
/// [`MAX_REFERENCE_CHARS`] visible characters, no blank at either end. Source:
/// cardbridge-open-api.md section 3.3, rule 7.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    (1..=MAX_REFERENCE_CHARS).contains(&text.chars().count()) && check_new_reference(text).is_ok()
}

/// Checks a reference that nothing is stored under yet.
///
/// # Errors
/// The first [`ReferenceFault`] found.
pub fn check_new_reference(text: &str) -> Result<(), ReferenceFault> {
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(ReferenceFault::BlankEnds);
    }
    if holds_invisible(text) {
        return Err(ReferenceFault::Invisible);
    }
    if is_nfc(text) { Ok(()) } else { Err(ReferenceFault::NotNormal) }
}

/// True if a text contains control, format, private or unassigned characters, or others that
/// display nothing.
#[must_use]
pub fn holds_invisible(text: &str) -> bool {
    text.contains(is_invisible)
}

fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let is_separator = matches!(
        c.general_category(),
        GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    );
    is_separator
        || c.general_category_group() == GeneralCategoryGroup::Other
        || SHOWN_AS_NOTHING.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// The domain of an e-mail address as ASCII (IDNA); `None` if it is not a valid domain.
#[must_use]
pub fn ascii_domain(domain: &str) -> Option<String> {
    idna::domain_to_ascii(domain).ok()
}

/// An e-mail address in lower case and form C, without surrounding blanks.
#[must_use]
pub fn lower_email(email: &str) -> String {
    let lower = normal_form(email.trim()).to_lowercase();
    // Some letters become several characters in lower case.
    normal_form(&lower).into_owned()
}

/// The form in which e-mail addresses are compared: [`lower_email`] with the domain as ASCII. A
/// malformed address has a key too, since it may have been stored before such addresses were
/// refused.
#[must_use]
pub fn email_key(email: &str) -> String {
    let lower = lower_email(email);
    let Some((local, domain)) = lower.rsplit_once('@') else { return lower };
    let domain = ascii_domain(domain).map_or(Cow::Borrowed(domain), Cow::Owned);
    format!("{local}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_what_people_write() {
        for good in [
            "ord-1001.a:b_C",
            "a b",
            "a&b=c/d",
            "+6581234567",
            "jane@example.com",
            "订单 1001",
            "café",
            "नमस्ते",
        ] {
            assert!(is_reference(good), "{good}");
        }
        assert!(is_reference(&"订".repeat(128)));
        for bad in ["", &"x".repeat(129), " a", "a ", "a\u{3000}", "\u{a0}a", "a\nb", "a\u{0}"] {
            assert!(!is_reference(bad), "{bad:?}");
        }
    }

    #[test]
    fn references_that_look_like_another_are_faulty() {
        let fault = |text: &str| check_new_reference(text).err();
        assert_eq!(fault("R"), None);
        assert_eq!(fault("R "), Some(ReferenceFault::BlankEnds));
        for invisible in [
            "R\u{200b}",
            "R\u{200d}S",
            "\u{feff}R",
            "R\u{ad}S",
            "R\u{202e}S",
            "R\u{2060}",
            "R\u{fe0f}",
            "R\u{34f}S",
            "R\u{3164}S",
            "R\u{2800}S",
            "R\u{e0061}",
            "R\u{2028}S",
            "R\u{7f}",
            "R\u{e000}",
            "R\u{180e}S",
        ] {
            assert_eq!(fault(invisible), Some(ReferenceFault::Invisible), "{invisible:?}");
        }
        assert_eq!(fault("cafe\u{301}"), Some(ReferenceFault::NotNormal));
        assert_eq!(fault(&normal_form("cafe\u{301}")), None);
    }

    #[test]
    fn equal_addresses_have_equal_keys() {
        for (one, other) in [
            ("jos\u{e9}@example.com", "jose\u{301}@example.com"),
            ("JOS\u{c9}@Example.COM", "jos\u{e9}@example.com"),
            ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
            ("a@bu\u{308}cher.example", "A@B\u{dc}CHER.example"),
            ("a@\u{ff45}xample.com", "a@example.com"),
        ] {
            assert_eq!(email_key(one), email_key(other), "{one} {other}");
        }
        assert_eq!(email_key("a@b\u{fc}cher.example"), "a@xn--bcher-kva.example");
        for (one, other) in [("a@example.com", "b@example.com"), ("\u{e9}@x.test", "e@x.test")] {
            assert_ne!(email_key(one), email_key(other));
        }
        assert_eq!(email_key("no address"), "no address");
    }
}
