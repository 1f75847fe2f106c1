//! Dates and times of messages: whether they exist, and the years that they leave out.

/// A year of months with 31 days: dates compare by their place in it.
const PLACES_A_YEAR: i32 = 12 * 31;
/// Years of a century.
const CENTURY: i32 = 100;

/// MMDDhhmmss.
pub(super) fn is_date_and_time(text: &str) -> bool {
    text.split_at_checked(4).is_some_and(|(date, time)| is_date(date) && is_time(time))
}

/// YYMMDDhhmmss.
pub(super) fn is_whole_date_and_time(text: &str) -> bool {
    let Some((year, rest)) = text.split_at_checked(2) else { return false };
    // The years from 1901 to 2099 are leap years by their last two digits.
    let is_leap = year.parse::<u8>().is_ok_and(|it| it.is_multiple_of(4));
    is_date_and_time(rest) && (is_leap || !rest.starts_with("0229"))
}

/// MMDD; 29 February exists, since the year is not known.
pub(super) fn is_date(text: &str) -> bool {
    let Some([month, day]) = pairs(text) else { return false };
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// hhmmss.
pub(super) fn is_time(text: &str) -> bool {
    pairs(text).is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second < 60)
}

/// That many pairs of digits, and nothing else.
fn pairs<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut numbers = [0; N];
    for (number, pair) in numbers.iter_mut().zip(text.as_bytes().chunks(2)) {
        *number = std::str::from_utf8(pair).ok()?.parse().ok()?;
    }
    Some(numbers)
}

/// A date and time that begin with MMDD, with the year that brings them nearest to `now`, a text
/// that begins with a date YYYY-MM-DD.
pub(crate) fn with_year(moment: &str, now: &str) -> Option<String> {
    let year = year_of(moment.get(..4)?, now)?;
    Some(format!("{year:04}{moment}"))
}

/// A date and time that begin with YY, with the century that brings them nearest to `now`.
pub(super) fn with_century(moment: &str, now: &str) -> Option<String> {
    let year: i32 = moment.get(..2)?.parse().ok()?;
    let current: i32 = now.get(..4)?.parse().ok()?;
    let same = current - current.rem_euclid(CENTURY) + year;
    let year = nearest(same, same - current, CENTURY, CENTURY);
    Some(format!("{year:04}{}", moment.get(2..)?))
}

/// The year of a date MMDD that is nearest to `now`.
fn year_of(date: &str, now: &str) -> Option<i32> {
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i32>().ok();
    let place = |month: i32, day: i32| month * 31 + day;
    let own = place(number(date, 0, 2)?, number(date, 2, 4)?);
    let current = place(number(now, 5, 7)?, number(now, 8, 10)?);
    Some(nearest(number(now, 0, 4)?, own - current, PLACES_A_YEAR, 1))
}

/// `year`, or the one a step before or after it if `ahead` of a period is more than half of that.
const fn nearest(year: i32, ahead: i32, period: i32, step: i32) -> i32 {
    match ahead {
        later if later > period / 2 => year - step,
        earlier if earlier < -period / 2 => year + step,
        _ => year,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_the_year_that_brings_it_nearest() {
        for (date, now, year) in [
            ("1231", "2027-01-01", 2026),
            ("0101", "2026-12-31", 2027),
            ("0229", "2027-01-15", 2027),
            ("0601", "2026-11-29", 2026),
            ("0605", "2026-11-29", 2026),
            ("0501", "2026-11-29", 2027),
        ] {
            assert_eq!(year_of(date, now), Some(year), "{date} at {now}");
        }
        assert_eq!(year_of("x", "2026-11-29"), None);
        assert_eq!(with_year("1129120001", "2026-11-29").as_deref(), Some("20261129120001"));
    }

    #[test]
    fn a_year_has_the_century_that_brings_it_nearest() {
        for (moment, now, wanted) in [
            ("261129200001", "2026-11-29", "20261129200001"),
            ("991231235959", "2100-01-01", "20991231235959"),
            ("000101000000", "2099-12-31", "21000101000000"),
            ("000101000000", "2026-01-01", "20000101000000"),
        ] {
            assert_eq!(with_century(moment, now).as_deref(), Some(wanted), "{moment} at {now}");
        }
        assert_eq!(with_century("", "2026-11-29"), None);
    }

    #[test]
    fn a_whole_date_knows_its_leap_years() {
        assert!(is_whole_date_and_time("280229235959") && is_whole_date_and_time("261129200001"));
        for text in ["260229000000", "261329000000", "261129240000", "26112920000", "", "2é1129"] {
            assert!(!is_whole_date_and_time(text), "{text}");
        }
    }
}
