//! Where an enterprise's webhooks go and what they are signed with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{ApiKey, Enterprise, EnterpriseId};
use store::{Store, StoreError};
use vault::{SecretText, Vault, VaultError};

/// Most opened secrets kept; beyond it all are wiped and opened again when needed.
const MAX_OPENED_SECRETS: usize = 1_024;

/// Where an enterprise's webhooks go now, and the secret that signs them.
pub struct Receiver {
    /// Its webhook URL, if it has one.
    pub url: Option<String>,
    /// The signing secret, or why there is none.
    pub secret: Result<Arc<SecretText>, NoSecret>,
}

/// Why a webhook cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSecret {
    /// The enterprise has no active API key.
    NoActiveKey,
    /// The vault refuses to open the key's secret.
    Sealed,
}

impl NoSecret {
    /// The reason as it stands in the record of the try.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoActiveKey => "not sent: no active API key to sign with",
            Self::Sealed => "not sent: the secret of the signing key cannot be opened",
        }
    }
}

/// Finds receivers, and keeps the secrets that it opened, by their sealed bytes.
pub struct Receivers {
    store: Store,
    vault: Arc<Vault>,
    opened: Mutex<HashMap<Vec<u8>, Arc<SecretText>>>,
}

impl Receivers {
    /// Receivers of this store.
    pub fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault, opened: Mutex::new(HashMap::new()) }
    }

    /// The receiver of an enterprise as it is now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn find(&self, enterprise_id: EnterpriseId) -> Result<Receiver, StoreError> {
        let enterprise = self.store.enterprise(enterprise_id).await?;
        let keys = self.store.api_keys(enterprise_id).await?;
        let named = enterprise.as_ref().and_then(|e| e.webhook_key.as_deref());
        let secret = match ApiKey::signing(&keys, named) {
            None => Err(NoSecret::NoActiveKey),
            Some(key) => self.open(key).map_err(|error| {
                tracing::error!(%enterprise_id, %error, "a webhook's signing secret stays sealed");
                NoSecret::Sealed
            }),
        };
        Ok(Receiver { url: enterprise.and_then(|e: Enterprise| e.webhook_url), secret })
    }

    fn open(&self, key: &ApiKey) -> Result<Arc<SecretText>, VaultError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = opened.get(&key.sealed_secret) {
            return Ok(Arc::clone(secret));
        }
        let secret =
            self.vault.open_api_secret(key.enterprise_id, &key.api_key, &key.sealed_secret)?;
        let secret = Arc::new(secret);
        if opened.len() >= MAX_OPENED_SECRETS {
            opened.clear();
        }
        opened.insert(key.sealed_secret.clone(), Arc::clone(&secret));
        Ok(secret)
    }
}
