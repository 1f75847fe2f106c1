//! The expiry date printed on a card.

use domain::Timestamp;

/// Expiry as YYMM, the month before `valid_until`: a card is valid to the end of its
/// expiry month, so `valid_until` is the first moment after it in UTC+8
/// (operator-and-sandbox.md section 5).
#[must_use]
pub fn expiry_yymm(valid_until: Timestamp) -> String {
    let (year, month) = valid_until.plus_millis(-1).utc8_year_month();
    format!("{:02}{month:02}", year.rem_euclid(100))
}

/// An expiry as YYMM from YYMM or MM/YY; the month must exist.
#[must_use]
pub fn parse_expiry(text: &str) -> Option<String> {
    let yymm = match text.split_once('/') {
        Some((month, year)) if month.len() == 2 => format!("{year}{month}"),
        Some(_) => return None,
        None => text.to_owned(),
    };
    let plain = yymm.len() == 4 && yymm.bytes().all(|b| b.is_ascii_digit());
    let month_exists = plain && (1..=12).contains(&yymm[2..].parse::<u8>().ok()?);
    month_exists.then_some(yymm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_the_last_month_in_which_the_card_is_valid() {
        for (valid_until, expiry) in [
            ("2030-01-01T00:00:00+08:00", "2912"),
            ("2029-12-31T16:00:00Z", "2912"),
            ("2030-02-01T00:00:00+08:00", "3001"),
            ("2100-04-01T00:00:00+08:00", "0003"),
        ] {
            let moment = Timestamp::parse_rfc3339(valid_until).unwrap();
            assert_eq!(expiry_yymm(moment), expiry, "{valid_until}");
        }
    }

    #[test]
    fn both_spellings_of_an_expiry_are_read() {
        assert_eq!(parse_expiry("2912").as_deref(), Some("2912"));
        assert_eq!(parse_expiry("12/29").as_deref(), Some("2912"));
        for bad in ["", "2913", "2900", "13/29", "1/29", "12/2029", "12-29", "29 1", "/2912", "é12"]
        {
            assert_eq!(parse_expiry(bad), None, "{bad}");
        }
    }
}
