//! What was made from stored bytes, kept beside them, so that a changed key is noticed at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries that are kept; beyond it another one is dropped.
const MAX_KEPT: usize = 10_000;

/// Keys and secrets that were opened and parsed, one for each owner.
pub struct Kept<K, V> {
    entries: Mutex<HashMap<K, (Vec<u8>, V)>>,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Kept<K, V> {
    /// What `source` gives: kept from before if the bytes are the same, else made now; none
    /// if nothing can be made of it.
    pub fn made_of(&self, owner: K, source: &[u8], make: impl FnOnce() -> Option<V>) -> Option<V> {
        if let Some((kept_source, value)) = self.lock().get(&owner)
            && kept_source == source
        {
            return Some(value.clone());
        }
        let made = make()?;
        let mut entries = self.lock();
        if entries.len() >= MAX_KEPT
            && !entries.contains_key(&owner)
            && let Some(dropped) = entries.keys().next().copied()
        {
            entries.remove(&dropped);
        }
        entries.insert(owner, (source.to_vec(), made.clone()));
        Some(made)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (Vec<u8>, V)>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_again_only_when_its_source_changes() {
        let kept = Kept::default();
        assert_eq!(kept.made_of(1, b"one", || Some(1)), Some(1));
        assert_eq!(kept.made_of(1, b"one", || Some(2)), Some(1));
        assert_eq!(kept.made_of(1, b"two", || Some(3)), Some(3));
        assert_eq!(kept.made_of(1, b"bad", || None), None);
        assert_eq!(kept.made_of(1, b"two", || Some(4)), Some(3));
    }

    #[test]
    fn only_so_many_are_kept() {
        let kept = Kept::default();
        for owner in 0..=MAX_KEPT {
            kept.made_of(owner, b"", || Some(owner));
        }
        assert_eq!(kept.lock().len(), MAX_KEPT);
    }
}
