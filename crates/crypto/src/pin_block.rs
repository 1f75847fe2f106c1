//! PIN blocks of ISO 9564, formats 0 and 3, under a zone PIN key (network-iso8583.md section 8.2).

use domain::Random;
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::tdes::{BLOCK_BYTES, TdesKey};

/// Nibbles of a block.
const NIBBLES: usize = 16;
/// Digits of the PAN in a block: those before the check digit.
const PAN_DIGITS: usize = 12;
/// Shortest and longest PIN, in digits.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// What fills a block of format 0.
const FILL: u8 = 0xF;

/// The format of a PIN block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinBlockFormat {
    /// Filled with F.
    Iso0,
    /// Filled at random with A to F.
    Iso3,
}

impl PinBlockFormat {
    const fn control(self) -> u8 {
        match self {
            Self::Iso0 => 0,
            Self::Iso3 => 3,
        }
    }

    const fn takes_fill(self, nibble: u8) -> bool {
        match self {
            Self::Iso0 => nibble == FILL,
            Self::Iso3 => nibble >= 0xA,
        }
    }
}

/// The PIN, four to twelve digits, inside an encrypted block that was made for `pan` (13 to 19
/// digits).
///
/// # Errors
/// [`CryptoError::Input`] for a PAN of another length, [`CryptoError::Refused`] if the block is not
/// one of this format, key and PAN; it does not say which.
pub fn pin_of(
    key: &TdesKey,
    format: PinBlockFormat,
    block: [u8; BLOCK_BYTES],
    pan: &str,
) -> Result<Zeroizing<String>, CryptoError> {
    let clear = with_pan(key.decrypt_block(block), pan)?;
    let nibbles = nibbles(&clear);
    let length = usize::from(nibbles[1]);
    if nibbles[0] != format.control() || !PIN_DIGITS.contains(&length) {
        return Err(CryptoError::Refused);
    }
    let (pin, fill) = nibbles[2..].split_at(length);
    if pin.iter().any(|digit| *digit > 9) || !fill.iter().all(|it| format.takes_fill(*it)) {
        return Err(CryptoError::Refused);
    }
    Ok(Zeroizing::new(pin.iter().map(|digit| char::from(b'0' + digit)).collect()))
}

/// The encrypted block of a PIN, four to twelve digits, for `pan` (13 to 19 digits).
///
/// # Errors
/// [`CryptoError::Input`] if a text has the wrong length or characters other than digits.
pub fn pin_block(
    key: &TdesKey,
    format: PinBlockFormat,
    pin: &str,
    pan: &str,
    random: &dyn Random,
) -> Result<[u8; BLOCK_BYTES], CryptoError> {
    if !PIN_DIGITS.contains(&pin.len()) || !pin.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CryptoError::Input);
    }
    let mut nibbles = Zeroizing::new([FILL; NIBBLES]);
    if format == PinBlockFormat::Iso3 {
        random.fill(nibbles.as_mut_slice());
        nibbles.iter_mut().for_each(|nibble| *nibble = 0xA + *nibble % 6);
    }
    nibbles[0] = format.control();
    nibbles[1] = u8::try_from(pin.len()).map_err(|_| CryptoError::Input)?;
    nibbles[2..].iter_mut().zip(pin.bytes()).for_each(|(nibble, digit)| *nibble = digit - b'0');
    let mut clear = Zeroizing::new([0; BLOCK_BYTES]);
    for (byte, pair) in clear.iter_mut().zip(nibbles.as_chunks::<2>().0) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(*key.encrypt_block(*with_pan(clear, pan)?))
}

/// A clear block with the digits of the PAN added without carry, which also takes them out again.
fn with_pan(
    mut block: Zeroizing<[u8; BLOCK_BYTES]>,
    pan: &str,
) -> Result<Zeroizing<[u8; BLOCK_BYTES]>, CryptoError> {
    let check_digit = pan.len().checked_sub(1).ok_or(CryptoError::Input)?;
    let first = check_digit.checked_sub(PAN_DIGITS).ok_or(CryptoError::Input)?;
    let digits = pan.get(first..check_digit).ok_or(CryptoError::Input)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CryptoError::Input);
    }
    let pairs = digits.as_bytes().as_chunks::<2>().0;
    for (byte, pair) in block[2..].iter_mut().zip(pairs) {
        *byte ^= (pair[0] - b'0') << 4 | (pair[1] - b'0');
    }
    Ok(block)
}

fn nibbles(block: &[u8; BLOCK_BYTES]) -> Zeroizing<[u8; NIBBLES]> {
    let mut nibbles = Zeroizing::new([0; NIBBLES]);
    for (pair, byte) in nibbles.as_chunks_mut::<2>().0.iter_mut().zip(block) {
        *pair = [byte >> 4, byte & 15];
    }
    nibbles
}
