//! Enterprises, their API keys and their platform key pairs.

use domain::{ApiKey, Enterprise, EnterpriseId, RsaPadding, Timestamp};
use ipnet::IpNet;

use crate::{Store, StoreError};

/// One version of the platform's RSA key pair for an enterprise.
#[derive(Clone)]
pub struct PlatformKey {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Version, from 1.
    pub version: u32,
    /// PKCS#8 DER, sealed by the vault.
    pub sealed_private_key: Vec<u8>,
    /// SPKI DER.
    pub public_key: Vec<u8>,
    /// Created.
    pub created_at: Timestamp,
}

/// What an operator changes of an enterprise; `None` leaves a field as it is, and
/// `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct EnterprisePatch {
    /// See [`Enterprise::webhook_url`].
    pub webhook_url: Option<Option<String>>,
    /// See [`Enterprise::auth_url`].
    pub auth_url: Option<Option<String>>,
    /// See [`Enterprise::external_public_key`].
    pub external_public_key: Option<Option<Vec<u8>>>,
    /// See [`Enterprise::webhook_key`].
    pub webhook_key: Option<Option<String>>,
    /// See [`Enterprise::ip_allowlist`].
    pub ip_allowlist: Option<Vec<IpNet>>,
    /// See [`Enterprise::redirect_hosts`].
    pub redirect_hosts: Option<Vec<String>>,
    /// See [`Enterprise::page_origins`].
    pub page_origins: Option<Vec<String>>,
    /// See [`Enterprise::pci`].
    pub pci: Option<bool>,
    /// See [`Enterprise::auth_deadline_ms`].
    pub auth_deadline_ms: Option<u32>,
    /// See [`Enterprise::rsa_padding`].
    pub rsa_padding: Option<RsaPadding>,
}

impl Store {
    /// Creates an enterprise with the first version of its platform key pair.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_enterprise(
        &self,
        enterprise: Enterprise,
        key: PlatformKey,
    ) -> Result<(), StoreError> {
        let _ = (enterprise, key);
        todo!()
    }

    /// An enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enterprise(&self, id: EnterpriseId) -> Result<Option<Enterprise>, StoreError> {
        let _ = id;
        todo!()
    }

    /// Enterprises in order of id, after `cursor`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enterprises(
        &self,
        cursor: Option<EnterpriseId>,
        limit: u32,
    ) -> Result<Vec<Enterprise>, StoreError> {
        let _ = (cursor, limit);
        todo!()
    }

    /// Changes an enterprise; `None` if there is no such enterprise. Wakes the outbox,
    /// since a webhook URL may have been set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn patch_enterprise(
        &self,
        id: EnterpriseId,
        patch: EnterprisePatch,
    ) -> Result<Option<Enterprise>, StoreError> {
        let _ = (id, patch);
        todo!()
    }

    /// The newest version of the platform's key pair for an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn platform_key(&self, id: EnterpriseId) -> Result<Option<PlatformKey>, StoreError> {
        let _ = id;
        todo!()
    }

    /// Adds an API key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_api_key(&self, key: ApiKey) -> Result<(), StoreError> {
        let _ = key;
        todo!()
    }

    /// The API key with this public text, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key(&self, api_key: &str) -> Result<Option<ApiKey>, StoreError> {
        let _ = api_key;
        todo!()
    }

    /// All API keys of an enterprise, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_keys(&self, id: EnterpriseId) -> Result<Vec<ApiKey>, StoreError> {
        let _ = id;
        todo!()
    }

    /// Revokes an API key of an enterprise at once; whether there was an active one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_api_key(
        &self,
        id: EnterpriseId,
        api_key: &str,
    ) -> Result<bool, StoreError> {
        let _ = (id, api_key);
        todo!()
    }
}
