//! Triple DES under a key of double length, as networks use it: for PIN blocks, message
//! authentication codes and key check values (network-iso8583.md sections 8.2 to 8.4).

use des::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use zeroize::{Zeroize, Zeroizing};

use crate::CryptoError;
use crate::hash::constant_time_eq;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 8;
/// Bytes of a key of double length.
pub const KEY_BYTES: usize = 16;
/// Bytes of a check value.
pub const CHECK_VALUE_BYTES: usize = 3;

/// The padding of a text before its authentication code is computed (ISO 9797-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacPadding {
    /// Method 1: zeros, up to whole blocks.
    Zeros,
    /// Method 2: one byte 80, then zeros up to whole blocks.
    Marked,
}

/// A triple-DES key of double length. Parity bits are ignored.
pub struct TdesKey(Zeroizing<[u8; KEY_BYTES]>);

impl TdesKey {
    /// A key from its 16 bytes, which are wiped.
    #[must_use]
    pub fn new(mut bytes: [u8; KEY_BYTES]) -> Self {
        let key = Zeroizing::new(bytes);
        bytes.zeroize();
        Self(key)
    }

    /// A key from a slice of 16 bytes, of which no other copy is made.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for another length.
    pub fn from_slice(slice: &[u8]) -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if slice.len() != KEY_BYTES {
            return Err(CryptoError::Key);
        }
        bytes.copy_from_slice(slice);
        Ok(Self(bytes))
    }

    /// A key from 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`CryptoError::Key`] for any other text.
    pub fn from_hex(text: &str) -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| CryptoError::Key)?;
        Ok(Self(bytes))
    }

    /// Its bytes, for sealing.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Encrypts one block.
    #[must_use]
    pub fn encrypt_block(&self, block: [u8; BLOCK_BYTES]) -> Zeroizing<[u8; BLOCK_BYTES]> {
        let mut block = Block::<TdesEde2>::from(block);
        TdesEde2::new((&*self.0).into()).encrypt_block(&mut block);
        taken(block)
    }

    /// Decrypts one block.
    #[must_use]
    pub fn decrypt_block(&self, block: [u8; BLOCK_BYTES]) -> Zeroizing<[u8; BLOCK_BYTES]> {
        let mut block = Block::<TdesEde2>::from(block);
        TdesEde2::new((&*self.0).into()).decrypt_block(&mut block);
        taken(block)
    }

    /// Decrypts another key, block by block.
    #[must_use]
    pub fn decrypt_key(&self, sealed: &[u8; KEY_BYTES]) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (block, sealed) in bytes.chunks_exact_mut(BLOCK_BYTES).zip(sealed.as_chunks().0) {
            block.copy_from_slice(self.decrypt_block(*sealed).as_slice());
        }
        Self(bytes)
    }

    /// The check value: the first bytes of zeros under the key.
    #[must_use]
    pub fn check_value(&self) -> [u8; CHECK_VALUE_BYTES] {
        let block = self.encrypt_block([0; BLOCK_BYTES]);
        [block[0], block[1], block[2]]
    }

    /// The retail authentication code of `text`: ISO 9797-1 algorithm 3, which chains single DES
    /// under the first half and ends with triple DES.
    #[must_use]
    pub fn mac(&self, text: &[u8], padding: MacPadding) -> [u8; BLOCK_BYTES] {
        let (first, second) = self.halves();
        let mut chained = Block::<Des>::default();
        let mut add = |bytes: &[u8]| {
            chained.iter_mut().zip(bytes).for_each(|(byte, other)| *byte ^= other);
            first.encrypt_block(&mut chained);
        };
        let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
        blocks.iter().for_each(|block| add(block));
        match padding {
            MacPadding::Zeros if rest.is_empty() && !text.is_empty() => {}
            MacPadding::Zeros => add(rest),
            MacPadding::Marked => {
                let mut last = Zeroizing::new([0; BLOCK_BYTES]);
                last[..rest.len()].copy_from_slice(rest);
                last[rest.len()] = 0x80;
                add(last.as_slice());
            }
        }
        second.decrypt_block(&mut chained);
        first.encrypt_block(&mut chained);
        chained.into()
    }

    /// Returns whether `mac` is the code of `text`, in time that does not depend on where they
    /// differ.
    #[must_use]
    pub fn mac_matches(&self, text: &[u8], padding: MacPadding, mac: &[u8]) -> bool {
        constant_time_eq(&self.mac(text, padding), mac)
    }

    fn halves(&self) -> (Des, Des) {
        let [first, second] = *self.0.as_chunks::<BLOCK_BYTES>().0 else {
            unreachable!("a key has two halves")
        };
        (Des::new(&first.into()), Des::new(&second.into()))
    }
}

/// The bytes of a block, which is wiped.
fn taken(mut block: Block<TdesEde2>) -> Zeroizing<[u8; BLOCK_BYTES]> {
    let bytes = Zeroizing::new(block.into());
    block.as_mut_slice().zeroize();
    bytes
}
