//! Times inside the envelope: `YYYY-MM-DD HH:MM:SS` at a configured offset from UTC, without
//! saying so (vm-api.md section 8).

use domain::Timestamp;

/// Largest offset there is on Earth, in minutes.
const MAX_OFFSET_MINUTES: i32 = 14 * 60;

/// How far this dialect's clock is from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offset {
    minutes: i32,
}

impl Offset {
    /// So many minutes east of UTC; none if no place on Earth is.
    #[must_use]
    pub const fn from_minutes(minutes: i32) -> Option<Self> {
        if minutes.unsigned_abs() > MAX_OFFSET_MINUTES.unsigned_abs() {
            return None;
        }
        Some(Self { minutes })
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
        let utc = Timestamp::parse_rfc3339(&format!("{date}T{time}Z"))?;
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
    }
}
