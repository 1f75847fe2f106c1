//! Forms of RSA that the platform does not use. The sandbox tries them to tell an enterprise which
//! one it used.

use std::fmt;

use domain::RsaHash;
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use zeroize::Zeroizing;

use super::{RsaPrivateKey, RsaPublicKey, digest, md};
use crate::CryptoError;

/// Digests of an OAEP padding other than SHA-256 for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OaepDigests {
    /// SHA-256, with SHA-1 in MGF1.
    Sha256WithMgf1Sha1,
    /// SHA-1 for both.
    Sha1,
}

impl OaepDigests {
    /// Every variant.
    pub const OTHERS: [Self; 2] = [Self::Sha256WithMgf1Sha1, Self::Sha1];
}

impl fmt::Display for OaepDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256WithMgf1Sha1 => "SHA-256 with MGF1 of SHA-1",
            Self::Sha1 => "SHA-1",
        })
    }
}

impl RsaPrivateKey {
    /// Decrypts one block with OAEP padding of these digests.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] if it does not open.
    pub fn decrypt_oaep(
        &self,
        digests: OaepDigests,
        block: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let decrypt = || -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
            let mut context = PkeyCtx::new(&self.key)?;
            context.decrypt_init()?;
            context.set_rsa_padding(Padding::PKCS1_OAEP)?;
            context.set_rsa_oaep_md(match digests {
                OaepDigests::Sha256WithMgf1Sha1 => Md::sha256(),
                OaepDigests::Sha1 => Md::sha1(),
            })?;
            context.set_rsa_mgf1_md(Md::sha1())?;
            let mut plain = Zeroizing::new(Vec::with_capacity(self.key.size()));
            context.decrypt_to_vec(block, &mut plain)?;
            Ok(plain)
        };
        decrypt().map_err(|_| CryptoError::Refused)
    }
}

impl RsaPublicKey {
    /// True if `signature` is RSASSA-PSS with `hash` over `message`, with salt of any length.
    #[must_use]
    pub fn verify_pss(&self, hash: RsaHash, message: &[u8], signature: &[u8]) -> bool {
        let verify = || -> Result<bool, ErrorStack> {
            let mut context = PkeyCtx::new(&self.key)?;
            context.verify_init()?;
            context.set_rsa_padding(Padding::PKCS1_PSS)?;
            context.set_signature_md(md(hash))?;
            // When verifying, the library takes this to mean any length.
            context.set_rsa_pss_saltlen(RsaPssSaltlen::MAXIMUM_LENGTH)?;
            context.verify(&digest(hash, message)?, signature)
        };
        verify().unwrap_or(false)
    }
}
