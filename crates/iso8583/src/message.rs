//! A decoded message.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroize as _;

use crate::field_set::FieldSet;
use crate::layout::TERTIARY_BITMAP;
use crate::wiped::WipedBytes;

/// A message type: version, class, function and origin, one digit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mti([u8; 4]);

impl Mti {
    /// The message type of four digits, as numbers from 0 to 9.
    #[must_use]
    pub fn new(digits: [u8; 4]) -> Option<Self> {
        digits.iter().all(|digit| *digit <= 9).then_some(Self(digits))
    }

    /// Reads four ASCII digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = <[u8; 4]>::try_from(text.as_bytes()).ok()?;
        Self::new(digits.map(|digit| digit.wrapping_sub(b'0')))
    }

    /// The four digits, as numbers.
    #[must_use]
    pub const fn digits(self) -> [u8; 4] {
        self.0
    }

    /// 0 for the dialect of 1987, 1 for that of 1993.
    #[must_use]
    pub const fn version(self) -> u8 {
        self.0[0]
    }

    /// 1 authorisation, 2 financial, 4 reversal, 5 reconciliation, 8 network management.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.0[1]
    }

    /// 0 request, 1 its answer, 2 advice, 3 its answer, 4 notification.
    #[must_use]
    pub const fn function(self) -> u8 {
        self.0[2]
    }

    /// Who sent it; 1, 3 and 5 are repeats.
    #[must_use]
    pub const fn origin(self) -> u8 {
        self.0[3]
    }

    /// Whether it is a repeat.
    #[must_use]
    pub const fn is_repeat(self) -> bool {
        matches!(self.origin(), 1 | 3 | 5)
    }

    /// The type of the message that this one repeats, or its own (network-iso8583.md section 3.1).
    #[must_use]
    pub const fn first(self) -> Self {
        let [version, class, function, origin] = self.0;
        let origin = if self.is_repeat() { origin - 1 } else { origin };
        Self([version, class, function, origin])
    }

    /// The type of the answer; `None` if it is neither a request nor an advice.
    #[must_use]
    pub const fn answer(self) -> Option<Self> {
        let [version, class, function, origin] = self.first().0;
        match function {
            0 | 2 => Some(Self([version, class, function + 1, origin])),
            _ => None,
        }
    }
}

impl fmt::Display for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

impl fmt::Debug for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value that no message can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FieldError {
    /// The number is not from 2 to 128, or it is that of the tertiary bitmap.
    #[error("there is no field {0}")]
    NoSuchField(u8),
    /// No format is that long.
    #[error("the value of field {0} is too long")]
    TooLong(u8),
}

/// The longest value that any format has.
const MAX_VALUE_BYTES: usize = 1_000;

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    len: u16,
}

/// A message type and its fields. Values of `n`, `z`, `x+n` and text are characters, a track's
/// separator is `=`; values of `b` are the bytes themselves. All of it is wiped when dropped.
pub struct Message {
    mti: Mti,
    fields: FieldSet,
    /// One for each field, in the order of the fields.
    spans: Vec<Span>,
    values: WipedBytes,
}

impl Message {
    /// A message without fields.
    #[must_use]
    pub fn new(mti: Mti) -> Self {
        Self::with_capacity(mti, 256)
    }

    /// The same, with room for that many bytes of values.
    pub(crate) fn with_capacity(mti: Mti, bytes: usize) -> Self {
        Self {
            mti,
            fields: FieldSet::default(),
            spans: Vec::with_capacity(32),
            values: WipedBytes::with_capacity(bytes),
        }
    }

    /// Its type.
    #[must_use]
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// Changes its type.
    pub const fn set_mti(&mut self, mti: Mti) {
        self.mti = mti;
    }

    /// The fields that it has.
    #[must_use]
    pub const fn fields(&self) -> FieldSet {
        self.fields
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, number: u8) -> Option<&[u8]> {
        if !self.fields.contains(number) {
            return None;
        }
        self.value(*self.spans.get(self.fields.rank(number))?)
    }

    fn value(&self, Span { start, len }: Span) -> Option<&[u8]> {
        let start = start as usize;
        self.values.get(start..start + usize::from(len))
    }

    /// The value of a field as text; `None` also if it is no UTF-8.
    #[must_use]
    pub fn text(&self, number: u8) -> Option<&str> {
        std::str::from_utf8(self.get(number)?).ok()
    }

    /// Every field and its value, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let spans = self.fields.into_iter().zip(&self.spans);
        spans.filter_map(|(number, span)| Some((number, self.value(*span)?)))
    }

    /// Sets a field. Whether the value fits the field's format shows when it is encoded.
    ///
    /// # Errors
    /// There is no such field, or the value is longer than any format.
    pub fn set(&mut self, number: u8, value: &[u8]) -> Result<(), FieldError> {
        if !(2..=128).contains(&number) || number == TERTIARY_BITMAP {
            return Err(FieldError::NoSuchField(number));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err(FieldError::TooLong(number));
        }
        self.remove(number);
        self.append(number, |values| {
            values.extend(value);
            Ok(())
        })
    }

    /// Removes a field and wipes its value.
    pub fn remove(&mut self, number: u8) {
        if !self.fields.contains(number) {
            return;
        }
        let span = self.spans.remove(self.fields.rank(number));
        let start = span.start as usize;
        if let Some(value) = self.values.get_mut(start..start + usize::from(span.len)) {
            value.zeroize();
        }
        self.fields = self.fields.without(number);
    }

    /// Adds a field that the message does not have yet. If writing its value fails, the message
    /// stays as it was.
    pub(crate) fn append<E>(
        &mut self,
        number: u8,
        write: impl FnOnce(&mut WipedBytes) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.values.len();
        if let Err(error) = write(&mut self.values) {
            self.values.truncate(start);
            return Err(error);
        }
        // Formats bound a value to 999 bytes, and a message has at most 128.
        let len = u16::try_from(self.values.len() - start).unwrap_or(u16::MAX);
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        self.spans.insert(self.fields.rank(number), Span { start, len });
        self.fields = self.fields.with(number);
        Ok(())
    }
}
