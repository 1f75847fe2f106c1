//! Opened API secrets, kept a while: opening one costs more than checking a signature.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{ApiKey, EnterpriseId};
use vault::{SecretText, Vault, VaultError};

/// Most secrets kept open.
const MAX_OPEN_SECRETS: usize = 1_024;

struct OpenSecret {
    enterprise_id: EnterpriseId,
    sealed: Vec<u8>,
    secret: Arc<SecretText>,
}

/// Opened secrets by API key. An entry counts only for the sealed bytes that it was
/// opened from, and the key's row is read for each request, so a revoked or replaced
/// secret is never served from here.
pub(crate) struct OpenSecrets {
    vault: Arc<Vault>,
    open: Mutex<HashMap<String, OpenSecret>>,
}

impl OpenSecrets {
    pub(crate) fn new(vault: Arc<Vault>) -> Self {
        Self { vault, open: Mutex::new(HashMap::new()) }
    }

    /// The secret of an API key.
    pub(crate) fn of(&self, key: &ApiKey) -> Result<Arc<SecretText>, VaultError> {
        if let Some(secret) = self.kept(key) {
            return Ok(secret);
        }
        let (enterprise_id, sealed) = (key.enterprise_id, key.sealed_secret.clone());
        let secret = self.vault.open_api_secret(enterprise_id, &key.api_key, &sealed)?;
        let secret = Arc::new(secret);
        let entry = OpenSecret { enterprise_id, sealed, secret: Arc::clone(&secret) };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MAX_OPEN_SECRETS {
            open.clear();
        }
        open.insert(key.api_key.clone(), entry);
        Ok(secret)
    }

    fn kept(&self, key: &ApiKey) -> Option<Arc<SecretText>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = open.get(&key.api_key)?;
        let same = entry.enterprise_id == key.enterprise_id && entry.sealed == key.sealed_secret;
        same.then(|| Arc::clone(&entry.secret))
    }
}
