//! What can be wrong with a message (network-iso8583.md section 2.6).

use std::fmt;

use thiserror::Error;

use crate::message::Message;

/// What is wrong. The names are those of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// It ends inside an element.
    #[error("truncated")]
    Truncated,
    /// The message type is not four digits.
    #[error("bad_mti")]
    BadMti,
    /// The version digit is not that of the packager's dialect.
    #[error("unsupported_version")]
    UnsupportedVersion,
    /// A bitmap is not hexadecimal.
    #[error("bad_bitmap")]
    BadBitmap,
    /// The bit of the tertiary bitmap is set.
    #[error("reserved_bit")]
    ReservedBit,
    /// The link does not take the field.
    #[error("disabled_field")]
    DisabledField,
    /// A length is not a number.
    #[error("bad_length")]
    BadLength,
    /// The value is longer than the format.
    #[error("too_long")]
    TooLong,
    /// The value is shorter than the format.
    #[error("too_short")]
    TooShort,
    /// Something else where a digit should be.
    #[error("not_numeric")]
    NotNumeric,
    /// The sign is neither `C` nor `D`.
    #[error("bad_sign")]
    BadSign,
    /// Bytes are not written as pairs of hexadecimal digits.
    #[error("bad_hex")]
    BadHex,
    /// A character that the format does not have.
    #[error("bad_character")]
    BadCharacter,
    /// Bytes follow the last field.
    #[error("trailing_bytes")]
    TrailingBytes,
}

/// A message that cannot be decoded.
#[derive(Error)]
#[error("{fault} in field {field} at byte {offset}")]
pub struct DecodeError {
    /// What is wrong.
    pub fault: Fault,
    /// The field; 1 for the bitmaps, 0 for the message type and for what follows the last field.
    pub field: u8,
    /// Where, in bytes from the message type.
    pub offset: usize,
    /// What was decoded before the fault; `None` if the message type was not.
    pub decoded: Option<Message>,
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A message that cannot be encoded: a fault of who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{fault} in field {field}")]
pub struct EncodeError {
    /// What is wrong.
    pub fault: Fault,
    /// The field; 0 for the message type.
    pub field: u8,
}
