//! A cardholder, and the form of a phone number.

use thiserror::Error;

use crate::{CustomerId, EnterpriseId, Timestamp};

/// A cardholder of one enterprise. At least one of e-mail and phone is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub customer_id: CustomerId,
    /// The enterprise's own reference, unique per enterprise.
    pub customer_ref: Option<String>,
    /// E-mail, lower-cased, unique per enterprise.
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

/// A text that is no phone number even after normalising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an E.164 phone number")]
pub struct PhoneError;

/// Where a leading zero is part of the national number rather than a trunk prefix: Italy
/// and the Vatican, San Marino, Ivory Coast, Congo.
const KEEPING_ZERO: [&str; 4] = ["39", "378", "225", "242"];

/// Brings a phone number to E.164: blanks, hyphens, dots and brackets dropped, a
/// leading `00` read as `+`, and `dialling_prefix` (digits) put before a national
/// number, without its trunk zero. Only syntax is checked (operator-and-sandbox.md section 5, Orders).
///
/// # Errors
/// What is left is not `+` and 7 to 15 digits that begin with 1 to 9.
pub fn normalise_phone(phone: &str, dialling_prefix: Option<&str>) -> Result<String, PhoneError> {
    let compact: String =
        phone.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let digits = if let Some(rest) = compact.strip_prefix('+') {
        rest.to_owned()
    } else if let Some(rest) = compact.strip_prefix("00") {
        rest.to_owned()
    } else {
        let prefix = dialling_prefix.ok_or(PhoneError)?;
        let trunk = if KEEPING_ZERO.contains(&prefix) { "" } else { "0" };
        format!("{prefix}{}", compact.strip_prefix(trunk).unwrap_or(&compact))
    };
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
