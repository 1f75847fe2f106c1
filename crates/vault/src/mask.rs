//! Keeps card numbers out of the stored excerpts of foreign answers.

/// Fewest digits that count as a card number.
const MIN_PAN_DIGITS: usize = 13;
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

#[cfg(test)]
mod tests {
    use super::mask_pans;

    #[test]
    fn card_numbers_keep_their_last_four_digits_only() {
        assert_eq!(mask_pans("pan 4111111111111111!"), "pan ************1111!");
        assert_eq!(mask_pans("4111111111111112 é 12"), "4111111111111112 é 12");
        assert_eq!(mask_pans(""), "");
    }
}
