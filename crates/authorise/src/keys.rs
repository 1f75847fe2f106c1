//! Keys and secrets, opened and parsed once. Each is kept beside the stored bytes that it
//! was made from, so that a changed key is noticed at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::{ApiKey, EnterpriseId};
use store::PlatformKey;
use vault::{SecretText, Vault};

/// Enterprises whose keys are kept; beyond it another enterprise's are dropped.
const MAX_KEPT: usize = 10_000;

/// What was made from stored bytes, one for each enterprise.
struct Kept<V> {
    entries: Mutex<HashMap<EnterpriseId, (Vec<u8>, V)>>,
}

impl<V> Default for Kept<V> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<V: Clone> Kept<V> {
    /// What `source` gives: kept from before if the bytes are the same, else made now.
    fn made_of(
        &self,
        id: EnterpriseId,
        source: &[u8],
        make: impl FnOnce() -> Option<V>,
    ) -> Option<V> {
        if let Some((kept_source, value)) = self.lock().get(&id)
            && kept_source == source
        {
            return Some(value.clone());
        }
        let made = make()?;
        let mut entries = self.lock();
        if entries.len() >= MAX_KEPT
            && !entries.contains_key(&id)
            && let Some(dropped) = entries.keys().next().copied()
        {
            entries.remove(&dropped);
        }
        entries.insert(id, (source.to_vec(), made.clone()));
        Some(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<EnterpriseId, (Vec<u8>, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys of enterprises.
#[derive(Default)]
pub(crate) struct KeyRing {
    external: Kept<RsaPublicKey>,
    platform: Kept<RsaPrivateKey>,
    secrets: Kept<Arc<SecretText>>,
}

impl KeyRing {
    /// An enterprise's public key from the DER of its SPKI; none if it is unusable.
    pub(crate) fn external(&self, id: EnterpriseId, spki_der: &[u8]) -> Option<RsaPublicKey> {
        self.external.made_of(id, spki_der, || RsaPublicKey::from_spki_der(spki_der).ok())
    }

    /// The platform's private key for an enterprise; none if it does not open.
    pub(crate) fn platform(&self, vault: &Vault, key: &PlatformKey) -> Option<RsaPrivateKey> {
        let sealed = &key.sealed_private_key;
        self.platform.made_of(key.enterprise_id, sealed, || {
            let der = vault.open_platform_key(key.enterprise_id, key.version, sealed).ok()?;
            RsaPrivateKey::from_pkcs8_der(&der).ok()
        })
    }

    /// The secret of the API key that signs; none if it does not open.
    pub(crate) fn secret(&self, vault: &Vault, key: &ApiKey) -> Option<Arc<SecretText>> {
        self.secrets.made_of(key.enterprise_id, &key.sealed_secret, || {
            let opened =
                vault.open_api_secret(key.enterprise_id, &key.api_key, &key.sealed_secret).ok()?;
            Some(Arc::new(opened))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: EnterpriseId = EnterpriseId::from_i64(1);

    #[test]
    fn a_value_is_made_again_only_when_its_source_changes() {
        let kept = Kept::default();
        assert_eq!(kept.made_of(ID, b"one", || Some(1)), Some(1));
        assert_eq!(kept.made_of(ID, b"one", || Some(2)), Some(1));
        assert_eq!(kept.made_of(ID, b"two", || Some(3)), Some(3));
        assert_eq!(kept.made_of(ID, b"bad", || None), None);
        assert_eq!(kept.made_of(ID, b"two", || Some(4)), Some(3));
    }

    #[test]
    fn only_so_many_are_kept() {
        let kept = Kept::default();
        for id in 0..=MAX_KEPT {
            kept.made_of(EnterpriseId::from_i64(i64::try_from(id).unwrap()), b"", || Some(id));
        }
        assert_eq!(kept.lock().len(), MAX_KEPT);
    }
}
