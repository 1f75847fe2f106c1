//! The common state of the enterprise's handlers.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crypto::{RsaPool, RsaPrivateKey, RsaPublicKey};
use domain::RsaPadding;
use tokio::sync::Semaphore;

use super::record::Record;
use crate::behaviour::Script;

/// The known facts about the platform, with its key parsed once.
pub(super) struct Known {
    pub(super) platform_key: RsaPublicKey,
    pub(super) secret_key: String,
    pub(super) padding: RsaPadding,
}

/// The state shared by the server's handlers.
pub(super) struct Inner {
    pub(super) key: RsaPrivateKey,
    pub(super) pool: RsaPool,
    pub(super) known: RwLock<Option<Arc<Known>>>,
    pub(super) script: Mutex<Script>,
    pub(super) webhook_status: Mutex<u16>,
    /// Holds back the answers of `Behaviour::Held`.
    pub(super) gate: Semaphore,
    pub(super) record: Record,
}

impl Inner {
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
