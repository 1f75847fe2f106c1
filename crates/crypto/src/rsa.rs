//! RSA with OpenSSL, for the notices and answers of authorisations (cardbridge-open-api.md section
//! 8.3). The library blinds every private operation.

pub(crate) mod limits;
mod variants;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{RsaHash, RsaPadding};
use openssl::error::ErrorStack;
use openssl::hash::{MessageDigest, hash};
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use zeroize::Zeroizing;

use crate::CryptoError;
use crate::key_text::{self, KeyTextFault};

pub use limits::{MAX_BITS, MAX_EXPONENT_BITS, MAX_KEY_BYTES, MIN_BITS, MIN_EXPONENT};
pub use variants::OaepDigests;

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// A private key, parsed once; clones share it.
#[derive(Clone)]
pub struct RsaPrivateKey {
    key: Arc<PKey<Private>>,
    public: RsaPublicKey,
}

impl RsaPrivateKey {
    /// Makes a new key with the public exponent 65537.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if `bits` is not within [`MIN_BITS`] and [`MAX_BITS`],
    /// [`CryptoError::Library`] if openssl fails.
    pub fn generate(bits: u32) -> Result<Self, CryptoError> {
        if !(MIN_BITS..=MAX_BITS).contains(&bits) {
            return Err(CryptoError::Key);
        }
        let der = generated(bits).and_then(|key| key.private_key_to_pkcs8());
        Self::from_pkcs8_der(&Zeroizing::new(der.map_err(|_| CryptoError::Library)?))
    }

    /// Reads an unencrypted PKCS#8 key.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not one, or its public half is not acceptable.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, CryptoError> {
        if der.len() > MAX_KEY_BYTES {
            return Err(CryptoError::Key);
        }
        let key = PKey::private_key_from_pkcs8(der).map_err(|_| CryptoError::Key)?;
        let spki = key.public_key_to_der().map_err(|_| CryptoError::Key)?;
        Ok(Self { public: RsaPublicKey::from_spki_der(&spki)?, key: Arc::new(key) })
    }

    /// The key as unencrypted PKCS#8: seal it before storing it.
    ///
    /// # Errors
    /// [`CryptoError::Library`] if openssl fails.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.key.private_key_to_pkcs8().map(Zeroizing::new).map_err(|_| CryptoError::Library)
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> &RsaPublicKey {
        &self.public
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over `message`.
    ///
    /// # Errors
    /// [`CryptoError::Library`] if openssl fails.
    pub fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.sign(RsaHash::Sha256, message)
    }

    /// RSASSA-PKCS1-v1_5 with `hash` over `message`.
    ///
    /// # Errors
    /// [`CryptoError::Library`] if openssl fails.
    pub fn sign(&self, hash: RsaHash, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let sign = || -> Result<Vec<u8>, ErrorStack> {
            let mut context = PkeyCtx::new(&self.key)?;
            context.sign_init()?;
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(md(hash))?;
            let mut signature = Vec::with_capacity(self.key.size());
            context.sign_to_vec(&digest(hash, message)?, &mut signature)?;
            Ok(signature)
        };
        sign().map_err(|_| CryptoError::Library)
    }

    /// Decrypts one block. Bad PKCS#1 v1.5 padding is not an error: it gives bytes that look random
    /// and are always the same for the same block, so judge the content.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] for a block not below the modulus or bad OAEP padding. Answer it
    /// exactly like a plaintext that makes no sense.
    pub fn decrypt(
        &self,
        padding: RsaPadding,
        block: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        decrypted(&self.key, padding, block).map_err(|_| CryptoError::Refused)
    }
}

/// A public key, parsed once and checked: modulus of [`MIN_BITS`] to [`MAX_BITS`]
/// bits, odd exponent of at least [`MIN_EXPONENT`]. Clones share it.
#[derive(Clone)]
pub struct RsaPublicKey {
    key: Arc<PKey<Public>>,
    spki: Arc<[u8]>,
}

