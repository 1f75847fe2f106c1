//! From a message to bytes (network-iso8583.md section 2).

use crate::fault::{EncodeError, Fault};
use crate::field_set::FieldSet;
use crate::format::{Content, Extent};
use crate::layout::{Binary, Bitmap, Digits, FieldLayout, Layout, LengthForm, MAC_FIELDS, Pad};
use crate::message::Message;
use crate::wiped::WipedBytes;

/// Appends the message to `out`.
///
/// # Errors
/// The first value that does not fit its format, or the version of the message type.
pub fn encode(layout: &Layout, message: &Message, out: &mut WipedBytes) -> Result<(), EncodeError> {
    head(layout, message, message.fields(), out)?;
    for (number, value) in message.iter() {
        append(layout, number, value, out)?;
    }
    Ok(())
}

/// Appends the message to `out` with a MAC, which is field 128 if there is a field above 64 and
/// field 64 otherwise. `mac` gets the bytes that it covers: from the message type on, all before
/// its value. MACs that the message has already are left out.
///
/// # Errors
/// The first value that does not fit its format, or the version of the message type.
pub fn encode_with_mac(
    layout: &Layout,
    message: &Message,
    out: &mut WipedBytes,
    mac: impl FnOnce(&[u8]) -> [u8; 8],
) -> Result<(), EncodeError> {
    let [primary, secondary] = MAC_FIELDS;
    let fields = message.fields().without(primary).without(secondary);
    let mac_field = if fields.has_secondary() { secondary } else { primary };
    let start = out.len();
    head(layout, message, fields.with(mac_field), out)?;
    for (number, value) in message.iter().filter(|(number, _)| fields.contains(*number)) {
        append(layout, number, value, out)?;
    }
    let value = mac(&out[start..]);
    append(layout, mac_field, &value, out)
}

/// Message type and bitmaps.
fn head(
    layout: &Layout,
    message: &Message,
    fields: FieldSet,
    out: &mut WipedBytes,
) -> Result<(), EncodeError> {
    let mti = message.mti();
    if mti.version() != layout.packager().version() {
        return Err(EncodeError { fault: Fault::UnsupportedVersion, field: 0 });
    }
    let [version, class, function, origin] = mti.digits();
    match layout.packager().digits() {
        Digits::Ascii => out.extend(&mti.digits().map(|digit| b'0' + digit)),
        Digits::Bcd => out.extend(&[version << 4 | class, function << 4 | origin]),
    }
    let (primary, secondary) = fields.to_bitmaps();
    match layout.bitmap() {
        Bitmap::Hex128 => {
            hex(&primary.to_be_bytes(), out);
            hex(&secondary.to_be_bytes(), out);
        }
        form => {
            let write = |bitmap: u64, out: &mut WipedBytes| match form {
                Bitmap::Binary => out.extend(&bitmap.to_be_bytes()),
                Bitmap::Hex | Bitmap::Hex128 => hex(&bitmap.to_be_bytes(), out),
            };
            let extended = u64::from(secondary != 0) << 63;
            write(primary | extended, out);
            if secondary != 0 {
                write(secondary, out);
            }
        }
    }
    Ok(())
}

fn append(
    layout: &Layout,
    number: u8,
    value: &[u8],
    out: &mut WipedBytes,
) -> Result<(), EncodeError> {
    let failed = |fault| EncodeError { fault, field: number };
    let field = layout.field(number).ok_or_else(|| failed(Fault::DisabledField))?;
    write_value(field, value, out).map_err(failed)
}

