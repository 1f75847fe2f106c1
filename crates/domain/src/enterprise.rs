//! The enterprise: the API's customer and its settings.

use ipnet::IpNet;

use crate::text::text_enum;
use crate::{EnterpriseId, Timestamp};

text_enum! {
    /// How the authorisation notice and its answer are encrypted
    /// (cardbridge-open-api.md section 8.3).
    RsaPadding {
        /// RSAES-PKCS1-v1_5, the default.
        Pkcs1 = "PKCS1",
        /// RSAES-OAEP with SHA-256.
        OaepSha256 = "OAEP_SHA256",
    }
}

/// An enterprise and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enterprise {
    /// Id.
    pub enterprise_id: EnterpriseId,
    /// Name, for operators.
    pub name: String,
    /// Where webhooks go.
    pub webhook_url: Option<String>,
    /// Where authorisation notices go.
    pub auth_url: Option<String>,
    /// The enterprise's RSA public key, DER of its SPKI.
    pub external_public_key: Option<Vec<u8>>,
    /// The API key whose secret signs webhooks; none = the oldest active one.
    pub webhook_key: Option<String>,
    /// Networks that may call; empty = any (sandbox only).
    pub ip_allowlist: Vec<IpNet>,
    /// Hosts that a hosted page may redirect to.
    pub redirect_hosts: Vec<String>,
    /// Origins that may frame a hosted page.
    pub page_origins: Vec<String>,
    /// Whether the enterprise has PCI papers.
    pub pci: bool,
    /// How long an authorisation waits for the enterprise, in milliseconds.
    pub auth_deadline_ms: u32,
    /// Encryption of notices.
    pub rsa_padding: RsaPadding,
    /// Created.
    pub created_at: Timestamp,
}

impl Enterprise {
    /// Default of `auth_deadline_ms` (DESIGN decision 11).
    pub const DEFAULT_AUTH_DEADLINE_MS: u32 = 2_000;
    /// Least `auth_deadline_ms`.
    pub const MIN_AUTH_DEADLINE_MS: u32 = 500;
    /// Most `auth_deadline_ms`.
    pub const MAX_AUTH_DEADLINE_MS: u32 = 3_000;
}

/// An API key of dialect 1. Its secret lives sealed, in the vault's care.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's public text, as it stands in `X-DAPI-API-KEY`.
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
