//! Keeps card numbers out of the stored excerpts of foreign answers.

/// Fewest digits that count as a card number.
const MIN_PAN_DIGITS: usize = 13;
/// Most digits of a card number.
const MAX_PAN_DIGITS: usize = 19;
/// Trailing digits that stay readable.
const SHOWN_DIGITS: usize = 4;

/// `text` with every run of digits that may be a card number reduced to its last four. The
/// platform's ids are long numbers too, so one in ten of them is masked as well.
#[must_use]
pub fn mask_pans(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from_digit) = rest.split_at(start);
        let end = from_digit.find(|c: char| !c.is_ascii_digit()).unwrap_or(from_digit.len());
        let (digits, after) = from_digit.split_at(end);
        masked.push_str(before);
        if digits.len() >= MIN_PAN_DIGITS && crypto::luhn::is_valid(digits) {
            let hidden = digits.len() - SHOWN_DIGITS;
            masked.extend(std::iter::repeat_n('*', hidden));
            masked.push_str(&digits[hidden..]);
        } else {
            masked.push_str(digits);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}

/// `text`, which a person wrote, with every card number reduced to its last four digits: also one
/// that blanks, hyphens, points or slashes divide, or that is a part of a longer number.
#[must_use]
pub fn mask_written_pans(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut masked, mut digits) = (chars.clone(), Vec::new());
    for (at, c) in chars.iter().enumerate() {
        match c {
            '0'..='9' => digits.push(at),
            ' ' | '-' | '.' | '/' => {}
            _ => mask_numbers(&chars, &std::mem::take(&mut digits), &mut masked),
        }
    }
    mask_numbers(&chars, &digits, &mut masked);
    masked.into_iter().collect()
}

/// Masks the card numbers among the digits at these places.
fn mask_numbers(chars: &[char], digits: &[usize], masked: &mut [char]) {
    for start in 0..digits.len() {
        let longest = digits.len().min(start + MAX_PAN_DIGITS);
        let Some(end) = (start + MIN_PAN_DIGITS..=longest).rev().find(|end| {
            let number: String = digits[start..*end].iter().map(|at| chars[*at]).collect();
            !number.starts_with('0') && crypto::luhn::is_valid(&number)
        }) else {
            continue;
        };
        digits[start..end - SHOWN_DIGITS].iter().for_each(|at| masked[*at] = '*');
    }
}

#[cfg(test)]
mod tests {
    use super::{mask_pans, mask_written_pans};

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        for (written, masked) in [
            ("card 4000 9900 1234 5678.", "card **** **** **** 5678."),
            ("4000-9900-1234-5678", "****-****-****-5678"),
            ("4000.9900/1234 5678", "****.****/**** 5678"),
            ("ref004000990012345678", "ref00************5678"),
            ("4000990012345678", "************5678"),
            ("ticket 2026-11-30 12:15, 4000", "ticket 2026-11-30 12:15, 4000"),
            ("né 4000990012345679", "né 4000990012345679"),
            ("", ""),
        ] {
            assert_eq!(mask_written_pans(written), masked);
        }
    }

    #[test]
    fn card_numbers_keep_their_last_four_digits_only() {
        assert_eq!(mask_pans("pan 4111111111111111!"), "pan ************1111!");
        assert_eq!(mask_pans("4111111111111112 é 12"), "4111111111111112 é 12");
        assert_eq!(mask_pans(""), "");
    }
}
