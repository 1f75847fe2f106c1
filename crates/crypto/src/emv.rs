//! Cryptograms of chip cards, versions 10 and 18 of EMV Book 2 (network-iso8583.md section 3.6).

use zeroize::Zeroizing;

use crate::CryptoError;
use crate::tdes::{BLOCK_BYTES, KEY_BYTES, MacPadding, TdesKey};

/// Digits of PAN and sequence number from which a card's key is made.
const NAME_DIGITS: usize = 16;
/// Bytes of the answer's cryptogram by method 2.
const ARPC_BYTES: usize = 4;

/// The key of one card: option A, from the issuer's master key, the PAN and the card's sequence
/// number (two digits).
///
/// # Errors
/// [`CryptoError::Input`] for characters other than digits, or fewer than two for the sequence
/// number.
pub fn card_key(master: &TdesKey, pan: &str, sequence: &str) -> Result<TdesKey, CryptoError> {
    let name = Zeroizing::new(format!("{:0>NAME_DIGITS$}", format!("{pan}{sequence}")));
    if sequence.len() != 2 || !name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CryptoError::Input);
    }
    let mut block = Zeroizing::new([0; BLOCK_BYTES]);
    let digits = &name[name.len() - NAME_DIGITS..];
    hex::decode_to_slice(digits, block.as_mut_slice()).map_err(|_| CryptoError::Input)?;
    Ok(of_two_blocks(master, *block, block.map(|byte| !byte)))
}

/// The key of one transaction, from the card's key and its transaction counter: what version 18
/// computes with.
#[must_use]
pub fn session_key(card: &TdesKey, counter: [u8; 2]) -> TdesKey {
    let block = |mark| [counter[0], counter[1], mark, 0, 0, 0, 0, 0];
    of_two_blocks(card, block(0xF0), block(0x0F))
}

/// The cryptogram of a request by version 10: `data` are the values of its tags, one after the
/// other, and of the issuer's application data the bytes after the version.
#[must_use]
pub fn arqc_10(card: &TdesKey, data: &[u8]) -> [u8; BLOCK_BYTES] {
    card.mac(data, MacPadding::Zeros)
}

/// The cryptogram of a request by version 18, under the session key: `data` ends with the whole
/// application data of the issuer.
#[must_use]
pub fn arqc_18(session: &TdesKey, data: &[u8]) -> [u8; BLOCK_BYTES] {
    session.mac(data, MacPadding::Marked)
}

/// The cryptogram of an answer by method 1: over the request's and the response code's two
/// characters.
#[must_use]
pub fn arpc_1(card: &TdesKey, arqc: [u8; BLOCK_BYTES], code: [u8; 2]) -> [u8; BLOCK_BYTES] {
    let mut block = arqc;
    block.iter_mut().zip(code).for_each(|(byte, code)| *byte ^= code);
    *card.encrypt_block(block)
}

/// The cryptogram of an answer by method 2: over the request's and the update of the card's
/// status, under the session key.
#[must_use]
pub fn arpc_2(
    session: &TdesKey,
    arqc: [u8; BLOCK_BYTES],
    status_update: [u8; 4],
) -> [u8; ARPC_BYTES] {
    let mac = session.mac(&[&arqc[..], &status_update].concat(), MacPadding::Marked);
    [mac[0], mac[1], mac[2], mac[3]]
}

/// A key of two encrypted blocks, with odd parity.
fn of_two_blocks(key: &TdesKey, left: [u8; BLOCK_BYTES], right: [u8; BLOCK_BYTES]) -> TdesKey {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    bytes[..BLOCK_BYTES].copy_from_slice(key.encrypt_block(left).as_slice());
    bytes[BLOCK_BYTES..].copy_from_slice(key.encrypt_block(right).as_slice());
    for byte in bytes.iter_mut() {
        *byte ^= u8::from(byte.count_ones() % 2 == 0);
    }
    TdesKey::new(*bytes)
}
