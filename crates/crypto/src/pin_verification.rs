//! The PIN verification value, PVV, by Visa's method. An issuer keeps it instead of the PIN.

use des::cipher::{Block, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;
use crate::card_verification::decimalised;

/// Digits of a PIN that the method uses.
pub const PIN_DIGITS: usize = 4;
const PVV_DIGITS: usize = 4;
/// Digits of the PAN that the method uses: those before the check digit.
const PAN_DIGITS: usize = 11;
/// Highest index of a PIN verification key.
const MAX_KEY_INDEX: u8 = 6;

/// The four digits of the PVV of a PIN (four digits) with a PAN (12 to 19 digits) under the PIN
/// verification key pair with this index (0 to 6).
///
/// # Errors
/// [`CryptoError::Input`] if a text has the wrong length or characters other than digits, or the
/// index is above 6.
pub fn pvv(
    key_pair: &[u8; 16],
    key_index: u8,
    pan: &str,
    pin: &str,
) -> Result<Zeroizing<String>, CryptoError> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let lengths = (12..=19).contains(&pan.len()) && pin.len() == PIN_DIGITS;
    if !lengths || !digits(pan) || !digits(pin) || key_index > MAX_KEY_INDEX {
        return Err(CryptoError::Input);
    }
    // The transformed security parameter: 11 digits of the PAN, the key's index, the PIN.
    let check_digit = pan.len() - 1;
    let account = pan[check_digit - PAN_DIGITS..check_digit].bytes().map(|b| b - b'0');
    let mut block = Block::<Des>::default();
    let parameter = account.chain([key_index]).chain(pin.bytes().map(|b| b - b'0'));
    for (position, digit) in parameter.enumerate() {
        block[position / 2] |= if position % 2 == 0 { digit << 4 } else { digit };
    }
    TdesEde2::new(key_pair.into()).encrypt_block(&mut block);
    let value = Zeroizing::new(decimalised(&block, PVV_DIGITS));
    block.as_mut_slice().zeroize();
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_PAIR: [u8; 16] = [
        0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32,
        0x10,
    ];

    /// Computed independently with `openssl enc -des-ede -nopad` over the sixteen digits.
    #[test]
    fn known_pins_give_the_known_values() {
        for (pan, key_index, pin, value) in [
            ("4123456789012345", 1, "1234", "1894"),
            ("4123456789012345", 1, "0000", "6873"),
            ("4123456789012345", 2, "1234", "9300"),
            ("4000001234567899", 1, "9876", "3533"),
        ] {
            let pvv = pvv(&KEY_PAIR, key_index, pan, pin);
            assert_eq!(pvv.unwrap().as_str(), value, "{pan} {key_index} {pin}");
        }
    }

    #[test]
    fn malformed_input_is_refused() {
        for (pan, key_index, pin) in [
            ("41234567890", 1, "1234"),
            ("41234567890123456789", 1, "1234"),
            ("4123456789012x45", 1, "1234"),
            ("4123456789012345", 7, "1234"),
            ("4123456789012345", 1, "123"),
            ("4123456789012345", 1, "12345"),
            ("4123456789012345", 1, "12é"),
        ] {
            let error = pvv(&KEY_PAIR, key_index, pan, pin).err();
            assert_eq!(error, Some(CryptoError::Input), "{pan} {key_index} {pin}");
        }
    }
}