impl RsaPublicKey {
    /// Reads the DER of an SPKI.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not an acceptable RSA key.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, CryptoError> {
        if der.len() > MAX_KEY_BYTES {
            return Err(CryptoError::Key);
        }
        let key = PKey::public_key_from_der(der).map_err(|_| CryptoError::Key)?;
        Ok(Self::judged(key)?)
    }

    /// Reads a key as people paste it: PEM (`BEGIN PUBLIC KEY` or `BEGIN RSA PUBLIC KEY`) with any
    /// text around it, or base64 of the same in any form.
    ///
    /// # Errors
    /// [`KeyTextFault`] says what the text is instead.
    pub fn from_text(text: &str) -> Result<Self, KeyTextFault> {
        Self::judged(key_text::read(text)?)
    }

    fn judged(key: PKey<Public>) -> Result<Self, KeyTextFault> {
        key_text::judge(&key)?;
        let spki = key.public_key_to_der().map_err(|_| KeyTextFault::NotAKey)?;
        Ok(Self { key: Arc::new(key), spki: spki.into() })
    }

    /// DER of the SPKI.
    #[must_use]
    pub fn to_spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Base64 of the SPKI without line breaks, the form that enterprises exchange.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.spki)
    }

    /// PEM of the SPKI.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let text = self.to_base64();
        let mut pem = format!("{PEM_BEGIN}\n");
        // Base64 is ASCII, so any byte is a character boundary.
        for start in (0..text.len()).step_by(64) {
            pem.push_str(&text[start..text.len().min(start + 64)]);
            pem.push('\n');
        }
        pem.push_str(PEM_END);
        pem.push('\n');
        pem
    }

    /// Length of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.key.bits()
    }

    /// Length of the modulus, and so of a block, in bytes.
    #[must_use]
    pub fn modulus_bytes(&self) -> usize {
        self.key.size()
    }

    /// Encrypts one block.
    ///
    /// # Errors
    /// [`CryptoError::Input`] if `plain` does not fit in one block (at 2048 bits: 245 bytes with
    /// PKCS#1 v1.5, 190 with OAEP).
    pub fn encrypt(&self, padding: RsaPadding, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.encrypt_joined(padding, [plain])
    }

    /// Encrypts each piece into a block of the modulus' length, and joins the blocks.
    ///
    /// # Errors
    /// [`CryptoError::Input`] if a piece does not fit.
    pub fn encrypt_joined<'a>(
        &self,
        padding: RsaPadding,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<u8>, CryptoError> {
        let encrypt = || -> Result<Vec<u8>, ErrorStack> {
            let mut context = PkeyCtx::new(&self.key)?;
            context.encrypt_init()?;
            set_padding(&mut context, padding)?;
            let mut joined = Vec::with_capacity(self.key.size());
            for piece in pieces {
                context.encrypt_to_vec(piece, &mut joined)?;
            }
            Ok(joined)
        };
        encrypt().map_err(|_| CryptoError::Input)
    }

    /// True if `signature` is RSASSA-PKCS1-v1_5 with SHA-256 over `message`.
    #[must_use]
    pub fn verify_sha256(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify(RsaHash::Sha256, message, signature)
    }

    /// True if `signature` is RSASSA-PKCS1-v1_5 with `hash` over `message`.
    #[must_use]
    pub fn verify(&self, hash: RsaHash, message: &[u8], signature: &[u8]) -> bool {
        let verify = || -> Result<bool, ErrorStack> {
            let mut context = PkeyCtx::new(&self.key)?;
            context.verify_init()?;
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(md(hash))?;
            context.verify(&digest(hash, message)?, signature)
        };
        verify().unwrap_or(false)
    }
}

/// Checks that openssl rejects bad PKCS#1 v1.5 padding implicitly: an invalid block must decrypt
/// without an error. If the check fails, the process must not start.
///
/// # Errors
/// [`CryptoError::PaddingOracle`] if it does not, [`CryptoError::Library`] if openssl
/// cannot even make a key.
pub fn self_test() -> Result<(), CryptoError> {
    /// A short throwaway key: the padding check is the same at any length.
    const BITS: u32 = 1024;
    let key = generated(BITS).map_err(|_| CryptoError::Library)?;
    let public = key.rsa().map_err(|_| CryptoError::Library)?;
    // Block type 01 where decryption expects 02, and no zero byte to end the padding.
    let mut invalid = vec![0xAA; public.size() as usize];
    invalid[..2].copy_from_slice(&[0, 1]);
    let mut block = vec![0; invalid.len()];
    public.public_encrypt(&invalid, &mut block, Padding::NONE).map_err(|_| CryptoError::Library)?;
    let twice = [(); 2].map(|()| decrypted(&key, RsaPadding::Pkcs1, &block));
    match twice {
        [Ok(first), Ok(second)] if first == second => Ok(()),
        _ => Err(CryptoError::PaddingOracle),
    }
}

fn generated(bits: u32) -> Result<PKey<Private>, ErrorStack> {
    PKey::from_rsa(Rsa::generate(bits)?)
}

fn decrypted(
    key: &PKeyRef<Private>,
    padding: RsaPadding,
    block: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut context = PkeyCtx::new(key)?;
    context.decrypt_init()?;
    set_padding(&mut context, padding)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(key.size()));
    context.decrypt_to_vec(block, &mut plain)?;
    Ok(plain)
}

fn set_padding<T>(context: &mut PkeyCtx<T>, padding: RsaPadding) -> Result<(), ErrorStack> {
    match padding {
        RsaPadding::Pkcs1 => context.set_rsa_padding(Padding::PKCS1),
        RsaPadding::OaepSha256 => {
            context.set_rsa_padding(Padding::PKCS1_OAEP)?;
            context.set_rsa_oaep_md(Md::sha256())?;
            context.set_rsa_mgf1_md(Md::sha256())
        }
    }
}

