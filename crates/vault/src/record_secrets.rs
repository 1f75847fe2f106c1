//! The secrets that several crates seal and open: each has one purpose and record name, so what one
//! crate seals the others can open.

use std::sync::Arc;

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::{ApiKey, EnterpriseId};
use zeroize::Zeroizing;

use crate::{SecretText, Vault, VaultError};

/// Purpose of the secrets of API keys; the record is the key's public text.
const API_SECRET: &str = "api-secret";
/// Purpose of the platform's private keys; the record is the version.
const PLATFORM_KEY: &str = "platform-key";

impl Vault {
    /// Seals the secret of an API key.
    #[must_use]
    pub fn seal_api_secret(
        &self,
        enterprise: EnterpriseId,
        api_key: &str,
        secret: &SecretText,
    ) -> Vec<u8> {
        self.seal_secret(enterprise, API_SECRET, api_key, secret.expose().as_bytes())
    }

    /// Opens the secret of an API key.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed for this key of this enterprise.
    pub fn open_api_secret(
        &self,
        enterprise: EnterpriseId,
        api_key: &str,
        sealed: &[u8],
    ) -> Result<SecretText, VaultError> {
        let bytes = self.open_secret(enterprise, API_SECRET, api_key, sealed)?;
        SecretText::from_utf8(&bytes).ok_or(VaultError::Refused)
    }

    /// Seals one version of the platform's private key for an enterprise (PKCS#8 DER).
    #[must_use]
    pub fn seal_platform_key(
        &self,
        enterprise: EnterpriseId,
        version: u32,
        pkcs8_der: &[u8],
    ) -> Vec<u8> {
        self.seal_secret(enterprise, PLATFORM_KEY, &version.to_string(), pkcs8_der)
    }

    /// Opens one version of the platform's private key for an enterprise (PKCS#8 DER).
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed as this version for this enterprise.
    pub fn open_platform_key(
        &self,
        enterprise: EnterpriseId,
        version: u32,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.open_secret(enterprise, PLATFORM_KEY, &version.to_string(), sealed)
    }

    /// The secret of an API key, opened.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed for this key of this enterprise.
    pub fn api_secret(&self, key: &ApiKey) -> Result<Arc<SecretText>, VaultError> {
        let owner = (key.enterprise_id, key.api_key.clone());
        self.keyring.api_secrets.opened(owner, &key.sealed_secret, || {
            self.open_api_secret(key.enterprise_id, &key.api_key, &key.sealed_secret).map(Arc::new)
        })
    }

    /// One version of the platform's private key for an enterprise, opened and parsed.
    ///
    /// # Errors
    /// [`VaultError::Refused`] if it was not sealed as this version for this enterprise, or is not
    /// an RSA key.
    pub fn platform_key(
        &self,
        enterprise: EnterpriseId,
        version: u32,
        sealed: &[u8],
    ) -> Result<RsaPrivateKey, VaultError> {
        self.keyring.platform_keys.opened(enterprise, sealed, || {
            let der = self.open_platform_key(enterprise, version, sealed)?;
            RsaPrivateKey::from_pkcs8_der(&der).map_err(|_| VaultError::Refused)
        })
    }

    /// A public key that an enterprise or app registered, parsed from its SPKI; `None` if it is
    /// unusable.
    pub fn public_key(&self, spki_der: &[u8]) -> Option<RsaPublicKey> {
        let parse = || RsaPublicKey::from_spki_der(spki_der);
        self.keyring.public_keys.opened(spki_der.to_vec(), spki_der, parse).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::SystemRandom;

    use super::*;
    use crate::MasterKey;

    const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(7);

    #[test]
    fn each_secret_opens_under_its_own_record_only() {
        let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        let sealed = vault.seal_api_secret(ENTERPRISE, "AK1", &SecretText::new("s".to_owned()));
        assert!(vault.open_api_secret(ENTERPRISE, "AK1", &sealed).unwrap().matches("s"));
        assert!(vault.open_api_secret(ENTERPRISE, "AK2", &sealed).is_err());
        let sealed = vault.seal_platform_key(ENTERPRISE, 1, b"key");
        assert_eq!(&**vault.open_platform_key(ENTERPRISE, 1, &sealed).unwrap(), b"key");
        assert!(vault.open_platform_key(ENTERPRISE, 2, &sealed).is_err());
        assert!(vault.open_api_secret(ENTERPRISE, "1", &sealed).is_err());
    }
}
