//! What may be shown of a value (network-iso8583.md section 9.1).

use std::ops::RangeInclusive;

use crate::fields::field_of;
use crate::format::{Content, Format};

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "***";

/// Account numbers, of which the first six and the last four characters are shown.
const ACCOUNT_NUMBERS: [u8; 4] = [2, 34, 102, 103];
/// Fewer characters of an account number would be shown nearly whole.
const MIN_ACCOUNT_CHARACTERS: usize = 13;
/// How many digits a card number has.
const PAN_DIGITS: RangeInclusive<usize> = 13..=19;

/// A value as it may be shown: card data and whatever may hold them never.
#[must_use]
pub fn shown(number: u8, format: Format, value: &[u8]) -> String {
    let is_masked = field_of(number).is_none_or(|field| field.uses.is_masked);
    match format.content {
        _ if ACCOUNT_NUMBERS.contains(&number) => account_number(&printable(value)),
        _ if is_masked => HIDDEN.to_owned(),
        Content::Bytes => hexadecimal(value),
        Content::Digits | Content::Track | Content::Signed => printable(value),
        Content::Alphanumeric | Content::Text => without_pans(&printable(value)),
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Text whose bytes outside printable ASCII are points: nothing of it commands a terminal, and a
/// number in BCD cannot be read from it.
fn printable(value: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    value.iter().map(character).collect()
}

fn account_number(text: &str) -> String {
    let len = text.len();
    if len < MIN_ACCOUNT_CHARACTERS {
        return HIDDEN.to_owned();
    }
    format!("{}{}{}", &text[..6], "*".repeat(len - 10), &text[len - 4..])
}

/// The text without what may be a card number. Unlike `vault::mask_pans` it also finds one inside a
/// longer run of digits, such as behind its own length.
#[must_use]
pub fn without_pans(text: &str) -> String {
    let mut masked: Vec<u8> = text.bytes().collect();
    for len in PAN_DIGITS {
        for start in 0..(text.len() + 1).saturating_sub(len) {
            // No card number begins with 0, but filled amounts do.
            let digits = text.get(start..start + len).filter(|digits| !digits.starts_with('0'));
            if digits.is_some_and(crypto::luhn::is_valid) {
                masked[start..start + len].fill(b'*');
            }
        }
    }
    // Only whole digits were replaced.
    String::from_utf8(masked).unwrap_or_else(|_| HIDDEN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_found_between_other_digits() {
        assert_eq!(without_pans("x 4000990012345678!"), "x ****************!");
        assert!(!without_pans("0164000990012345678").contains("400099001234567"));
        let amounts = "0001840C000000012000";
        assert_eq!(without_pans(amounts), amounts);
        assert_eq!(without_pans("é4000990012345678"), "é****************");
        assert_eq!(without_pans(""), "");
    }

    #[test]
    fn a_short_account_number_is_hidden() {
        assert_eq!(account_number("4000990012345678"), "400099******5678");
        assert_eq!(account_number("400099001234"), HIDDEN);
    }
}
