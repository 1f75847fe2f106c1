//! Business days and the two reconciliation files of each
//! (cardbridge-open-api.md section 10).

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use thiserror::Error;

use crate::text::text_enum;
use crate::{
    AuthId, AuthType, CardId, CustomerId, Direction, ErrorCode, Merchant, Money, OutsId, Timestamp,
    TransactionType,
};

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// UTC+8.
const OFFSET_S: i64 = 8 * 60 * 60;

text_enum! {
    /// The two reconciliation files of a day.
    SettlementFileType {
        /// Money that moved for good, by the moment it was posted.
        Transaction = "transaction",
        /// Decided authorisations, by the moment they arrived.
        Authorisation = "authorisation",
    }
}

/// A decided authorisation as a reconciliation file shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorisationRow {
    /// Id.
    pub auth_id: AuthId,
    /// The cardholder.
    pub customer_id: CustomerId,
    /// The card.
    pub card_id: CardId,
    /// Direction of the money.
    pub direction: Direction,
    /// Kind.
    pub auth_type: AuthType,
    /// The network's transaction type.
    pub transaction_type: TransactionType,
    /// Amount in the billing currency.
    pub amount: Money,
    /// Amount as the shop asked for it.
    pub acquirer_amount: Money,
    /// The authorisation that this one increments, reverses or refunds.
    pub original_auth_id: Option<AuthId>,
    /// The bill it belongs to.
    pub outs_id: OutsId,
    /// Approved or declined.
    pub is_approved: bool,
    /// Reason for a decline.
    pub reject_reason: Option<ErrorCode>,
    /// The shop.
    pub merchant: Merchant,
    /// When it arrived.
    pub created_at: Timestamp,
}

/// A text that is not a `yyyyMMdd` day from 1970 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a yyyyMMdd day")]
pub struct DayError;

/// A business day: 00:00 to 24:00 in UTC+8 (cardbridge-open-api.md section 10). Counted from
/// 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusinessDay(i64);

impl BusinessDay {
    /// The day of a moment.
    #[must_use]
    pub const fn of(moment: Timestamp) -> Self {
        let seconds = moment.as_micros().div_euclid(1_000_000).saturating_add(OFFSET_S);
        Self(seconds.div_euclid(SECONDS_PER_DAY))
    }

    /// From the stored number: days since 1970-01-01.
    #[must_use]
    pub const fn from_i64(days: i64) -> Self {
        Self(days)
    }

    /// The stored number.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// Its first moment.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        let seconds = self.0.saturating_mul(SECONDS_PER_DAY).saturating_sub(OFFSET_S);
        Timestamp::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// The first moment after it.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl FromStr for BusinessDay {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DayError);
        }
        let number = |part: &str| part.parse::<i16>().map_err(|_| DayError);
        let (month, day) = (number(&text[4..6])?, number(&text[6..])?);
        let narrow = |number: i16| i8::try_from(number).map_err(|_| DayError);
        let date =
            Date::new(number(&text[..4])?, narrow(month)?, narrow(day)?).map_err(|_| DayError)?;
        let start = date
            .to_zoned(TimeZone::fixed(Offset::constant(8)))
            .map_err(|_| DayError)?
            .timestamp()
            .as_microsecond();
        let day = Self::of(Timestamp::from_micros(start));
        if day.0 < 0 { Err(DayError) } else { Ok(day) }
    }
}

/// `yyyyMMdd`.
impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.start().utc8_day())
    }
}

impl fmt::Debug for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_midnight_to_midnight_in_utc8() {
        let day: BusinessDay = "20250115".parse().unwrap();
        assert_eq!(day.start().to_utc8(), "2025-01-15T00:00:00+08:00");
        assert_eq!(day.end().to_utc8(), "2025-01-16T00:00:00+08:00");
        assert_eq!(BusinessDay::of(day.start()), day);
        assert_eq!(BusinessDay::of(Timestamp::from_micros(day.end().as_micros() - 1)), day);
        assert_eq!(BusinessDay::of(day.end()), day.next());
        assert_eq!(day.next().to_string(), "20250116");
    }

    #[test]
    fn only_days_of_the_calendar_are_days() {
        for bad in ["", "2025011", "202501150", "20250230", "20251301", "2025-1-1", "19691231"] {
            assert_eq!(bad.parse::<BusinessDay>(), Err(DayError), "{bad}");
        }
        assert_eq!("20240229".parse::<BusinessDay>().unwrap().to_string(), "20240229");
        assert_eq!("99991231".parse::<BusinessDay>().unwrap().to_string(), "99991231");
    }
}
