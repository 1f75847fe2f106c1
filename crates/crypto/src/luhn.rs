//! The Luhn check digit of PANs (ISO/IEC 7812-1 annex B).

/// The check digit (0 to 9) that completes `digits`; `None` if `digits` is empty or contains
/// anything but ASCII digits.
#[must_use]
pub fn check_digit(digits: &str) -> Option<u8> {
    // The digit next to the check digit is doubled.
    Some((10 - sum(digits, 1)? % 10) % 10)
}

/// True if the last of `digits` is the correct check digit for those before it.
#[must_use]
pub fn is_valid(digits: &str) -> bool {
    digits.len() > 1 && sum(digits, 0).is_some_and(|sum| sum % 10 == 0)
}

/// Sum modulo 10 from the right; a digit is doubled when its position plus
/// `offset` is odd.
fn sum(digits: &str, offset: usize) -> Option<u8> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let weigh = |(position, byte): (usize, u8)| match (byte - b'0', (position + offset) % 2) {
        (digit, 0) => digit,
        (digit, _) if digit < 5 => digit * 2,
        (digit, _) => digit * 2 - 9,
    };
    Some(digits.bytes().rev().enumerate().map(weigh).fold(0, |total, digit| (total + digit) % 10))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_numbers_have_their_check_digit() {
        assert_eq!(check_digit("411111111111111"), Some(1));
        assert_eq!(check_digit("7992739871"), Some(3));
        assert!(is_valid("79927398713"));
        for bad in ["", "0", "79927398710", "4111 1111", "٤"] {
            assert!(!is_valid(bad), "{bad}");
        }
        assert_eq!(check_digit(""), None);
        assert_eq!(check_digit("12a"), None);
    }

    proptest! {
        #[test]
        fn exactly_one_last_digit_is_valid(digits in "[0-9]{11,18}") {
            let valid: Vec<u8> =
                (0..10).filter(|digit| is_valid(&format!("{digits}{digit}"))).collect();
            prop_assert_eq!(Some(valid), check_digit(&digits).map(|digit| vec![digit]));
        }
    }
}