/// Writes one value with its length.
fn write_value(field: &FieldLayout, value: &[u8], out: &mut WipedBytes) -> Result<(), Fault> {
    let max = usize::from(field.format.max);
    let is_fixed = field.format.extent == Extent::Fixed;
    match field.format.content {
        Content::Digits | Content::Track => {
            fits(value, max)?;
            if value.is_empty() && !is_fixed {
                return Err(Fault::TooShort);
            }
            let zeros = if is_fixed { max - value.len() } else { 0 };
            length(field, value.len(), out)?;
            digits(field, zeros, value, out)
        }
        Content::Signed => {
            let Some((sign @ (b'C' | b'D'), number)) = value.split_first() else {
                return Err(Fault::BadSign);
            };
            fits(number, max)?;
            out.push(*sign);
            digits(field, max - number.len(), number, out)
        }
        Content::Alphanumeric | Content::Text => {
            fits(value, max)?;
            if !field.takes_any_byte && value.iter().any(u8::is_ascii_control) {
                return Err(Fault::BadCharacter);
            }
            let missing = if is_fixed { max - value.len() } else { 0 };
            length(field, value.len(), out)?;
            match field.pad {
                Pad::LeftZero => out.fill(b'0', missing),
                Pad::RightZero | Pad::RightF | Pad::RightBlank => {}
            }
            out.extend(value);
            if field.pad == Pad::RightBlank {
                out.fill(b' ', missing);
            }
            Ok(())
        }
        Content::Bytes => {
            fits(value, max)?;
            if is_fixed && value.len() < max {
                return Err(Fault::TooShort);
            }
            let is_hex = field.bytes == Binary::Hex;
            let counted = if is_hex && field.counts_digits { 2 } else { 1 } * value.len();
            length(field, counted, out)?;
            if is_hex {
                hex(value, out)
            } else {
                out.extend(value)
            }
            Ok(())
        }
    }
}

const fn fits(value: &[u8], max: usize) -> Result<(), Fault> {
    if value.len() > max { Err(Fault::TooLong) } else { Ok(()) }
}

/// Writes a length, if the format has one.
fn length(field: &FieldLayout, count: usize, out: &mut WipedBytes) -> Result<(), Fault> {
    let is_short = match field.format.extent {
        Extent::Fixed => return Ok(()),
        Extent::Ll => true,
        Extent::Lll => false,
    };
    let limit = match (field.length, is_short) {
        (LengthForm::Binary, true) => 255,
        (LengthForm::Binary, false) => 65_535,
        (LengthForm::Ascii | LengthForm::Bcd, true) => 99,
        (LengthForm::Ascii | LengthForm::Bcd, false) => 999,
    };
    let count = u16::try_from(count).ok().filter(|it| *it <= limit).ok_or(Fault::TooLong)?;
    let [high, low] = match field.length {
        LengthForm::Binary => count.to_be_bytes(),
        LengthForm::Ascii | LengthForm::Bcd => {
            // Below 1,000: the hundreds, then tens and ones, as two nibbles.
            [count / 100, ((count / 10 % 10) << 4) | (count % 10)].map(|it| it as u8)
        }
    };
    match (field.length, is_short) {
        (LengthForm::Ascii, true) => out.extend(&[low >> 4, low & 15].map(|it| b'0' + it)),
        (LengthForm::Ascii, false) => out.extend(&[high, low >> 4, low & 15].map(|it| b'0' + it)),
        (LengthForm::Bcd | LengthForm::Binary, true) => out.push(low),
        (LengthForm::Bcd | LengthForm::Binary, false) => out.extend(&[high, low]),
    }
    Ok(())
}

/// Writes digits, with that many zeros before them.
fn digits(
    field: &FieldLayout,
    zeros: usize,
    value: &[u8],
    out: &mut WipedBytes,
) -> Result<(), Fault> {
    let is_track = field.format.content == Content::Track;
    let nibble = |byte: &u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'=' | b'D' if is_track => Ok(0xD),
        _ if is_track => Err(Fault::BadCharacter),
        _ => Err(Fault::NotNumeric),
    };
    if field.digits == Digits::Ascii {
        out.fill(b'0', zeros);
        let start = out.len();
        out.extend(value);
        for byte in &mut out[start..] {
            *byte = if nibble(byte)? == 0xD { b'=' } else { *byte };
        }
        return Ok(());
    }
    let count = zeros + value.len();
    let is_left = count % 2 == 1 && field.pad == Pad::LeftZero;
    out.reserve(count.div_ceil(2));
    // The nibble that waits for the second of its byte.
    let mut high = is_left.then_some(0);
    let written = std::iter::repeat_n(Ok(0), zeros).chain(value.iter().map(nibble));
    for low in written {
        let low = low?;
        match high.take() {
            Some(high) => out.push(high << 4 | low),
            None => high = Some(low),
        }
    }
    if let Some(high) = high {
        out.push(high << 4 | if field.pad == Pad::RightF { 15 } else { 0 });
    }
    Ok(())
}

fn hex(bytes: &[u8], out: &mut WipedBytes) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.reserve(2 * bytes.len());
    for byte in bytes {
        out.extend(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}
