//! SHA-256, HMAC and HKDF. HMAC comes from the `hmac` crate: OpenSSL's looks up its digest and
//! allocates on each call, and takes three times as many instructions for a signature.

use hmac::{Hmac, KeyInit as _, Mac as _};
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::sha;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const MEMORY: &str = "hashing in memory fails only where memory is at its end";

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha::sha256(bytes)
}

/// A SHA-256 that is fed piece by piece.
#[derive(Default)]
pub struct Sha256(sha::Sha256);

impl Sha256 {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all pieces, one after the other.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}

/// HMAC-SHA256 of `parts`, one after the other without separators
/// (cardbridge-open-api.md section 3.2).
#[must_use]
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Returns whether `tag` is the HMAC-SHA256 of `parts`, in time that does not depend on where they
/// differ.
#[must_use]
pub fn hmac_sha256_matches(key: &[u8], parts: &[&[u8]], tag: &[u8]) -> bool {
    constant_time_eq(&hmac_sha256(key, parts), tag)
}

/// Returns whether both are equal, in time that depends on their lengths only.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// A 32-byte key derived from `secret` by HKDF-SHA256 (RFC 5869). The parts of `info` are
/// concatenated without separators, so callers must make them unambiguous.
#[must_use]
pub fn hkdf_sha256(secret: &[u8], salt: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    derive(secret, salt, &info.concat(), key.as_mut_slice()).expect(MEMORY);
    key
}

fn derive(secret: &[u8], salt: &[u8], info: &[u8], key: &mut [u8]) -> Result<(), ErrorStack> {
    let mut context = PkeyCtx::new_id(Id::HKDF)?;
    context.derive_init()?;
    context.set_hkdf_md(Md::sha256())?;
    context.set_hkdf_salt(salt)?;
    context.set_hkdf_key(secret)?;
    context.add_hkdf_info(info)?;
    context.derive(Some(key))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_as_the_whole() {
        let mut hash = Sha256::default();
        hash.update(b"a");
        hash.update(b"bc");
        assert_eq!(hash.finish(), sha256(b"abc"));
    }

    const API_KEY: &[u8] = b"AK0000000000000000000000000000TEST";
    const SECRET_KEY: &[u8] = b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    #[test]
    fn request_signatures_match_the_vectors_of_section_3_6() {
        for (payload, signature) in [
            (
                "cardId=4591298458535677185",
                "91f26e296e5a36cc5dbe81aa76a0c02b9aca568d49a566bdde8776e591db9301",
            ),
            (
                r#"{"cardId":"4591298458535677185","freeze":true}"#,
                "8550d22bfeee2360a6b847015f8174c2a3aa301ba60ae4bc52c0dbf19c51d77c",
            ),
            ("", "d3d536ab1269698a09466fa601dd43cbfdb7d402502a8b28284e6d3b53f46c55"),
        ] {
            let parts = [API_KEY, b"1735689600000", b"12345", payload.as_bytes()];
            let tag = hmac_sha256(SECRET_KEY, &parts);
            assert_eq!(hex::encode(tag), signature);
            assert!(hmac_sha256_matches(SECRET_KEY, &parts, &tag));
        }
        let webhook = br#"{"webhookId":"wh_1","webhookType":"CARD"}"#;
        assert_eq!(
            hex::encode(hmac_sha256(SECRET_KEY, &[webhook])),
            "48928b0fba517623e8d9d58fb17b29ae5643a862906089a66130f15ecdfbf9ac"
        );
    }

    #[test]
    fn a_changed_or_shortened_tag_does_not_match() {
        let mut tag = hmac_sha256(b"key", &[b"message"]);
        assert!(!hmac_sha256_matches(b"key", &[b"message"], &tag[..31]));
        assert!(!hmac_sha256_matches(b"key", &[b"message"], &[]));
        assert!(!hmac_sha256_matches(b"yek", &[b"message"], &tag));
        tag[31] ^= 1;
        assert!(!hmac_sha256_matches(b"key", &[b"message"], &tag));
    }

    #[test]
    fn an_empty_key_gives_the_known_tag() {
        assert_eq!(
            hex::encode(hmac_sha256(b"", &[])),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        );
    }

    #[test]
    fn sha256_of_nothing_is_the_known_value() {
        assert_eq!(
            hex::encode(sha256(b"")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn hkdf_gives_the_first_block_of_rfc_5869_case_1() {
        let salt = hex::decode("000102030405060708090a0b0c").unwrap();
        let info = hex::decode("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let key = hkdf_sha256(&[0x0b; 22], &salt, &[&info[..4], &info[4..]]);
        assert_eq!(
            hex::encode(*key),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
    }
}
