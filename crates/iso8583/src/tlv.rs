//! BER-TLV as chip data use it (network-iso8583.md section 3.6): tags of one to three bytes,
//! lengths of one to three bytes, one level deep.

use thiserror::Error;

use crate::wiped::WipedBytes;

/// Tags that are kept in the receipt. All others are wiped, since they may hold card data.
pub const KEPT_TAGS: [u32; 17] = [
    0x82, 0x95, 0x9A, 0x9C, 0x5F2A, 0x5F34, 0x9F02, 0x9F03, 0x9F10, 0x9F1A, 0x9F26, 0x9F27, 0x9F33,
    0x9F34, 0x9F35, 0x9F36, 0x9F37,
];

/// The longest tag.
const MAX_TAG_BYTES: usize = 3;

/// One element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The bytes of its tag as a number, such as 0x9F26.
    pub tag: u32,
    /// Its value. That of a constructed element is not read.
    pub value: &'a [u8],
}

/// Data that are not BER-TLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not BER-TLV")]
pub struct TlvError;

/// The elements of `bytes`, in their order. Zeros between elements are skipped (ISO/IEC 7816-4).
///
/// # Errors
/// A tag or length is longer than three bytes, a length is indefinite, or an element is cut off.
pub fn elements(mut bytes: &[u8]) -> Result<Vec<Element<'_>>, TlvError> {
    let mut found = Vec::new();
    loop {
        match bytes {
            [] => return Ok(found),
            [0, rest @ ..] => bytes = rest,
            _ => {
                let (element, rest) = element(bytes).ok_or(TlvError)?;
                found.push(element);
                bytes = rest;
            }
        }
    }
}

fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let further = if first & 0x1F == 0x1F {
        // The last byte of a tag has its highest bit clear.
        1 + rest.iter().take(MAX_TAG_BYTES - 1).position(|byte| byte & 0x80 == 0)?
    } else {
        0
    };
    let (tag, rest) = bytes.split_at_checked(1 + further)?;
    let (length, rest) = match rest {
        [short @ 0..=0x7F, rest @ ..] => (usize::from(*short), rest),
        [0x81, low, rest @ ..] => (usize::from(*low), rest),
        [0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    let tag = tag.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    Some((Element { tag, value }, rest))
}

/// Appends an element.
///
/// # Errors
/// The tag is longer than three bytes or the value than 65,535.
pub fn append(element: Element<'_>, out: &mut WipedBytes) -> Result<(), TlvError> {
    let tag = element.tag.to_be_bytes();
    let start = tag.iter().position(|byte| *byte != 0).filter(|it| *it >= 4 - MAX_TAG_BYTES);
    out.extend(&tag[start.ok_or(TlvError)?..]);
    let [high, low] = u16::try_from(element.value.len()).map_err(|_| TlvError)?.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7F) => out.push(low),
        (0, _) => out.extend(&[0x81, low]),
        _ => out.extend(&[0x82, high, low]),
    }
    out.extend(element.value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_written() {
        let (short, long) = (vec![1; 0x80], vec![2; 0x100]);
        let written = [(0x9F26, &[7_u8; 8][..]), (0x82, &[]), (0x9F8101, &short), (0x5A, &long)];
        let mut bytes = WipedBytes::with_capacity(512);
        for (tag, value) in written {
            append(Element { tag, value }, &mut bytes).unwrap();
            bytes.fill(0, 2);
        }
        let read: Vec<_> =
            elements(&bytes).unwrap().into_iter().map(|it| (it.tag, it.value)).collect();
        assert_eq!(read, written);
    }

    #[test]
    fn what_is_broken_is_refused() {
        let broken: [&[u8]; 8] = [
            &[0x82],
            &[0x82, 2, 1],
            &[0x9F],
            &[0x9F, 0x81, 0x81, 0x01, 0],
            &[0x82, 0x80],
            &[0x82, 0x81],
            &[0x82, 0x82, 1],
            &[0x82, 0x83, 0, 0, 0],
        ];
        for bytes in broken {
            assert!(elements(bytes).is_err(), "{bytes:02X?}");
        }
        let mut out = WipedBytes::with_capacity(0);
        assert!(append(Element { tag: 0x0100_0000, value: &[] }, &mut out).is_err());
        assert!(append(Element { tag: 0, value: &[] }, &mut out).is_err());
    }
}
