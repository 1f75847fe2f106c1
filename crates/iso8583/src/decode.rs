//! From bytes to a message (network-iso8583.md section 2.6).

use crate::fault::{DecodeError, Fault};
use crate::field_set::FieldSet;
use crate::format::{Content, Extent};
use crate::layout::{
    Binary, Bitmap, Digits, FieldLayout, Layout, LengthForm, MAC_FIELDS, Pad, TERTIARY_BITMAP,
};
use crate::message::{Message, Mti};
use crate::wiped::WipedBytes;

/// A message and where its MAC is.
pub struct Decoded {
    /// The message.
    pub message: Message,
    /// Its MAC; `None` if its last field is not one.
    pub mac: Option<MacPlace>,
}

/// Where the MAC of a message is. Only the last field counts as the MAC: an earlier one would
/// leave the rest of the message unprotected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MacPlace {
    /// 64 or 128.
    pub field: u8,
    /// The MAC covers the bytes before this one, from the message type on.
    pub offset: usize,
}

/// Decodes one message. Memory is bounded by twice the size of `bytes`, whatever its lengths say.
///
/// # Errors
/// The first fault, its field and byte, and what was decoded before it.
pub fn decode(layout: &Layout, bytes: &[u8]) -> Result<Decoded, Box<DecodeError>> {
    let mut cursor = Cursor { bytes, at: 0 };
    let failed = |flaw: Flaw, field, decoded| {
        Box::new(DecodeError { fault: flaw.fault, field, offset: flaw.offset, decoded })
    };
    let mti = message_type(layout, &mut cursor).map_err(|flaw| failed(flaw, 0, None))?;
    let room = match layout.packager().digits() {
        Digits::Ascii => bytes.len(),
        Digits::Bcd => 2 * bytes.len(),
    };
    let mut message = Message::with_capacity(mti, room);
    if mti.version() != layout.packager().version() {
        let flaw = Flaw { fault: Fault::UnsupportedVersion, offset: 0 };
        return Err(failed(flaw, 0, Some(message)));
    }
    let mut body = Body { layout, cursor, field: 1, mac: None };
    match body.read(&mut message) {
        Ok(()) => Ok(Decoded { message, mac: body.mac }),
        Err(flaw) => Err(failed(flaw, body.field, Some(message))),
    }
}

/// A fault and where it is.
struct Flaw {
    fault: Fault,
    offset: usize,
}

/// What of the message has been read.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count));
        let taken = taken.ok_or_else(|| self.flaw(Fault::Truncated, 0))?;
        self.at += count;
        Ok(taken)
    }

    /// A fault that many bytes before the next one.
    const fn flaw(&self, fault: Fault, back: usize) -> Flaw {
        Flaw { fault, offset: self.at - back }
    }

    /// A fault at the first of the last `taken` that is not as it should be.
    fn at_first(&self, fault: Fault, taken: &[u8], is_good: impl Fn(u8) -> bool) -> Flaw {
        let index = taken.iter().position(|byte| !is_good(*byte)).unwrap_or(0);
        self.flaw(fault, taken.len() - index)
    }
}

fn message_type(layout: &Layout, cursor: &mut Cursor<'_>) -> Result<Mti, Flaw> {
    let digits = match layout.packager().digits() {
        Digits::Ascii => {
            let taken = cursor.take(4)?;
            std::array::from_fn(|index| taken[index].wrapping_sub(b'0'))
        }
        Digits::Bcd => {
            let taken = cursor.take(2)?;
            [taken[0] >> 4, taken[0] & 15, taken[1] >> 4, taken[1] & 15]
        }
    };
    Mti::new(digits).ok_or(Flaw { fault: Fault::BadMti, offset: 0 })
}

/// The reader of what follows the message type.
struct Body<'a> {
    layout: &'a Layout,
    cursor: Cursor<'a>,
    /// The field that is being read.
    field: u8,
    mac: Option<MacPlace>,
}

