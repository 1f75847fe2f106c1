//! The dates and times of messages (network-iso8583.md section 2.6).

use iso8583::Message;

use super::codes::Refusal;
use super::field;

/// Dates and times exist.
pub(super) fn require_times(message: &Message) -> Result<(), Refusal> {
    let wrong = |number: u8| Err(Refusal::Format(number));
    for (number, is_right) in [
        (field::TRANSMITTED_AT, is_date_and_time as fn(&str) -> bool),
        (field::LOCAL_TIME, is_time),
        (field::LOCAL_DATE, is_date),
    ] {
        if message.text(number).is_some_and(|text| !is_right(text)) {
            return wrong(number);
        }
    }
    Ok(())
}

/// MMDDhhmmss.
fn is_date_and_time(text: &str) -> bool {
    text.split_at_checked(4).is_some_and(|(date, time)| is_date(date) && is_time(time))
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
fn is_time(text: &str) -> bool {
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
