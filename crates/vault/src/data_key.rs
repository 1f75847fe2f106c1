//! The keys that are derived from the master key.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crypto::{AeadKey, hkdf_sha256};
use domain::EnterpriseId;
use zeroize::Zeroizing;

use crate::MasterKey;

/// The purpose of a derived key. A key serves only one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Seals PANs of one enterprise.
    Pan,
    /// Seals secrets of one enterprise.
    Secret,
    /// The card verification key pair of one enterprise.
    CardVerification,
    /// The PIN verification key pair of one enterprise.
    PinVerification,
    /// Fingerprints PANs of all enterprises.
    Fingerprint,
    /// Names callers of rate limits.
    CallerName,
    /// Hashes one-time passwords.
    OneTimePassword,
    /// Distinguishes master keys.
    KeyCheck,
    /// Signs upload links.
    UploadLink,
    /// Seals the zone keys of links.
    LinkKey,
    /// Derives the secrets that sign the webhooks of one enterprise's apps.
    VmWebhook,
}

impl Purpose {
    /// Name in the derivation; changing a name changes every key of that purpose.
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Pan => b"pan",
            Self::Secret => b"secret",
            Self::CardVerification => b"card-verification",
            Self::PinVerification => b"pin-verification",
            Self::Fingerprint => b"fingerprint",
            Self::CallerName => b"caller-name",
            Self::OneTimePassword => b"one-time-password",
            Self::KeyCheck => b"key-check",
            Self::UploadLink => b"upload-link",
            Self::LinkKey => b"link-key",
            Self::VmWebhook => b"vm-webhook",
        }
    }
}

/// Version of the master key that seals.
pub(crate) const KEY_VERSION: u8 = 1;
/// Stands for "no enterprise" where one key serves all of them; real ids are positive.
pub(crate) const ALL_ENTERPRISES: EnterpriseId = EnterpriseId::from_i64(0);
const SALT: &[u8] = b"cardbridge vault";
/// Most data keys kept in memory.
const CACHE_LIMIT: usize = 4096;

/// Derives keys and caches those that seal and open.
pub(crate) struct DataKeys {
    master: MasterKey,
    cache: RwLock<HashMap<(Purpose, EnterpriseId), Arc<AeadKey>>>,
}

impl DataKeys {
    pub(crate) fn new(master: MasterKey) -> Self {
        Self { master, cache: RwLock::new(HashMap::new()) }
    }

    /// A key of one enterprise.
    pub(crate) fn derive(&self, purpose: Purpose, enterprise: EnterpriseId) -> Zeroizing<[u8; 32]> {
        // Fixed lengths first and the name last, so two purposes never share the same bytes.
        let id = enterprise.as_i64().to_be_bytes();
        let info: [&[u8]; 3] = [&[KEY_VERSION], &id, purpose.name()];
        hkdf_sha256(self.master.bytes(), SALT, &info)
    }

    /// A key that serves all enterprises.
    pub(crate) fn derive_global(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        self.derive(purpose, ALL_ENTERPRISES)
    }

    /// The sealing key of one enterprise, from the cache if it is there.
    pub(crate) fn sealing(&self, purpose: Purpose, enterprise: EnterpriseId) -> Arc<AeadKey> {
        let cached = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = cached.get(&(purpose, enterprise)) {
            return Arc::clone(key);
        }
        drop(cached);
        let key = Arc::new(AeadKey::new(*self.derive(purpose, enterprise)));
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_LIMIT {
            // Deriving a key again takes microseconds, so it does not matter which one is evicted.
            let evicted = cache.keys().next().copied();
            evicted.and_then(|evicted| cache.remove(&evicted));
        }
        cache.insert((purpose, enterprise), Arc::clone(&key));
        key
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keys() -> DataKeys {
        DataKeys::new(MasterKey::from_hex(&"5a".repeat(32)).unwrap())
    }

    #[test]
    fn every_purpose_and_enterprise_has_its_own_key() {
        let keys = keys();
        let mut seen = HashSet::new();
        for enterprise in [1, 2, 256].map(EnterpriseId::from_i64) {
            for purpose in [
                Purpose::Pan,
                Purpose::Secret,
                Purpose::CardVerification,
                Purpose::PinVerification,
                Purpose::Fingerprint,
                Purpose::OneTimePassword,
                Purpose::KeyCheck,
                Purpose::UploadLink,
                Purpose::LinkKey,
                Purpose::VmWebhook,
            ] {
                assert!(seen.insert(*keys.derive(purpose, enterprise)));
            }
        }
        assert!(seen.insert(*keys.derive_global(Purpose::Fingerprint)));
    }

    #[test]
    fn the_memory_of_keys_stays_within_its_limit() {
        let keys = keys();
        for id in 0..=CACHE_LIMIT + 10 {
            keys.sealing(Purpose::Pan, EnterpriseId::from_i64(i64::try_from(id).unwrap()));
        }
        assert_eq!(keys.cache.read().unwrap().len(), CACHE_LIMIT);
    }
}
