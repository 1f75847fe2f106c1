//! Key blocks of TR-31, versions B and D: a network's keys on their way to us
//! (network-iso8583.md section 8.4). Only keys of double length for PINs and message
//! authentication are read; nothing is exported.

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, Crypter, Mode};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::hash::constant_time_eq;
use crate::tdes::{CHECK_VALUE_BYTES, KEY_BYTES, TdesKey};

/// Characters of a header without optional blocks.
const HEADER_CHARS: usize = 16;
/// Longest block that is read, in characters.
const MAX_CHARS: usize = 1_024;
/// Bits of the key inside, as the clear text begins.
const KEY_BITS: [u8; 2] = [0, 128];

/// The use of a key, by the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUsage {
    /// `P0`: encrypts PINs.
    Pin,
    /// `M3`: authenticates messages by ISO 9797-1 algorithm 3.
    Mac,
}

/// The key that protects a block.
pub enum ProtectionKey {
    /// Triple DES: version B.
    Tdes(TdesKey),
    /// AES of 128 or 256 bits: version D.
    Aes(Zeroizing<Vec<u8>>),
}

/// What differs between the versions.
struct Version {
    letter: u8,
    /// The number that names the derived keys' algorithm.
    algorithm: u8,
    /// The cipher of the codes, and that of the key inside.
    cipher: Cipher,
    key: Zeroizing<Vec<u8>>,
    /// Bytes of a derived key.
    derived_bytes: usize,
}

/// The algorithm of a protection key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtectionAlgorithm {
    /// Triple DES of double length.
    Tdes,
    /// AES of 128 or 256 bits.
    Aes,
}

impl ProtectionKey {
    /// A key of components in hexadecimal, each held by another person: their bits added without
    /// carry.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if there is none, or if one has other characters or another length.
    pub fn of_components(
        algorithm: ProtectionAlgorithm,
        components: &[&str],
    ) -> Result<Self, CryptoError> {
        let first = components.first().ok_or(CryptoError::Key)?;
        let size = first.len() / 2;
        let mut bytes = Zeroizing::new(vec![0; size]);
        let mut component = Zeroizing::new(vec![0; size]);
        for text in components {
            hex::decode_to_slice(text, &mut component).map_err(|_| CryptoError::Key)?;
            bytes.iter_mut().zip(component.iter()).for_each(|(byte, other)| *byte ^= other);
        }
        match algorithm {
            ProtectionAlgorithm::Tdes => TdesKey::from_slice(&bytes).map(Self::Tdes),
            ProtectionAlgorithm::Aes => {
                let key = Self::Aes(bytes);
                key.version().map(|_| key)
            }
        }
    }

    /// Its check value: of triple DES the first bytes of zeros under the key, of AES those of the
    /// CMAC of a block of zeros (ANSI X9.24-1).
    ///
    /// # Errors
    /// [`CryptoError::Key`] for a key of another length.
    pub fn check_value(&self) -> Result<[u8; CHECK_VALUE_BYTES], CryptoError> {
        if let Self::Tdes(key) = self {
            return Ok(key.check_value());
        }
        let version = self.version()?;
        let code = version.code(&version.key, &[&[0; 16]])?;
        code.first_chunk().copied().ok_or(CryptoError::Library)
    }

    fn version(&self) -> Result<Version, CryptoError> {
        let (letter, algorithm, cipher, key, derived_bytes) = match self {
            Self::Tdes(key) => {
                (b'B', 0, Cipher::des_ede3_cbc(), tripled(key.as_bytes()), KEY_BYTES)
            }
            Self::Aes(key) if key.len() == 16 => (b'D', 2, Cipher::aes_128_cbc(), key.clone(), 16),
            Self::Aes(key) if key.len() == 32 => (b'D', 4, Cipher::aes_256_cbc(), key.clone(), 32),
            Self::Aes(_) => return Err(CryptoError::Key),
        };
        Ok(Version { letter, algorithm, cipher, key, derived_bytes })
    }
}

