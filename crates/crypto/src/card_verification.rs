//! Card verification values, CVV and CVV2, from a pair of DES keys.

use des::TdesEde2;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use des::{Des, cipher::Block};
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;

/// Service code that makes the calculation give a CVV2.
pub const CVV2_SERVICE_CODE: &str = "000";
/// Service code that makes it give the CVV of the stripe's image on a chip (iCVV).
pub const CHIP_SERVICE_CODE: &str = "999";
const CVV_DIGITS: usize = 3;

/// The three digits of the CVV of a PAN (12 to 19 digits) under the key pair A, B.
/// The expiry is given as YYMM; service code `000` gives CVV2.
///
/// # Errors
/// [`CryptoError::Input`] if a text has the wrong length or characters other than digits.
pub fn cvv(
    key_a: &[u8; 8],
    key_b: &[u8; 8],
    pan: &str,
    expiry_yymm: &str,
    service_code: &str,
) -> Result<String, CryptoError> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let lengths =
        (12..=19).contains(&pan.len()) && expiry_yymm.len() == 4 && service_code.len() == 3;
    if !lengths || !digits(pan) || !digits(expiry_yymm) || !digits(service_code) {
        return Err(CryptoError::Input);
    }
    let mut blocks = packed([pan, expiry_yymm, service_code]);
    let (first, second) = blocks.split_at_mut(8);
    let mut block = Block::<Des>::try_from(&*first).map_err(|_| CryptoError::Library)?;
    Des::new(key_a.into()).encrypt_block(&mut block);
    for (byte, other) in block.iter_mut().zip(second.iter()) {
        *byte ^= other;
    }
    // Two-key triple DES: encrypt with A, decrypt with B, encrypt with A.
    let mut pair = Zeroizing::new([0; 16]);
    pair[..8].copy_from_slice(key_a);
    pair[8..].copy_from_slice(key_b);
    TdesEde2::new((&*pair).into()).encrypt_block(&mut block);
    let value = decimalised(&block, CVV_DIGITS);
    block.as_mut_slice().zeroize();
    Ok(value)
}

/// The digits as 32 half-bytes, filled with zeros on the right.
fn packed(texts: [&str; 3]) -> Zeroizing<[u8; 16]> {
    let mut blocks = Zeroizing::new([0; 16]);
    for (position, byte) in texts.into_iter().flat_map(str::bytes).enumerate() {
        let shift = if position % 2 == 0 { 4 } else { 0 };
        blocks[position / 2] |= (byte - b'0') << shift;
    }
    blocks
}

/// The first `digits` digits of a block: its decimal half-bytes from the left, then the
/// others less ten.
pub(crate) fn decimalised(block: &[u8], digits: usize) -> String {
    let nibbles = || block.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let decimal = nibbles().filter(|nibble| *nibble < 10);
    let others = nibbles().filter(|nibble| *nibble >= 10).map(|nibble| nibble - 10);
    decimal.chain(others).take(digits).map(|digit| char::from(b'0' + digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_A: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
    const KEY_B: [u8; 8] = [0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10];

    #[test]
    fn known_keys_give_the_known_cvv_and_cvv2() {
        let value = |service_code| cvv(&KEY_A, &KEY_B, "4123456789012345", "8701", service_code);
        assert_eq!(value("101").as_deref(), Ok("561"));
        assert_eq!(value(CVV2_SERVICE_CODE).as_deref(), Ok("636"));
    }

    #[test]
    fn letters_are_used_when_decimal_digits_run_out() {
        assert_eq!(decimalised(&[0xAB, 0xCD, 0xEF, 0xFF, 0xFF, 0xFF, 0xFF, 0xF7], 3), "701");
        assert_eq!(decimalised(&[0xFA; 8], 3), "505");
        assert_eq!(decimalised(&[0x12, 0x34, 0, 0, 0, 0, 0, 0], 4), "1234");
    }

    #[test]
    fn malformed_input_is_refused() {
        for (pan, expiry, service_code) in [
            ("41234567890", "8701", "101"),
            ("41234567890123456789", "8701", "101"),
            ("4123456789012345", "871", "101"),
            ("4123456789012345", "8701", "10"),
            ("412345678901234x", "8701", "101"),
            ("4123456789012345", "87/1", "101"),
        ] {
            let value = cvv(&KEY_A, &KEY_B, pan, expiry, service_code);
            assert_eq!(value, Err(CryptoError::Input), "{pan} {expiry} {service_code}");
        }
    }
}
