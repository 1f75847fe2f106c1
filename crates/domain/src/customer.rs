//! A cardholder, and the form of a phone number.

use thiserror::Error;

use crate::{CustomerId, EnterpriseId, Timestamp};

/// A cardholder of one enterprise. At least one of e-mail and phone is given, except for a card of
/// dialect 2: its holder's contact data is sealed with the card, and no later card is matched to
/// the same customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub customer_id: CustomerId,
    /// The enterprise's own reference, unique per enterprise.
    pub customer_ref: Option<String>,
    /// E-mail in lower case, as displayed and used for mail; unique per enterprise in the form of
    /// [`email_key`](crate::email_key).
    pub email: Option<String>,
    /// Phone in E.164 form (`+8613800138000`), unique per enterprise.
    pub phone: Option<String>,
    /// The country as the caller wrote it (alpha-2, alpha-3 or dialling code).
    pub phone_country_code: Option<String>,
    /// Created.
    pub created_at: Timestamp,
    /// Last changed.
    pub modified_at: Timestamp,
}

/// A text that is not a phone number even after normalising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an E.164 phone number")]
pub struct PhoneError;

/// Countries where a leading zero is part of the national number rather than a trunk prefix: Italy
/// and the Vatican, San Marino, Ivory Coast, Congo.
const KEEPING_ZERO: [&str; 4] = ["39", "378", "225", "242"];

/// Longest national number, in digits without trunk prefix, of countries whose national numbers may
/// begin with the country's own dialling code (according to their numbering plans). For other
/// countries such a number is taken as it is.
const MOST_NATIONAL_DIGITS: [(&str, usize); 42] = [
    ("1", 10),
    ("7", 10),
    ("20", 10),
    ("27", 9),
    ("30", 10),
    ("31", 9),
    ("32", 9),
    ("33", 9),
    ("34", 9),
    ("41", 9),
    ("44", 10),
    ("45", 8),
    ("46", 9),
    ("47", 8),
    ("48", 9),
    ("52", 10),
    ("55", 11),
    ("60", 10),
    ("61", 9),
    ("62", 11),
    ("63", 10),
    ("64", 10),
    ("65", 8),
    ("66", 9),
    ("81", 10),
    ("82", 10),
    ("84", 10),
    ("86", 11),
    ("90", 10),
    ("91", 10),
    ("92", 10),
    ("94", 9),
    ("95", 10),
    ("351", 9),
    ("353", 9),
    ("673", 7),
    ("852", 8),
    ("853", 8),
    ("855", 9),
    ("886", 9),
    ("966", 9),
    ("971", 9),
];

/// Brings a phone number to E.164: blanks, hyphens, dots and brackets are dropped, a leading `00`
/// is read as `+`, and a national number gets `dialling_prefix` (digits) in place of its trunk
/// zero. A number that begins with that prefix and is too long for a national one already contains
/// it: all forms are accepted (cardbridge-open-api.md section 13, C11). Only syntax is checked
/// (operator-and-sandbox.md section 5, Orders).
///
/// # Errors
/// The result is not `+` and 7 to 15 digits that begin with 1 to 9.
pub fn normalise_phone(phone: &str, dialling_prefix: Option<&str>) -> Result<String, PhoneError> {
    let compact: String =
        phone.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let digits = if let Some(rest) = compact.strip_prefix('+') {
        rest.to_owned()
    } else if let Some(rest) = compact.strip_prefix("00") {
        rest.to_owned()
    } else {
        let prefix = dialling_prefix.ok_or(PhoneError)?;
        if has_prefix(&compact, prefix) {
            return international(compact);
        }
        let trunk = if KEEPING_ZERO.contains(&prefix) { "" } else { "0" };
        format!("{prefix}{}", compact.strip_prefix(trunk).unwrap_or(&compact))
    };
    international(digits)
}

/// True if digits without a `+` are nevertheless an international number.
fn has_prefix(digits: &str, prefix: &str) -> bool {
    let most = MOST_NATIONAL_DIGITS.iter().find(|(known, _)| *known == prefix);
    most.is_some_and(|(_, most)| digits.starts_with(prefix) && digits.len() > *most)
}

fn international(digits: String) -> Result<String, PhoneError> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if !plain || !(7..=15).contains(&digits.len()) {
        return Err(PhoneError);
    }
    Ok(format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_become_e164() {
        assert_eq!(normalise_phone("+86 138-0013-8000", None).as_deref(), Ok("+8613800138000"));
        assert_eq!(normalise_phone("008613800138000", None).as_deref(), Ok("+8613800138000"));
        assert_eq!(normalise_phone("0122765673", Some("60")).as_deref(), Ok("+60122765673"));
        for (given, prefix, expected) in [
            ("60122765673", "60", "+60122765673"),
            ("6581234567", "65", "+6581234567"),
            ("65123456", "65", "+6565123456"),
            ("8613800138000", "86", "+8613800138000"),
            ("1 (212) 555-0100", "1", "+12125550100"),
            ("919123456789", "91", "+919123456789"),
            ("9123456789", "91", "+919123456789"),
            ("7012345678", "7", "+77012345678"),
            ("55991234567", "55", "+5555991234567"),
            ("0601234567", "60", "+60601234567"),
        ] {
            assert_eq!(normalise_phone(given, Some(prefix)).as_deref(), Ok(expected), "{given}");
        }
        for bad in [
            "",
            "+",
            "+0123456789",
            "12345",
            "+12345",
            "+1234567890123456",
            "+12345abc",
            "122765673",
        ] {
            assert_eq!(normalise_phone(bad, None), Err(PhoneError), "{bad}");
        }
    }
}
