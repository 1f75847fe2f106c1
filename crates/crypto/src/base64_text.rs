//! Base64 as clients of all languages write it: in lines, in the alphabet for URLs, with
//! and without padding (cardbridge-open-api.md section 15, F2).

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes behind a text; `None` if it is not base64. White space is skipped, `-` and `_` are
/// read as `+` and `/`, and padding may be missing. Every form gives the same bytes as the plain
/// form, so nothing that is signed or encrypted becomes ambiguous.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let plain = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).map(plain).collect();
    FORGIVING.decode(compact).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_both_alphabets_and_missing_padding_are_read() {
        for text in ["+/8=", "-_8=", "+/8", "-_8", " +/\r\n8=\n", "-\t_8"] {
            assert_eq!(decode(text), Some(vec![0xFB, 0xFF]), "{text:?}");
        }
        assert_eq!(decode(""), Some(Vec::new()));
    }

    #[test]
    fn anything_but_base64_is_refused() {
        for text in ["+", "+/8==", "=", "+/9=", "+/8=+/8=", "a*b=", "\u{feff}+/8=", "äöü="] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_form_of_a_text_gives_its_bytes(bytes: Vec<u8>, cut in 0..32_usize) {
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                let (first, rest) = text.split_at(cut.min(text.len()));
                prop_assert_eq!(decode(&format!("{first}\r\n{rest}\n")), Some(bytes.clone()));
            }
        }
    }
}
