//! Values that travel to and from both engines: 64-bit integers, text, bytes.

use domain::Timestamp;

/// A parameter or a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// A number, a time in microseconds, or a flag as 0 or 1.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $into:expr),+ $(,)?) => { $(
        impl From<$from> for Value {
            fn from($value: $from) -> Self { $into }
        }
    )+ };
}

value_from! {
    i64 => |value| Self::Int(value),
    i32 => |value| Self::Int(value.into()),
    u32 => |value| Self::Int(value.into()),
    u16 => |value| Self::Int(value.into()),
    bool => |value| Self::Int(value.into()),
    &str => |value| Self::Text(value.to_owned()),
    String => |value| Self::Text(value),
    &String => |value| Self::Text(value.clone()),
    Vec<u8> => |value| Self::Bytes(value),
    &[u8] => |value| Self::Bytes(value.to_vec()),
    Timestamp => |value| Self::Int(value.as_micros()),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) Vec<Value>);
