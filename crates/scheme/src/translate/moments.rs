//! The dates and times of messages (network-iso8583.md section 2.6).

use iso8583::Message;

use super::codes::Refusal;
use super::dates::is_date_and_time;
use super::field;
use super::words::words_of;

/// Dates and times exist.
pub(super) fn require_times(message: &Message) -> Result<(), Refusal> {
    if message.text(field::TRANSMITTED_AT).is_some_and(|text| !is_date_and_time(text)) {
        return Err(Refusal::Format(field::TRANSMITTED_AT));
    }
    words_of(message).check_local_time(message)
}
