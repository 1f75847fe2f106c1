//! AES-256-GCM with a random nonce, for data at rest.

use domain::Random;
use openssl::error::ErrorStack;
use openssl::symm::{Cipher, Crypter, Mode, encrypt_aead};
use zeroize::{Zeroize as _, Zeroizing};

use crate::CryptoError;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// An AES-256-GCM key. Nonces are random, so one key seals at most 2^32 texts.
pub struct AeadKey(Zeroizing<[u8; 32]>);

impl AeadKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let key = Zeroizing::new(bytes);
        bytes.zeroize();
        Self(key)
    }

    /// Encrypts `plain` and binds `associated`: nonce, ciphertext, tag.
    #[must_use]
    pub fn seal(&self, random: &dyn Random, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut tag = [0; TAG_LEN];
        let ciphertext = encrypt_aead(
            Cipher::aes_256_gcm(),
            self.0.as_slice(),
            Some(&nonce),
            associated,
            plain,
            &mut tag,
        )
        .expect("no text in memory is beyond the limit of GCM");
        [&nonce, ciphertext.as_slice(), &tag].concat()
    }

    /// Decrypts what [`AeadKey::seal`] made with the same `associated`.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] for anything else.
    pub fn open(
        &self,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(CryptoError::Refused)?;
        let length = rest.len().checked_sub(TAG_LEN).ok_or(CryptoError::Refused)?;
        let (ciphertext, tag) = rest.split_at(length);
        self.decrypted(nonce, associated, ciphertext, tag).map_err(|_| CryptoError::Refused)
    }

    /// The decrypted bytes are wiped even if the tag turns out to be wrong.
    fn decrypted(
        &self,
        nonce: &[u8],
        associated: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
        let cipher = Cipher::aes_256_gcm();
        let mut crypter = Crypter::new(cipher, Mode::Decrypt, self.0.as_slice(), Some(nonce))?;
        crypter.aad_update(associated)?;
        // OpenSSL requires room for one block beyond the text.
        let mut plain = Zeroizing::new(vec![0; ciphertext.len() + cipher.block_size()]);
        let mut length = crypter.update(ciphertext, &mut plain)?;
        crypter.set_tag(tag)?;
        length += crypter.finalize(&mut plain[length..])?;
        plain.truncate(length);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    use domain::SystemRandom;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_sealed_opens_and_any_flipped_bit_is_refused(
            key: [u8; 32],
            associated: Vec<u8>,
            plain: Vec<u8>,
            position: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            let key = AeadKey::new(key);
            let mut sealed = key.seal(&SystemRandom, &associated, &plain);
            prop_assert_eq!(&*key.open(&associated, &sealed).unwrap(), &plain);
            let at = position.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key.open(&associated, &sealed).err() == Some(CryptoError::Refused));
        }

        #[test]
        fn other_associated_data_and_cut_texts_are_refused(
            plain: Vec<u8>,
            cut: prop::sample::Index,
        ) {
            let key = AeadKey::new([7; 32]);
            let sealed = key.seal(&SystemRandom, b"here", &plain);
            prop_assert!(key.open(b"there", &sealed).is_err());
            prop_assert!(key.open(b"here", &sealed[..cut.index(sealed.len())]).is_err());
        }
    }

    #[test]
    fn what_another_library_sealed_opens() {
        // Test case 14 of the GCM specification: key, nonce and text are zeros.
        let ciphertext = "cea7403d4d606b6e074ec5d3baf39d18";
        let tag = "d0d1c8a799996bf0265b98b5d48ab919";
        let sealed = hex::decode(["00".repeat(NONCE_LEN).as_str(), ciphertext, tag].concat());
        let opened = AeadKey::new([0; 32]).open(b"", &sealed.unwrap());
        assert_eq!(*opened.ok().unwrap(), [0; 16]);
    }

    #[test]
    fn sealing_twice_never_repeats_the_nonce() {
        let key = AeadKey::new([7; 32]);
        assert_ne!(key.seal(&SystemRandom, b"", b"same"), key.seal(&SystemRandom, b"", b"same"));
    }
}
