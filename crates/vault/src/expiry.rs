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
}