impl Body<'_> {
    fn read(&mut self, message: &mut Message) -> Result<(), Flaw> {
        for number in self.bitmaps()? {
            self.field = number;
            if number == TERTIARY_BITMAP {
                return Err(self.cursor.flaw(Fault::ReservedBit, 0));
            }
            let Some(field) = self.layout.field(number) else {
                return Err(self.cursor.flaw(Fault::DisabledField, 0));
            };
            let offset = self.cursor.at;
            let is_mac = MAC_FIELDS.contains(&number);
            self.mac = is_mac.then_some(MacPlace { field: number, offset });
            message.append(number, |values| value(&mut self.cursor, field, values))?;
        }
        self.field = 0;
        if self.cursor.at < self.cursor.bytes.len() {
            return Err(self.cursor.flaw(Fault::TrailingBytes, 0));
        }
        Ok(())
    }

    /// The fields that the bitmaps announce.
    fn bitmaps(&mut self) -> Result<FieldSet, Flaw> {
        let primary = self.bitmap()?;
        let is_extended = primary >> 63 == 1;
        let secondary = match self.layout.bitmap() {
            Bitmap::Hex128 => self.bitmap()?,
            Bitmap::Hex | Bitmap::Binary if is_extended => self.bitmap()?,
            Bitmap::Hex | Bitmap::Binary => 0,
        };
        Ok(FieldSet::from_bitmaps(primary, secondary).without(1))
    }

    fn bitmap(&mut self) -> Result<u64, Flaw> {
        if self.layout.bitmap() == Bitmap::Binary {
            let taken = self.cursor.take(8)?;
            return Ok(taken.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
        }
        let taken = self.cursor.take(16)?;
        let digits =
            taken.iter().try_fold(0, |sum, digit| Some(sum << 4 | u64::from(hex_digit(*digit)?)));
        digits.ok_or_else(|| {
            self.cursor.at_first(Fault::BadBitmap, taken, |byte| hex_digit(byte).is_some())
        })
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Reads one value.
fn value(
    cursor: &mut Cursor<'_>,
    field: &FieldLayout,
    values: &mut WipedBytes,
) -> Result<(), Flaw> {
    let count = length(cursor, field)?;
    match field.format.content {
        Content::Digits | Content::Track => digits(cursor, field, count, values),
        Content::Signed => {
            let sign = cursor.take(1)?;
            if !matches!(sign, b"C" | b"D") {
                return Err(cursor.flaw(Fault::BadSign, 1));
            }
            values.extend(sign);
            digits(cursor, field, count, values)
        }
        Content::Alphanumeric | Content::Text => {
            let taken = cursor.take(count)?;
            let is_good = |byte: u8| field.takes_any_byte || !byte.is_ascii_control();
            if !taken.iter().all(|byte| is_good(*byte)) {
                return Err(cursor.at_first(Fault::BadCharacter, taken, is_good));
            }
            values.extend(taken);
            Ok(())
        }
        Content::Bytes => bytes(cursor, field, count, values),
    }
}

/// How many digits, characters or bytes the value has.
fn length(cursor: &mut Cursor<'_>, field: &FieldLayout) -> Result<usize, Flaw> {
    let max = usize::from(field.format.max);
    let (characters, bytes) = match field.format.extent {
        Extent::Fixed => return Ok(max),
        Extent::Ll => (2, 1),
        Extent::Lll => (3, 2),
    };
    let size = if field.length == LengthForm::Ascii { characters } else { bytes };
    let taken = cursor.take(size)?;
    let number = match field.length {
        LengthForm::Ascii => decimal(taken.iter().map(|byte| byte.wrapping_sub(b'0'))),
        LengthForm::Bcd => decimal(nibbles(taken)),
        LengthForm::Binary => Some(taken.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))),
    };
    let is_three_digits = field.length == LengthForm::Bcd && size == 2;
    let number = number.filter(|it| !is_three_digits || *it <= 999);
    let number = number.ok_or_else(|| cursor.flaw(Fault::BadLength, size))?;
    let is_hex = field.format.content == Content::Bytes && field.bytes == Binary::Hex;
    let count = if is_hex && field.counts_digits { number / 2 } else { number };
    if count > max {
        return Err(cursor.flaw(Fault::TooLong, size));
    }
    if is_hex && field.counts_digits && number % 2 == 1 {
        return Err(cursor.flaw(Fault::BadHex, size));
    }
    let needs_one = matches!(field.format.content, Content::Digits | Content::Track);
    if needs_one && count == 0 {
        return Err(cursor.flaw(Fault::TooShort, size));
    }
    Ok(count)
}

/// The number that these decimal digits make.
fn decimal(mut digits: impl Iterator<Item = u8>) -> Option<usize> {
    digits.try_fold(0, |sum, digit| (digit <= 9).then(|| sum * 10 + usize::from(digit)))
}

/// The two digits of each byte.
fn nibbles(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15])
}

/// Reads digits, which may be those of a track.
fn digits(
    cursor: &mut Cursor<'_>,
    field: &FieldLayout,
    count: usize,
    values: &mut WipedBytes,
) -> Result<(), Flaw> {
    let is_track = field.format.content == Content::Track;
    let fault = if is_track { Fault::BadCharacter } else { Fault::NotNumeric };
    if field.digits == Digits::Ascii {
        let taken = cursor.take(count)?;
        let is_good = |byte: u8| byte.is_ascii_digit() || is_track && matches!(byte, b'=' | b'D');
        if !taken.iter().all(|byte| is_good(*byte)) {
            return Err(cursor.at_first(fault, taken, is_good));
        }
        let start = values.len();
        values.extend(taken);
        if is_track {
            values[start..].iter_mut().filter(|it| **it == b'D').for_each(|it| *it = b'=');
        }
        return Ok(());
    }
    let taken = cursor.take(count.div_ceil(2))?;
    let is_odd = count % 2 == 1;
    let is_left = is_odd && field.pad == Pad::LeftZero;
    if is_left && taken.first().is_some_and(|byte| byte >> 4 != 0) {
        return Err(cursor.flaw(fault, taken.len()));
    }
    values.reserve(count);
    for (index, nibble) in nibbles(taken).skip(usize::from(is_left)).take(count).enumerate() {
        match nibble {
            0..=9 => values.push(b'0' + nibble),
            0xD if is_track => values.push(b'='),
            _ => {
                let byte = (index + usize::from(is_left)) / 2;
                return Err(cursor.flaw(fault, taken.len() - byte));
            }
        }
    }
    Ok(())
}

fn bytes(
    cursor: &mut Cursor<'_>,
    field: &FieldLayout,
    count: usize,
    values: &mut WipedBytes,
) -> Result<(), Flaw> {
    if field.bytes == Binary::Plain {
        values.extend(cursor.take(count)?);
        return Ok(());
    }
    let taken = cursor.take(2 * count)?;
    values.reserve(count);
    for pair in taken.chunks_exact(2) {
        let (Some(high), Some(low)) = (hex_digit(pair[0]), hex_digit(pair[1])) else {
            let is_good = |byte| hex_digit(byte).is_some();
            return Err(cursor.at_first(Fault::BadHex, taken, is_good));
        };
        values.push(high << 4 | low);
    }
    Ok(())
}
