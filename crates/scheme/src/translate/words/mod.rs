//! What each dialect says in its own words (network-iso8583.md section 2.5). Nothing else of the
//! translation tells the dialects apart.

mod iso1987;
mod iso1993;
mod terms;

use iso8583::Message;

pub(crate) use terms::{ManagementWords, Topic};
pub(super) use terms::{ServiceCode, TakenBack, Words};

/// The words of the dialect whose messages have this version digit.
pub(super) fn words(version: u8) -> &'static dyn Words {
    if version == 0 { &iso1987::Iso1987 } else { &iso1993::Iso1993 }
}

/// The words of a message.
pub(super) fn words_of(message: &Message) -> &'static dyn Words {
    words(message.mti().version())
}

/// How messages of this version speak of the connection itself.
pub(crate) fn management_words(version: u8) -> &'static ManagementWords {
    words(version).management()
}
