//! A cache of opened keys and secrets: opening one costs more than using it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::EnterpriseId;

use crate::SecretText;

/// Most entries kept; beyond that another one is dropped.
const MAX_ENTRIES: usize = 4_096;
/// Longest life of an entry. Older entries are dropped when the next one is made, so a key or
/// secret that is no longer used does not stay open in memory.
const MAX_AGE: Duration = Duration::from_secs(600);

/// The opened keys of all enterprises and apps. An entry is valid only for the stored bytes it was
/// made from, which callers read anew for each use: a revoked or replaced key is never served from
/// here. Values wipe themselves when dropped.
#[derive(Default)]
pub(crate) struct Keyring {
    pub(crate) api_secrets: Entries<(EnterpriseId, String), Arc<SecretText>>,
    pub(crate) platform_keys: Entries<EnterpriseId, RsaPrivateKey>,
    pub(crate) public_keys: Entries<Vec<u8>, RsaPublicKey>,
}

/// Values made from stored bytes, one per owner.
pub(crate) struct Entries<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
}

struct Entry<V> {
    source: Vec<u8>,
    value: V,
    made_at: Instant,
}

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Entries<K, V> {
    /// The value that `source` opens to: the kept one if it was made from the same bytes and is not
    /// too old, otherwise a new one.
    pub(crate) fn opened<E>(
        &self,
        owner: K,
        source: &[u8],
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        if let Some(value) = self.kept(&owner, source, Instant::now()) {
            return Ok(value);
        }
        let value = make()?;
        self.keep(owner, source, value.clone(), Instant::now());
        Ok(value)
    }

    fn kept(&self, owner: &K, source: &[u8], now: Instant) -> Option<V> {
        let entries = self.lock();
        let entry = entries.get(owner)?;
        let is_current = entry.source == source && now < entry.made_at + MAX_AGE;
        is_current.then(|| entry.value.clone())
    }

    fn keep(&self, owner: K, source: &[u8], value: V, now: Instant) {
        let mut entries = self.lock();
        entries.retain(|_, entry| now < entry.made_at + MAX_AGE);
        if entries.len() >= MAX_ENTRIES
            && !entries.contains_key(&owner)
            && let Some(dropped) = entries.keys().next().cloned()
        {
            entries.remove(&dropped);
        }
        entries.insert(owner, Entry { source: source.to_vec(), value, made_at: now });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_again_only_when_its_source_changes() {
        let entries = Entries::default();
        let opened = |source: &[u8], made: Result<i32, ()>| entries.opened(1, source, || made);
        assert_eq!(opened(b"one", Ok(1)), Ok(1));
        assert_eq!(opened(b"one", Ok(2)), Ok(1));
        assert_eq!(opened(b"two", Ok(3)), Ok(3));
        assert_eq!(opened(b"bad", Err(())), Err(()));
        assert_eq!(opened(b"two", Ok(4)), Ok(3));
    }

    #[test]
    fn a_value_that_is_too_old_is_not_served_and_is_dropped_with_the_next() {
        let entries = Entries::default();
        let made_at = Instant::now();
        entries.keep(1, b"one", "value", made_at);
        assert_eq!(entries.kept(&1, b"one", made_at + MAX_AGE / 2), Some("value"));
        assert_eq!(entries.kept(&1, b"one", made_at + MAX_AGE), None);
        entries.keep(2, b"two", "value", made_at + MAX_AGE);
        assert_eq!(entries.lock().len(), 1);
    }

    #[test]
    fn the_number_of_entries_is_limited() {
        let entries = Entries::default();
        let start = Instant::now();
        for owner in 0..=MAX_ENTRIES {
            entries.keep(owner, b"", owner, start);
        }
        assert_eq!(entries.lock().len(), MAX_ENTRIES);
    }
}