fn md(hash: RsaHash) -> &'static MdRef {
    match hash {
        RsaHash::Sha256 => Md::sha256(),
        RsaHash::Sha1 => Md::sha1(),
        RsaHash::Sha512 => Md::sha512(),
    }
}

fn digest(kind: RsaHash, message: &[u8]) -> Result<openssl::hash::DigestBytes, ErrorStack> {
    let digest = match kind {
        RsaHash::Sha256 => MessageDigest::sha256(),
        RsaHash::Sha1 => MessageDigest::sha1(),
        RsaHash::Sha512 => MessageDigest::sha512(),
    };
    hash(digest, message)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use openssl::bn::BigNum;
    use proptest::prelude::*;

    use super::*;

    static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::generate(2048).unwrap());
    const PADDINGS: [RsaPadding; 2] = [RsaPadding::Pkcs1, RsaPadding::OaepSha256];

    /// Made for this test with plain big-number arithmetic; the private half is gone.
    const PUBLIC_KEY: &str = "\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyWBAi0xcUMiuSD1n7jnpY4GWrLIcs8FV7iIn\
        suALCz0w8Mm6fwAeleBj78kAo1u2lUwyXmBawB+VorsBBhAT4zpCfjjq5VzeIkecJ5wo2wVHfHnr4T1Y\
        39Fxz5y3EK1Z+be9WTa9BHwsMkpvZ8PHbzW51hL5w8AVbk5NQs0ZPse0TtHf87hRFdigf1Uwxh3QguT3\
        7hlmjYpXJFTu80QM2s0ESzZi9uh3SPf7BffR3CQQGFnZXW048OhA3nFUhMrobJD91TGWJTsxW78lX/L4\
        ECmXaM0/vJn5z3aiv1+FdKsmuoY+23Xum/Y63HUq52m0pP8l7FeX8iIeydGNzKA5cQIDAQAB";
    const MESSAGE: &[u8] = b"HtWKTojgJIeTtXPPTpkSO3ItwaE=";
    const SIGNATURE: &str = "\
        Fb2VLnoziiZcQeKucfIIDVc9zaLK3ap/eA01uHpWidvPOz9YGWngRbHe9iN6l0JdACnKxq0K6zBesjsy\
        5vovS0n8J+dKL8YIivdJsE4Y2D7QHHhiBda0L2cfXvCkjtyKh74wPCeJuMgQrFVwZxWMeqCXVlrufVX+\
        TJVqaHLPB4mr6264sESY0+k5+3gTYNZDZvWJoVUbf7Qxn0U9gMmBsPrX70QZyjWeZc1c6j86bD+uRaGY\
        7OrRY1VT0gejpXM1l1nurdJc8KA7zxHb1dsYLhLOChZDEoTrwNLAx0KOhHlzqw54rsHYIWDMBr1LRiuq\
        WZg5d76pq02Jmhn9afsi1A==";

    #[test]
    fn a_signature_made_by_arithmetic_verifies_over_its_message_only() {
        let key = RsaPublicKey::from_text(PUBLIC_KEY).unwrap();
        let signature = STANDARD.decode(SIGNATURE).unwrap();
        assert!(key.verify_sha256(MESSAGE, &signature));
        assert!(!key.verify_sha256(b"HtWKTojgJIeTtXPPTpkSO3ItwaF=", &signature));
        assert!(!key.verify_sha256(MESSAGE, &signature[1..]));
        assert!(!key.verify_sha256(MESSAGE, &[]));
        assert!(!KEY.public_key().verify_sha256(MESSAGE, &signature));
    }

    #[test]
    fn signatures_verify_with_the_public_half() {
        let mut signature = KEY.sign_sha256(MESSAGE).unwrap();
        assert_eq!(signature.len(), 256);
        assert!(KEY.public_key().verify_sha256(MESSAGE, &signature));
        signature[100] ^= 1;
        assert!(!KEY.public_key().verify_sha256(MESSAGE, &signature));
    }

    #[test]
    fn a_signature_verifies_under_its_own_digest_only() {
        for hash in RsaHash::ALL {
            let signature = KEY.sign(*hash, MESSAGE).unwrap();
            for other in RsaHash::ALL {
                let verifies = KEY.public_key().verify(*other, MESSAGE, &signature);
                assert_eq!(verifies, hash == other, "{hash} {other}");
            }
        }
    }

    #[test]
    fn keys_survive_all_their_texts() {
        let again = RsaPrivateKey::from_pkcs8_der(&KEY.to_pkcs8_der().unwrap()).unwrap();
        let block = KEY.public_key().encrypt(RsaPadding::Pkcs1, b"text").unwrap();
        assert_eq!(&**again.decrypt(RsaPadding::Pkcs1, &block).unwrap(), b"text");

        let public = KEY.public_key();
        for text in [public.to_base64(), public.to_pem()] {
            let read = RsaPublicKey::from_text(&text).unwrap();
            assert_eq!(read.to_spki_der(), public.to_spki_der());
            assert_eq!(read.bits(), 2048);
        }
        let openssl_pem = public.key.public_key_to_pem().unwrap();
        assert_eq!(public.to_pem().as_bytes(), openssl_pem);
    }

    #[test]
    fn unacceptable_public_keys_are_refused() {
        let refused = |text: &str| RsaPublicKey::from_text(text).is_err();

        let base64 = |key: PKey<Public>| STANDARD.encode(key.public_key_to_der().unwrap());
        let modulus = || KEY.public_key().key.rsa().unwrap().n().to_owned().unwrap();
        let with = |modulus: BigNum, exponent: &str| {
            let exponent = BigNum::from_dec_str(exponent).unwrap();
            base64(PKey::from_rsa(Rsa::from_public_components(modulus, exponent).unwrap()).unwrap())
        };
        for exponent in ["1", "2", "65536", "340282366920938463463374607431768211457"] {
            assert!(refused(&with(modulus(), exponent)), "{exponent}");
        }
        assert!(!refused(&with(modulus(), "3")));
        let mut even = modulus();
        even.clear_bit(0).unwrap();
        assert!(refused(&with(even, "65537")));
        let short = generated(1024).unwrap().rsa().unwrap().n().to_owned().unwrap();
        assert!(refused(&with(short, "65537")));
        let mut long = modulus();
        long.set_bit(4096).unwrap();
        assert!(refused(&with(long, "65537")));
    }

    #[test]
    fn keys_of_other_kinds_and_sizes_are_refused() {
        let curve =
            openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(openssl::ec::EcKey::generate(&curve).unwrap()).unwrap();
        assert!(RsaPublicKey::from_spki_der(&key.public_key_to_der().unwrap()).is_err());
        assert!(RsaPrivateKey::from_pkcs8_der(&key.private_key_to_pkcs8().unwrap()).is_err());
        let short = generated(1024).unwrap().private_key_to_pkcs8().unwrap();
        assert!(RsaPrivateKey::from_pkcs8_der(&short).is_err());
        assert!(RsaPrivateKey::from_pkcs8_der(&[0x30; MAX_KEY_BYTES + 1]).is_err());
        for bits in [0, 512, 2047, 4097] {
            assert!(RsaPrivateKey::generate(bits).err() == Some(CryptoError::Key), "{bits}");
        }
    }

    #[test]
    fn a_text_that_does_not_fit_into_one_block_is_refused() {
        let public = KEY.public_key();
        for (padding, longest) in [(RsaPadding::Pkcs1, 245), (RsaPadding::OaepSha256, 190)] {
            let block = public.encrypt(padding, &vec![7; longest]).unwrap();
            assert_eq!(KEY.decrypt(padding, &block).unwrap().len(), longest);
            assert_eq!(public.encrypt(padding, &vec![7; longest + 1]), Err(CryptoError::Input));
        }
    }

    #[test]
    fn implicit_rejection_is_in_place() {
        assert_eq!(self_test(), Ok(()));
    }

    #[test]
    fn a_tampered_pkcs1_block_decrypts_to_the_same_other_bytes_each_time() {
        let mut block = KEY.public_key().encrypt(RsaPadding::Pkcs1, b"approved").unwrap();
        block[255] ^= 1;
        let first = KEY.decrypt(RsaPadding::Pkcs1, &block).unwrap();
        assert_ne!(&**first, b"approved");
        assert_eq!(first, KEY.decrypt(RsaPadding::Pkcs1, &block).unwrap());
    }

    #[test]
    fn blocks_beyond_the_modulus_of_wrong_length_and_tampered_oaep_are_refused() {
        for padding in PADDINGS {
            for block in [&[0xFF; 256][..], &[1; 257], &[]] {
                assert!(KEY.decrypt(padding, block).err() == Some(CryptoError::Refused));
            }
        }
        let mut block = KEY.public_key().encrypt(RsaPadding::OaepSha256, b"approved").unwrap();
        block[255] ^= 1;
        let opened = KEY.decrypt(RsaPadding::OaepSha256, &block);
        assert!(opened.err() == Some(CryptoError::Refused));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn what_was_encrypted_decrypts(plain in prop::collection::vec(any::<u8>(), 0..=190)) {
            for padding in PADDINGS {
                let block = KEY.public_key().encrypt(padding, &plain).unwrap();
                prop_assert_eq!(&*KEY.decrypt(padding, &block).unwrap(), &plain);
            }
        }
    }
}
