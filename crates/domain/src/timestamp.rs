//! A moment, in microseconds, and its text forms.

use std::fmt;

use jiff::tz::{Offset, TimeZone};
use serde::Serialize;

const MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A moment: microseconds since 1970-01-01T00:00:00Z. Stored as this number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The offset of UTC+8 from UTC, in seconds.
    pub const UTC8_SECONDS: i64 = 8 * 3_600;

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment, moved by milliseconds; saturates at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1000)))
    }

    /// This moment, moved by whole seconds; saturates at the ends of the range.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds from `earlier` to this moment.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0) / 1000
    }

    /// Dialect 1's text, `2025-01-15T10:30:00+08:00`: seconds, always UTC+8
    /// (cardbridge-open-api.md section 1).
    #[must_use]
    pub fn to_utc8(self) -> String {
        let at = self.in_utc8();
        let year = at.year().unsigned_abs();
        let pairs = [year / 100, year % 100].into_iter().chain(
            [at.month(), at.day(), at.hour(), at.minute(), at.second()]
                .map(|part| u16::from(part.unsigned_abs())),
        );
        // Written digit by digit: a large file has a million of them.
        let mut text = *b"0000-00-00T00:00:00+08:00";
        for (pair, at) in pairs.zip([0, 2, 5, 8, 11, 14, 17]) {
            text[at] = b'0' + (pair / 10 % 10) as u8;
            text[at + 1] = b'0' + (pair % 10) as u8;
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The text form of Java's `ZonedDateTime`, `2024-10-21T16:52+08:00[Asia/Shanghai]`: whole
    /// seconds, omitted if they are zero (cardbridge-open-api.md section 1).
    #[must_use]
    pub fn to_zoned_text(self) -> String {
        let date = self.in_utc8();
        let time = if date.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
        format!("{}+08:00[Asia/Shanghai]", date.strftime(time))
    }

    /// Day in UTC+8 as `yyyyMMdd`, the day of limits and of daily files.
    #[must_use]
    pub fn utc8_day(self) -> String {
        self.in_utc8().strftime("%Y%m%d").to_string()
    }

    /// Days in UTC+8 since 1970-01-01: the same number for all moments of a day.
    #[must_use]
    pub const fn utc8_day_number(self) -> i64 {
        self.day_number_at(Self::UTC8_SECONDS)
    }

    /// The first moment of this moment's day in UTC+8.
    #[must_use]
    pub const fn utc8_day_start(self) -> Self {
        let local = self.utc8_day_number().saturating_mul(DAY_MICROS);
        Self(local.saturating_sub(Self::UTC8_SECONDS * MICROS))
    }

    /// Days since 1970-01-01 at an offset of `offset_seconds` from UTC.
    #[must_use]
    pub const fn day_number_at(self, offset_seconds: i64) -> i64 {
        self.0.saturating_add(offset_seconds.saturating_mul(MICROS)).div_euclid(DAY_MICROS)
    }

    /// The number ([`Self::day_number_at`]) of the first day of this moment's month.
    #[must_use]
    pub fn month_first_day_number_at(self, offset_seconds: i64) -> i64 {
        // Uses the UTC+8 calendar at a moment that has the same date there.
        self.plus_seconds(offset_seconds - Self::UTC8_SECONDS).utc8_month_first_day_number()
    }

    /// The number ([`Self::utc8_day_number`]) of a day written `yyyy-MM-dd`.
    #[must_use]
    pub fn day_number_of(text: &str) -> Option<i64> {
        let date = jiff::civil::Date::strptime("%Y-%m-%d", text).ok()?;
        let start = date.to_zoned(utc8()).ok()?;
        Some(Self(start.timestamp().as_microsecond()).utc8_day_number())
    }

    /// The number ([`Self::utc8_day_number`]) of the first day of this moment's month.
    #[must_use]
    pub fn utc8_month_first_day_number(self) -> i64 {
        self.utc8_day_number() - i64::from(self.in_utc8().day()) + 1
    }

    /// Year and month in UTC+8, for expiry dates and monthly limits.
    #[must_use]
    pub fn utc8_year_month(self) -> (i16, i8) {
        let date = self.in_utc8();
        (date.year(), date.month())
    }

    /// The first moment, in UTC+8, of the month `months` after this one's.
    #[must_use]
    pub fn utc8_month_start_after(self, months: i32) -> Self {
        let (year, month) = self.utc8_year_month();
        let index = i32::from(year) * 12 + i32::from(month) - 1 + months;
        let first = jiff::civil::Date::new(
            i16::try_from(index.div_euclid(12)).unwrap_or(i16::MAX).min(9999),
            i8::try_from(index.rem_euclid(12) + 1).unwrap_or(1),
            1,
        )
        .ok()
        .and_then(|date| date.to_zoned(utc8()).ok());
        first.map_or(self, |zoned| Self(zoned.timestamp().as_microsecond()))
    }

    /// Reads RFC 3339 text.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }

    fn in_utc8(self) -> jiff::Zoned {
        self.to_jiff().to_zoned(utc8())
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

fn utc8() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// RFC 3339 in UTC with milliseconds, the form used by the operator API.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_two_dialects() {
        let moment = Timestamp::parse_rfc3339("2025-01-15T02:30:00Z").unwrap();
        assert_eq!(moment.to_utc8(), "2025-01-15T10:30:00+08:00");
        assert_eq!(moment.to_string(), "2025-01-15T02:30:00.000Z");
        assert_eq!(moment.to_zoned_text(), "2025-01-15T10:30+08:00[Asia/Shanghai]");
        let next = moment.plus_seconds(1).to_zoned_text();
        assert_eq!(next, "2025-01-15T10:30:01+08:00[Asia/Shanghai]");
        assert_eq!(moment.plus_seconds(14 * 3600).utc8_day(), "20250116");
    }

    #[test]
    fn months_are_counted_in_utc8() {
        let moment = Timestamp::parse_rfc3339("2025-11-30T20:00:00Z").unwrap();
        assert_eq!(moment.utc8_year_month(), (2025, 12));
        assert_eq!(moment.utc8_month_start_after(1).to_utc8(), "2026-01-01T00:00:00+08:00");
        assert_eq!(moment.utc8_month_start_after(49).to_utc8(), "2030-01-01T00:00:00+08:00");
    }
}
