//! A customer's contact data: the syntax of e-mail addresses and phone numbers, and nothing more
//! (operator-and-sandbox.md section 5, Orders).

use domain::{ascii_domain, holds_invisible, lower_email, normalise_phone};
use wire::dialling;

use crate::CardsError;

/// Longest e-mail address (RFC 5321 section 4.5.3.1.3, less the angle brackets).
const MAX_EMAIL_BYTES: usize = 254;
/// Longest part before the `@` (RFC 5321 section 4.5.3.1.1).
const MAX_LOCAL_PART_BYTES: usize = 64;
/// Longest label of a domain name (RFC 1035 section 2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// The e-mail address in lower case and Unicode's form C. Two addresses of one customer may still
/// differ in how their domain is written: `domain::email_key` compares them.
///
/// # Errors
/// It is not `local@domain` with a dot in the domain.
pub fn normalise_email(email: &str) -> Result<String, CardsError> {
    let email = lower_email(email);
    let (local, domain) = email.rsplit_once('@').ok_or(CardsError::EmailInvalid)?;
    let ascii_domain = ascii_domain(domain).ok_or(CardsError::EmailInvalid)?;
    let label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let plain = |c: char| !c.is_whitespace() && !r#"@,;:<>()[]"\"#.contains(c);
    let local_is_valid = (1..=MAX_LOCAL_PART_BYTES).contains(&local.len())
        && local.chars().all(plain)
        && local.split('.').all(|part| !part.is_empty());
    let domain_is_valid = ascii_domain.contains('.') && ascii_domain.split('.').all(label);
    let longest_bytes = email.len().max(local.len() + 1 + ascii_domain.len());
    if longest_bytes > MAX_EMAIL_BYTES
        || holds_invisible(&email)
        || !local_is_valid
        || !domain_is_valid
    {
        return Err(CardsError::EmailInvalid);
    }
    Ok(email)
}

/// The phone number in E.164 form. The country, as alpha-2, alpha-3 or dialling code (`86`, `+86`),
/// completes a national number; with an international one it is only checked to be a country. Both
/// occur in official samples (cardbridge-open-api.md section 13, C11).
///
/// # Errors
/// Number or country is ill-formed.
pub fn normalise_phone_of(phone: &str, country_code: Option<&str>) -> Result<String, CardsError> {
    let dialling = country_code
        .map(|code| dialling::parse(code).ok_or(CardsError::PhoneInvalid))
        .transpose()?;
    normalise_phone(phone, dialling).map_err(|_| CardsError::PhoneInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_lower_cased_and_checked_for_syntax() {
        for (given, expected) in [
            ("Jane.Doe+x@Example.COM", "jane.doe+x@example.com"),
            (" a@b.co ", "a@b.co"),
            ("o'neil@mail.example.org", "o'neil@mail.example.org"),
            ("JOSE\u{301}@BU\u{308}CHER.example", "jos\u{e9}@b\u{fc}cher.example"),
        ] {
            assert_eq!(normalise_email(given).unwrap(), expected);
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "a",
            "@b.co",
            "a@",
            "a@b",
            "a b@c.de",
            "a@b..de",
            "a@-b.de",
            "a@@b.de",
            "a.@b.de",
            "a@b.de,c@d.ef",
            "a\n@b.de",
            "a@b_c.de",
            "a@xn--a.de",
            "a@b\u{200b}.de",
            "a\u{200b}@b.de",
            &long,
        ] {
            assert!(matches!(normalise_email(bad), Err(CardsError::EmailInvalid)), "{bad}");
        }
    }

    #[test]
    fn phones_take_a_dialling_code_or_a_country() {
        for (phone, country, expected) in [
            ("+8613800138000", Some("86"), "+8613800138000"),
            ("13800138000", Some("+86"), "+8613800138000"),
            ("+60122765673", Some("MY"), "+60122765673"),
            ("+60122765673", Some("MYS"), "+60122765673"),
            ("0060122765673", None, "+60122765673"),
            ("122765673", Some("MY"), "+60122765673"),
            ("012-276 5673", Some("mys"), "+60122765673"),
            ("13800138000", Some("CN"), "+8613800138000"),
            ("06 698 12345", Some("IT"), "+390669812345"),
        ] {
            assert_eq!(normalise_phone_of(phone, country).unwrap(), expected);
        }
        for (phone, country) in
            [("13800138000", None), ("+8613800138000", Some("??")), ("12", Some("86"))]
        {
            let refused = normalise_phone_of(phone, country);
            assert!(matches!(refused, Err(CardsError::PhoneInvalid)), "{phone} {country:?}");
        }
    }
}
