//! What a process knows of its node number, and whether it may still use it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::IdGenerator;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::StoreError;

/// How long after its last renewal a process trusts its lease: less than the lease, so that
/// no other process has the number while it is still used.
const TRUST: Duration = Duration::from_secs(12);

/// What a process knows of its number.
pub(crate) struct Number {
    /// When it was last known to be held, in milliseconds of the clock's elapsed time.
    renewed_at_ms: AtomicU64,
    /// The epoch under which it is held, and the task that renews it; none = not leased.
    pub(super) held: Mutex<Option<(i64, AbortHandle)>>,
    pub(super) lost: watch::Sender<bool>,
    pub(super) is_given_back: AtomicBool,
}

impl Default for Number {
    fn default() -> Self {
        Self {
            renewed_at_ms: AtomicU64::new(u64::MAX),
            held: Mutex::default(),
            lost: watch::Sender::new(false),
            is_given_back: AtomicBool::new(false),
        }
    }
}

impl Number {
    pub(super) fn renewed(&self, at: Duration) {
        self.renewed_at_ms.store(millis(at), Ordering::SeqCst);
    }

    /// Whether the number may be used `now`, by the clock's elapsed time.
    fn is_trusted(&self, now: Duration) -> bool {
        let renewed_at_ms = self.renewed_at_ms.load(Ordering::SeqCst);
        let is_over = *self.lost.borrow() || self.is_given_back.load(Ordering::SeqCst);
        !is_over && millis(now).saturating_sub(renewed_at_ms) < millis(TRUST)
    }

    /// Refuses to continue if the number that `ids` carry may now belong to another process.
    pub(crate) fn check(&self, ids: &IdGenerator) -> Result<(), StoreError> {
        if self.is_trusted(ids.clock().elapsed()) {
            return Ok(());
        }
        let (node, trust_s) = (ids.node(), TRUST.as_secs());
        Err(StoreError::Engine(format!("node {node} could not be renewed for {trust_s} s")))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
