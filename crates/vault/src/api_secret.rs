//! The secrets of dialect 1's API keys, sealed under one purpose wherever they are used.

use domain::EnterpriseId;

use crate::{SecretText, Vault, VaultError};

const PURPOSE: &str = "api-secret";

impl Vault {
    /// Seals the secret of an API key, as `domain::ApiKey` keeps it.
    #[must_use]
    pub fn seal_api_secret(
        &self,
        enterprise: EnterpriseId,
        api_key: &str,
        secret: &SecretText,
    ) -> Vec<u8> {
        self.seal_secret(enterprise, PURPOSE, api_key, secret.expose().as_bytes())
    }

    /// Opens what [`Vault::seal_api_secret`] made for the same enterprise and key.
    ///
    /// # Errors
    /// [`VaultError::Refused`] for anything else.
    pub fn open_api_secret(
        &self,
        enterprise: EnterpriseId,
        api_key: &str,
        sealed: &[u8],
    ) -> Result<SecretText, VaultError> {
        let secret = self.open_secret(enterprise, PURPOSE, api_key, sealed)?;
        SecretText::from_utf8(&secret).ok_or(VaultError::Refused)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::SystemRandom;

    use super::*;
    use crate::MasterKey;

    #[test]
    fn an_api_secret_opens_for_its_own_key_only() {
        let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        let enterprise = EnterpriseId::from_i64(1);
        let secret = vault.new_secret_key();
        let sealed = vault.seal_api_secret(enterprise, "K1", &secret);
        let opened = vault.open_api_secret(enterprise, "K1", &sealed).unwrap();
        assert!(opened.matches(secret.expose()));
        assert!(vault.open_api_secret(enterprise, "K2", &sealed).is_err());
    }
}
