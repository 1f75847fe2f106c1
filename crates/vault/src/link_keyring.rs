//! The keys of links in memory, by the link's name.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crypto::{ProtectionKey, TdesKey};
use domain::{LinkKeyKind, Timestamp};

/// The key before the current one is accepted for this long after the change, in real time.
const PREVIOUS_KEY_MS: i64 = 60_000;

/// What is written into a card's status when it is answered by version 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusUpdates {
    /// With an approval.
    pub approved: [u8; 4],
    /// With a decline.
    pub declined: [u8; 4],
}

impl Default for StatusUpdates {
    fn default() -> Self {
        Self { approved: [0, 0x82, 0, 0], declined: [0; 4] }
    }
}

/// An issuer's master key, and the cards that it is for.
pub(crate) struct IssuerKey {
    pub(crate) pan_prefix: String,
    pub(crate) key: Arc<TdesKey>,
    pub(crate) status_updates: StatusUpdates,
}

/// A zone key in use.
pub(crate) struct ZoneKey {
    pub(crate) key: Arc<TdesKey>,
    pub(crate) version: u32,
    pub(crate) activated_at: Timestamp,
}

/// The keys of one kind.
#[derive(Default)]
pub(crate) struct Slot {
    pub(crate) current: Option<ZoneKey>,
    previous: Option<Arc<TdesKey>>,
}

impl Slot {
    /// The keys to try, in order.
    pub(crate) fn accepted(&self, now: Timestamp) -> impl Iterator<Item = &Arc<TdesKey>> {
        let previous = self.current.as_ref().and_then(|current| {
            let age_ms = now.millis_since(current.activated_at);
            self.previous.as_ref().filter(|_| age_ms < PREVIOUS_KEY_MS)
        });
        self.current.iter().map(|current| &current.key).chain(previous)
    }

    /// Takes a key into use, unless a newer one is.
    pub(crate) fn adopt(&mut self, key: ZoneKey) -> bool {
        let is_newer = self.current.as_ref().is_none_or(|current| current.version < key.version);
        if is_newer {
            self.previous = self.current.replace(key).map(|previous| previous.key);
        }
        is_newer
    }
}

/// The keys of one link.
#[derive(Default)]
pub(crate) struct KeysOfLink {
    pub(crate) master: Option<ProtectionKey>,
    pub(crate) pin: Slot,
    pub(crate) mac: Slot,
    pub(crate) issuers: Vec<IssuerKey>,
}

impl KeysOfLink {
    pub(crate) const fn slot(&self, kind: LinkKeyKind) -> &Slot {
        match kind {
            LinkKeyKind::Pin => &self.pin,
            LinkKeyKind::Mac => &self.mac,
        }
    }

    pub(crate) const fn slot_mut(&mut self, kind: LinkKeyKind) -> &mut Slot {
        match kind {
            LinkKeyKind::Pin => &mut self.pin,
            LinkKeyKind::Mac => &mut self.mac,
        }
    }
}

/// The keys of all links, by the link's name.
#[derive(Default)]
pub(crate) struct LinkKeys(RwLock<HashMap<String, KeysOfLink>>);

impl LinkKeys {
    pub(crate) fn read<T>(
        &self,
        link: &str,
        read: impl FnOnce(&KeysOfLink) -> Option<T>,
    ) -> Option<T> {
        read(self.0.read().unwrap_or_else(PoisonError::into_inner).get(link)?)
    }

    pub(crate) fn write<T>(&self, link: &str, write: impl FnOnce(&mut KeysOfLink) -> T) -> T {
        let mut links = self.0.write().unwrap_or_else(PoisonError::into_inner);
        write(links.entry(link.to_owned()).or_default())
    }
}
