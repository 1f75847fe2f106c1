//! Times inside the envelope: `YYYY-MM-DD HH:MM:SS` at a configured offset from UTC, which the text
//! does not show (vm-api.md section 8).

use domain::Timestamp;

/// Largest offset on Earth, in minutes.
const MAX_OFFSET_MINUTES: i32 = 14 * 60;

/// Days that texts can name although their end is too late to be read as a moment; clients write
/// them for "no end".
const LAST_DAYS: [&str; 2] = ["9999-12-30", "9999-12-31"];
/// The day before them.
const DAY_BEFORE_LAST: &str = "9999-12-29";
const SECONDS_PER_DAY: i64 = 86_400;

/// The difference of this dialect's clock from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offset {
    minutes: i32,
}

impl Offset {
    /// The offset of so many minutes east of UTC; `None` if no place on Earth has it.
    #[must_use]
    pub const fn from_minutes(minutes: i32) -> Option<Self> {
        if minutes.unsigned_abs() > MAX_OFFSET_MINUTES.unsigned_abs() {
            return None;
        }
        Some(Self { minutes })
    }

    /// Reads a difference from UTC such as `+08:00` or `-03:30`.
    #[must_use]
    pub fn parse_difference(text: &str) -> Option<Self> {
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = rest.split_once(':')?;
        let number = |part: &str| {
            let is_plain = part.len() == 2 && part.bytes().all(|it| it.is_ascii_digit());
            part.parse::<i32>().ok().filter(|_| is_plain)
        };
        let (hours, minutes) = (number(hours)?, number(minutes).filter(|it| *it < 60)?);
        Self::from_minutes(sign * (hours * 60 + minutes))
    }

    /// Seconds east of UTC.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.minutes as i64 * 60
    }

    /// The text of a moment.
    #[must_use]
    pub fn text(self, moment: Timestamp) -> String {
        let local = moment.plus_seconds(self.seconds()).to_string();
        // `YYYY-MM-DDTHH:MM:SS.mmmZ`
        format!("{} {}", &local[..10], &local[11..19])
    }

    /// The first moment of the second that a text names.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<Timestamp> {
        let (date, time) = text.split_once(' ')?;
        let is_plain = |part: &str, length: usize, sign: u8| {
            part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || b == sign)
        };
        if !is_plain(date, 10, b'-') || !is_plain(time, 8, b':') {
            return None;
        }
        let days_later = LAST_DAYS.iter().zip(1..).find(|(day, _)| **day == date);
        let date = if days_later.is_some() { DAY_BEFORE_LAST } else { date };
        let utc = Timestamp::parse_rfc3339(&format!("{date}T{time}Z"))?;
        let utc = utc.plus_seconds(days_later.map_or(0, |(_, days)| days * SECONDS_PER_DAY));
        Some(utc.plus_seconds(-self.seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_at_the_offset() {
        let moment = Timestamp::parse_rfc3339("2030-01-02T23:04:05Z").unwrap();
        assert_eq!(Offset::default().text(moment), "2030-01-02 23:04:05");
        let east = Offset::from_minutes(8 * 60).unwrap();
        assert_eq!(east.text(moment), "2030-01-03 07:04:05");
        assert_eq!(east.parse("2030-01-03 07:04:05"), Some(moment));
        for bad in
            ["", "2030-01-03", "2030-01-03T07:04:05", "2030-13-03 07:04:05", "2030-1-3 7:4:5"]
        {
            assert_eq!(east.parse(bad), None, "{bad}");
        }
        assert!(Offset::from_minutes(15 * 60).is_none());
        let last = east.parse("9999-12-31 23:59:59").unwrap();
        assert!(last > east.parse("9999-12-30 23:59:59").unwrap());
        assert_eq!(east.parse("9999-12-31 24:00:00"), None);
    }

    #[test]
    fn a_difference_is_read_as_it_is_written() {
        for (text, minutes) in [("+00:00", 0), ("+08:00", 480), ("-03:30", -210), ("+14:00", 840)] {
            assert_eq!(Offset::parse_difference(text), Offset::from_minutes(minutes), "{text}");
        }
        for bad in ["", "8", "+8:00", "08:00", "+08", "+08:60", "+14:01", "Z", "+0a:00", "é08:00"]
        {
            assert_eq!(Offset::parse_difference(bad), None, "{bad}");
        }
    }
}