/// The key inside a block, and its use.
///
/// # Errors
/// [`CryptoError::Key`] for a protection key of another length; [`CryptoError::Refused`] for a
/// block of another version, use, algorithm or length, and for one that the protection key did not
/// make.
pub fn open_key_block(
    protection: &ProtectionKey,
    block: &str,
) -> Result<(KeyUsage, TdesKey), CryptoError> {
    let version = protection.version()?;
    let (header, rest) = split(block, &version).ok_or(CryptoError::Refused)?;
    let usage = match (&header[5..7], header[7]) {
        (b"P0", b'T') => KeyUsage::Pin,
        (b"M3", b'T') => KeyUsage::Mac,
        _ => return Err(CryptoError::Refused),
    };
    let (sealed, code) = rest.split_at(rest.len() - version.cipher.block_size());
    let encrypts = version.derived(0)?;
    let authenticates = version.derived(1)?;
    let clear = version.decrypted(&encrypts, code, sealed)?;
    let expected = version.code(&authenticates, &[header, &clear])?;
    let key = clear.strip_prefix(&KEY_BITS).and_then(|it| it.first_chunk::<KEY_BYTES>());
    match key {
        Some(key) if constant_time_eq(&expected, code) => Ok((usage, TdesKey::new(*key))),
        _ => Err(CryptoError::Refused),
    }
}

/// The header with its optional blocks, and the bytes after it.
fn split<'a>(block: &'a str, version: &Version) -> Option<(&'a [u8], Zeroizing<Vec<u8>>)> {
    let bytes = block.as_bytes();
    let is_whole = bytes.len() <= MAX_CHARS && block.get(1..5)?.parse() == Ok(bytes.len());
    if !is_whole || bytes.first() != Some(&version.letter) {
        return None;
    }
    let mut end = HEADER_CHARS;
    for _ in 0..block.get(12..14)?.parse::<usize>().ok()? {
        // Each optional block has a name of two characters and its length in two hexadecimal ones.
        let length = usize::from_str_radix(block.get(end + 2..end + 4)?, 16).ok()?;
        end = end.checked_add(length).filter(|_| length >= 4)?;
    }
    let rest = Zeroizing::new(hex::decode(block.get(end..)?).ok()?);
    let size = version.cipher.block_size();
    let is_blocks = rest.len() >= size + KEY_BITS.len() + KEY_BYTES && rest.len() % size == 0;
    is_blocks.then_some((&bytes[..end], rest))
}

impl Version {
    /// A key derived from the protection key: for encryption (0) or for codes (1).
    fn derived(&self, usage: u8) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let [.., high, low] = (8 * self.derived_bytes).to_be_bytes();
        let mut derived = Zeroizing::new(Vec::with_capacity(self.derived_bytes));
        for counter in 1_u8.. {
            let data = [counter, 0, usage, 0, 0, self.algorithm, high, low];
            derived.extend_from_slice(&self.code(&self.key, &[&data])?);
            if derived.len() >= self.derived_bytes {
                break;
            }
        }
        Ok(if self.letter == b'B' { tripled(&derived) } else { derived })
    }

    /// The CMAC of `parts`, one after the other.
    fn code(&self, key: &[u8], parts: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let code = || -> Result<_, ErrorStack> {
            let key = PKey::cmac(&self.cipher, key)?;
            let mut signer = Signer::new_without_digest(&key)?;
            parts.iter().try_for_each(|part| signer.update(part))?;
            signer.sign_to_vec()
        };
        code().map(Zeroizing::new).map_err(|_| CryptoError::Library)
    }

    fn decrypted(
        &self,
        key: &[u8],
        initial: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let decrypted = || -> Result<_, ErrorStack> {
            let mut crypter = Crypter::new(self.cipher, Mode::Decrypt, key, Some(initial))?;
            crypter.pad(false);
            let mut clear = Zeroizing::new(vec![0; sealed.len() + self.cipher.block_size()]);
            let mut length = crypter.update(sealed, &mut clear)?;
            length += crypter.finalize(&mut clear[length..])?;
            clear.truncate(length);
            Ok(clear)
        };
        decrypted().map_err(|_| CryptoError::Library)
    }
}

/// A key of double length as triple DES takes it: its first half stands for the third.
fn tripled(key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut tripled = Zeroizing::new(Vec::with_capacity(24));
    tripled.extend_from_slice(key);
    tripled.extend_from_slice(&key[..8]);
    tripled
}
