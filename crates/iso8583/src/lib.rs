//! ISO 8583: messages of card networks as bytes, without any I/O.
//!
//! A [`Layout`] says how a link's messages are written; [`decode`] and [`encode`] read and write
//! a [`Message`] by it. Nothing here prints a value as it is: messages have no Debug, Display or
//! Serialize and are wiped.

mod answer;
mod codes;
mod decode;
mod describe;
mod encode;
mod fault;
mod field_set;
mod fields;
mod fields_1993;
mod format;
mod frame;
mod layout;
mod mask;
mod message;
pub mod tlv;
mod wiped;
mod word;

pub use answer::{answer_to, answer_to_undecodable, report_format_error};
pub use decode::{Decoded, MacPlace, decode};
pub use describe::{DescribedError, DescribedField, Description, Part, describe};
pub use encode::{encode, encode_with_mac};
pub use fault::{DecodeError, EncodeError, Fault};
pub use field_set::FieldSet;
pub use fields::{FIELDS, Field, Uses, default_echo, field_of, fields_where};
pub use fields_1993::DIFFERENCES;
pub use format::{Content, Extent, Format};
pub use frame::{Frame, FrameFault, Framing, FramingSettings, Header, LengthPrefix, WriteError};
pub use layout::{
    Binary, Bitmap, Digits, FieldLayout, FieldSettings, Layout, LayoutSettings, LengthForm,
    Packager, Pad,
};
pub use mask::{shown, without_pans};
pub use message::{FieldError, Message, Mti};
pub use wiped::WipedBytes;
pub use word::{NumberOrText, SettingsError, Word};
