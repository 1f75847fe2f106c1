//! The enterprise: the API's customer and its settings.

use std::fmt;

use ipnet::IpNet;

use crate::text::text_enum;
use crate::{EnterpriseId, StandIn, Timestamp, VmAppId};

text_enum! {
    /// The padding that encrypts the authorisation notice and its answer (cardbridge-open-api.md
    /// section 8.3).
    RsaPadding {
        /// RSAES-PKCS1-v1_5, the default.
        Pkcs1 = "PKCS1",
        /// RSAES-OAEP with SHA-256.
        OaepSha256 = "OAEP_SHA256",
    }
}

text_enum! {
    /// The digest of the RSA signatures on notice and answer (cardbridge-open-api.md
    /// section 15, F3).
    RsaHash {
        /// SHA-256, the default.
        Sha256 = "SHA256",
        /// SHA-1, for enterprises whose systems know nothing else.
        Sha1 = "SHA1",
        /// SHA-512.
        Sha512 = "SHA512",
    }
}

text_enum! {
    /// The bytes of a ciphertext that the platform signs (cardbridge-open-api.md section 15, F3).
    RsaSignedBytes {
        /// Those of its base64 text, the default.
        Text = "TEXT",
        /// The ciphertext itself.
        Raw = "RAW",
    }
}

/// Encryption and signatures of an enterprise's notices and answers (cardbridge-open-api.md
/// sections 8.3 and 15, F3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RsaScheme {
    /// Padding of the encryption, in both directions.
    pub padding: RsaPadding,
    /// Digest of the signatures, in both directions.
    pub hash: RsaHash,
    /// The bytes that the platform signs; from the enterprise both are accepted.
    pub signed_bytes: RsaSignedBytes,
}

impl From<RsaPadding> for RsaScheme {
    /// The scheme with this padding and the defaults.
    fn from(padding: RsaPadding) -> Self {
        Self { padding, hash: RsaHash::Sha256, signed_bytes: RsaSignedBytes::Text }
    }
}

/// A URL that the platform calls, sealed by the vault: its path or query may contain a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedUrl(Vec<u8>);

impl SealedUrl {
    /// A URL that was sealed.
    #[must_use]
    pub const fn from_sealed(sealed: Vec<u8>) -> Self {
        Self(sealed)
    }

    /// Its sealed bytes.
    #[must_use]
    pub fn as_sealed(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedUrl")
    }
}

/// The use of an enterprise's URL. Each URL is sealed for its own use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlUse {
    /// Receives its webhooks.
    Webhook,
    /// Receives its authorisation notices.
    Auth,
    /// Receives the webhooks of one of its apps.
    AppWebhook(VmAppId),
}

/// An enterprise and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enterprise {
    /// Id.
    pub enterprise_id: EnterpriseId,
    /// Name, for operators.
    pub name: String,
    /// URL that receives webhooks.
    pub webhook_url: Option<SealedUrl>,
    /// URL that receives authorisation notices.
    pub auth_url: Option<SealedUrl>,
    /// The enterprise's RSA public key, DER of its SPKI.
    pub external_public_key: Option<Vec<u8>>,
    /// The API key whose secret signs webhooks; `None` = the oldest active one.
    pub webhook_key: Option<String>,
    /// Networks that may call; empty = any (sandbox only).
    pub ip_allowlist: Vec<IpNet>,
    /// Hosts that a hosted page may redirect to; empty = any (sandbox only).
    pub redirect_hosts: Vec<String>,
    /// Origins that may frame a hosted page, and whose scripts may upload documents.
    pub page_origins: Vec<String>,
    /// True if the enterprise is PCI-certified.
    pub pci: bool,
    /// Time for which an authorisation waits for the enterprise, in milliseconds.
    pub auth_deadline_ms: u32,
    /// Encryption of notices.
    pub rsa_padding: RsaPadding,
    /// Digest of the signatures on notices and answers.
    pub rsa_hash: RsaHash,
    /// The bytes of a notice that are signed.
    pub rsa_signed_bytes: RsaSignedBytes,
    /// What is approved in its place while it does not answer; `None` = nothing.
    pub stand_in: Option<StandIn>,
    /// Created.
    pub created_at: Timestamp,
}

impl Enterprise {
    /// Default of `auth_deadline_ms`.
    pub const DEFAULT_AUTH_DEADLINE_MS: u32 = 2_000;
    /// Smallest `auth_deadline_ms`.
    pub const MIN_AUTH_DEADLINE_MS: u32 = 500;
    /// Largest `auth_deadline_ms`.
    pub const MAX_AUTH_DEADLINE_MS: u32 = 3_000;

    /// An enterprise that has no addresses and no key yet.
    #[must_use]
    pub const fn new(enterprise_id: EnterpriseId, name: String, created_at: Timestamp) -> Self {
        Self {
            enterprise_id,
            name,
            webhook_url: None,
            auth_url: None,
            external_public_key: None,
            webhook_key: None,
            ip_allowlist: Vec::new(),
            redirect_hosts: Vec::new(),
            page_origins: Vec::new(),
            pci: false,
            auth_deadline_ms: Self::DEFAULT_AUTH_DEADLINE_MS,
            rsa_padding: RsaPadding::Pkcs1,
            rsa_hash: RsaHash::Sha256,
            rsa_signed_bytes: RsaSignedBytes::Text,
            stand_in: None,
            created_at,
        }
    }

    /// Encryption and signatures of its notices and answers.
    #[must_use]
    pub const fn rsa_scheme(&self) -> RsaScheme {
        RsaScheme {
            padding: self.rsa_padding,
            hash: self.rsa_hash,
            signed_bytes: self.rsa_signed_bytes,
        }
    }
}

/// An API key of dialect 1. Its secret is stored sealed by the vault.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's public text, as sent in `X-DAPI-API-KEY`.
    pub api_key: String,
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The secret, sealed by the vault; opaque to everyone else.
    pub sealed_secret: Vec<u8>,
    /// Created.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// The API key that signs what goes to an enterprise: the one named by the operator if it is
    /// active, otherwise the oldest active one (operator-and-sandbox.md section 5, Webhooks).
    /// `keys` are the enterprise's own, oldest first.
    #[must_use]
    pub fn signing<'a>(keys: &'a [Self], named: Option<&str>) -> Option<&'a Self> {
        let mut active = keys.iter().filter(|key| key.revoked_at.is_none());
        let chosen = active.clone().find(|key| Some(key.api_key.as_str()) == named);
        chosen.or_else(|| active.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, is_revoked: bool) -> ApiKey {
        ApiKey {
            api_key: name.to_owned(),
            enterprise_id: EnterpriseId::from_i64(1),
            sealed_secret: Vec::new(),
            created_at: Timestamp::default(),
            revoked_at: is_revoked.then(Timestamp::default),
        }
    }

    #[test]
    fn the_named_key_signs_while_active_and_otherwise_the_oldest_active_one() {
        let keys = [key("a", true), key("b", false), key("c", false), key("d", true)];
        let chosen = |named| ApiKey::signing(&keys, named).map(|key| key.api_key.as_str());
        assert_eq!(chosen(None), Some("b"));
        assert_eq!(chosen(Some("c")), Some("c"));
        assert_eq!(chosen(Some("d")), Some("b"));
        assert_eq!(chosen(Some("of another enterprise")), Some("b"));
        assert!(ApiKey::signing(&keys[..1], Some("a")).is_none());
    }
}
