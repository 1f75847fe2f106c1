//! The columns of an enterprise, its API keys and its platform keys.

use domain::{ApiKey, Enterprise, EnterpriseId, SealedUrl};

use super::{Fields, lines};
use crate::engine::{Row, Value};
use crate::{PlatformKey, StoreError};

/// The columns of an enterprise.
pub(crate) const ENTERPRISE_COLUMNS: &str = "\
    enterprise_id, name, sealed_webhook_url, sealed_auth_url, \
    external_public_key, webhook_key, ip_allowlist, redirect_hosts, page_origins, pci, \
    auth_deadline_ms, rsa_padding, rsa_hash, rsa_signed_bytes, created_at";

/// Reads an enterprise from [`ENTERPRISE_COLUMNS`].
pub(crate) fn enterprise_from(row: &Row) -> Result<Enterprise, StoreError> {
    let mut f = Fields::of(row);
    Ok(Enterprise {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        name: f.text()?,
        webhook_url: f.opt_bytes()?.map(SealedUrl::from_sealed),
        auth_url: f.opt_bytes()?.map(SealedUrl::from_sealed),
        external_public_key: f.opt_bytes()?,
        webhook_key: f.opt_text()?,
        ip_allowlist: f.lines("enterprise.ip_allowlist")?,
        redirect_hosts: f.lines("enterprise.redirect_hosts")?,
        page_origins: f.lines("enterprise.page_origins")?,
        pci: f.flag()?,
        auth_deadline_ms: f.small("enterprise.auth_deadline_ms")?,
        rsa_padding: f.parsed("enterprise.rsa_padding")?,
        rsa_hash: f.parsed("enterprise.rsa_hash")?,
        rsa_signed_bytes: f.parsed("enterprise.rsa_signed_bytes")?,
        created_at: f.time()?,
    })
}

/// The values of an enterprise for [`ENTERPRISE_COLUMNS`].
pub(crate) fn enterprise_values(enterprise: &Enterprise) -> Vec<Value> {
    vec![
        enterprise.enterprise_id.into(),
        (&enterprise.name).into(),
        enterprise.webhook_url.as_ref().map(SealedUrl::as_sealed).into(),
        enterprise.auth_url.as_ref().map(SealedUrl::as_sealed).into(),
        enterprise.external_public_key.clone().into(),
        enterprise.webhook_key.as_ref().into(),
        lines(&enterprise.ip_allowlist),
        lines(&enterprise.redirect_hosts),
        lines(&enterprise.page_origins),
        enterprise.pci.into(),
        enterprise.auth_deadline_ms.into(),
        enterprise.rsa_padding.as_str().into(),
        enterprise.rsa_hash.as_str().into(),
        enterprise.rsa_signed_bytes.as_str().into(),
        enterprise.created_at.into(),
    ]
}

/// The columns of an API key.
pub(crate) const API_KEY_COLUMNS: &str =
    "api_key, enterprise_id, sealed_secret, created_at, revoked_at";

/// Reads an API key from [`API_KEY_COLUMNS`].
pub(crate) fn api_key_from(row: &Row) -> Result<ApiKey, StoreError> {
    let mut f = Fields::of(row);
    Ok(ApiKey {
        api_key: f.text()?,
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        sealed_secret: f.bytes()?,
        created_at: f.time()?,
        revoked_at: f.opt_time()?,
    })
}

/// The values of an API key for [`API_KEY_COLUMNS`].
pub(crate) fn api_key_values(key: &ApiKey) -> Vec<Value> {
    vec![
        (&key.api_key).into(),
        key.enterprise_id.into(),
        key.sealed_secret.as_slice().into(),
        key.created_at.into(),
        key.revoked_at.into(),
    ]
}

/// The columns of a platform key.
pub(crate) const PLATFORM_KEY_COLUMNS: &str =
    "enterprise_id, version, sealed_private_key, public_key, created_at";

/// Reads a platform key from [`PLATFORM_KEY_COLUMNS`].
pub(crate) fn platform_key_from(row: &Row) -> Result<PlatformKey, StoreError> {
    let mut f = Fields::of(row);
    Ok(PlatformKey {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        version: f.small("platform_key.version")?,
        sealed_private_key: f.bytes()?,
        public_key: f.bytes()?,
        created_at: f.time()?,
    })
}

/// The values of a platform key for [`PLATFORM_KEY_COLUMNS`].
pub(crate) fn platform_key_values(key: &PlatformKey) -> Vec<Value> {
    vec![
        key.enterprise_id.into(),
        key.version.into(),
        key.sealed_private_key.as_slice().into(),
        key.public_key.as_slice().into(),
        key.created_at.into(),
    ]
}
