//! The enterprise's half of an authorisation: open the notice and answer it (cardbridge-open-api.md
//! section 8).

use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey};
use domain::{ResponseCode, RsaScheme};
use wire::cardbridge::authorisation_notice as wire_notice;

pub use wire_notice::{AUTH_SIGNATURE_HEADER, Notice, NoticeData, NoticeFault};

/// The keys of both sides and the scheme they agreed on. Parse them once and keep them: each
/// operation is one private and one public RSA step, best run off an async thread.
#[derive(Clone)]
pub struct NoticeKeys {
    platform_key: RsaPublicKey,
    own_key: RsaPrivateKey,
    scheme: RsaScheme,
}

impl NoticeKeys {
    /// From keys that are already parsed.
    #[must_use]
    pub fn new(
        platform_key: RsaPublicKey,
        own_key: RsaPrivateKey,
        scheme: impl Into<RsaScheme>,
    ) -> Self {
        Self { platform_key, own_key, scheme: scheme.into() }
    }

    /// From the platform's public key as handed over (base64 SPKI or PEM) and the enterprise's
    /// private key as PKCS#8 DER; a padding by itself means the scheme with the defaults.
    ///
    /// # Errors
    /// One of the two is not a usable RSA key.
    pub fn read(
        platform_key: &str,
        own_key_pkcs8: &[u8],
        scheme: impl Into<RsaScheme>,
    ) -> Result<Self, CryptoError> {
        let platform_key = RsaPublicKey::from_text(platform_key)?;
        Ok(Self::new(platform_key, RsaPrivateKey::from_pkcs8_der(own_key_pkcs8)?, scheme))
    }

    /// Verifies a notice, decrypts it and compares what was encrypted with the clear copies.
    /// `auth_signature` is the value of [`AUTH_SIGNATURE_HEADER`]. The notice's `webhook_id` is the
    /// idempotency key: give a repeat the first answer again.
    ///
    /// # Errors
    /// [`NoticeFault`]: send no answer that could be read as an approval.
    pub fn open(&self, body: &[u8], auth_signature: &str) -> Result<Notice, NoticeFault> {
        wire_notice::open_notice(
            body,
            auth_signature,
            &self.platform_key,
            &self.own_key,
            self.scheme,
        )
    }

    /// The encrypted and signed body that answers a notice; send it with HTTP 200.
    ///
    /// # Errors
    /// The keys are unusable.
    pub fn reply(&self, notice: &Notice, code: ResponseCode) -> Result<Vec<u8>, CryptoError> {
        wire_notice::seal_reply(
            &notice.data.auth_id,
            code,
            &self.platform_key,
            &self.own_key,
            self.scheme,
        )
    }
}
