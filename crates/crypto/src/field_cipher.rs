//! AES-256-GCM of single fields on dialect 1's wire (cardbridge-open-api.md section 5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use crate::{CryptoError, base64_text};

/// Length of the IV that the platform sends, in bytes.
pub const IV_BYTES: usize = 12;
/// The other IV length that is accepted: callers who follow the Javadoc send it.
pub const LONG_IV_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// Encrypts one field and returns the base64 of ciphertext and 128-bit tag. `secret_key_text` is
/// the API secret as it is handed out: base64 of 32 bytes.
///
/// # Errors
/// [`CryptoError::Key`] if the secret does not have that form, [`CryptoError::Input`] if the IV has
/// neither 12 nor 16 bytes.
pub fn encrypt(secret_key_text: &str, iv: &[u8], plain: &[u8]) -> Result<String, CryptoError> {
    let key = key_of(secret_key_text)?;
    check_iv(iv)?;
    let mut tag = [0; TAG_BYTES];
    let mut sealed =
        encrypt_aead(Cipher::aes_256_gcm(), key.as_slice(), Some(iv), &[], plain, &mut tag)
            .map_err(|_| CryptoError::Library)?;
    sealed.extend_from_slice(&tag);
    Ok(STANDARD.encode(sealed))
}

/// Decrypts one field that [`encrypt`] or the enterprise's own code made.
///
/// # Errors
/// As [`encrypt`]; [`CryptoError::Refused`] if the text is not base64, too short,
/// or made with another key or IV.
pub fn decrypt(
    secret_key_text: &str,
    iv: &[u8],
    text: &str,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let key = key_of(secret_key_text)?;
    check_iv(iv)?;
    let sealed = base64_text::decode(text).ok_or(CryptoError::Refused)?;
    let length = sealed.len().checked_sub(TAG_BYTES).ok_or(CryptoError::Refused)?;
    let (ciphertext, tag) = sealed.split_at(length);
    decrypt_aead(Cipher::aes_256_gcm(), key.as_slice(), Some(iv), &[], ciphertext, tag)
        .map(Zeroizing::new)
        .map_err(|_| CryptoError::Refused)
}

fn key_of(secret_key_text: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let key = STANDARD.decode(secret_key_text).map(Zeroizing::new).map_err(|_| CryptoError::Key)?;
    if key.len() == KEY_BYTES { Ok(key) } else { Err(CryptoError::Key) }
}

const fn check_iv(iv: &[u8]) -> Result<(), CryptoError> {
    match iv.len() {
        IV_BYTES | LONG_IV_BYTES => Ok(()),
        _ => Err(CryptoError::Input),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    #[test]
    fn fields_match_the_vectors_of_section_5() {
        let iv = STANDARD.decode("AAECAwQFBgcICQoL").unwrap();
        for (plain, sealed) in [
            ("3012", "HtWKTojgJIeTtXPPTpkSO3ItwaE="),
            ("123", "HNeI7Rpkqtcs8KG5HRXa2qafSw=="),
            ("4111111111111111", "GdSKTegp452Z7UCPQP7gNUiUTqDsx/T8Pm+r5+lgoGs="),
        ] {
            assert_eq!(encrypt(SECRET_KEY, &iv, plain.as_bytes()).as_deref(), Ok(sealed));
            assert_eq!(&**decrypt(SECRET_KEY, &iv, sealed).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn wrong_keys_ivs_and_texts_are_distinguished_only_for_the_callers_own_input() {
        let iv = [0; 12];
        let sealed = encrypt(SECRET_KEY, &iv, b"3012").unwrap();
        let error = |key: &str, iv: &[u8], text: &str| decrypt(key, iv, text).err();
        assert_eq!(error("MDEy", &iv, &sealed), Some(CryptoError::Key));
        assert_eq!(error("not base64", &iv, &sealed), Some(CryptoError::Key));
        assert_eq!(error(SECRET_KEY, &[0; 13], &sealed), Some(CryptoError::Input));
        for text in ["", "AAAA", "*", "HtWKTojgJIeTtXPPTpkSO3ItwaE="] {
            assert_eq!(error(SECRET_KEY, &iv, text), Some(CryptoError::Refused), "{text}");
        }
    }

    proptest! {
        #[test]
        fn fields_round_trip_with_both_iv_lengths(plain: Vec<u8>, iv: [u8; 16], long: bool) {
            let iv = if long { &iv[..] } else { &iv[..12] };
            let sealed = encrypt(SECRET_KEY, iv, &plain).unwrap();
            prop_assert_eq!(&*decrypt(SECRET_KEY, iv, &sealed).unwrap(), &plain);
        }
    }
}
