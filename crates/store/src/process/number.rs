//! A process's state of its node number, and its right to use the number.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::IdGenerator;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::StoreError;

/// The time after its last renewal for which a process trusts its lease: less than the lease, so no
/// other process has the number while it is still used.
const TRUST: Duration = Duration::from_secs(12);

/// A process's state of its node number.
pub(crate) struct Number {
    /// The moment at which it was last known to be held, in milliseconds of the clock's elapsed
    /// time.
    renewed_at_ms: AtomicU64,
    /// The epoch under which it is held, and the task that renews it; None if it is not leased.
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

    /// True if the number may be used `now`, by the clock's elapsed time.
    fn is_trusted(&self, now: Duration) -> bool {
        let renewed_at_ms = self.renewed_at_ms.load(Ordering::SeqCst);
        let is_over = *self.lost.borrow() || self.is_given_back.load(Ordering::SeqCst);
        !is_over && millis(now).saturating_sub(renewed_at_ms) < millis(TRUST)
    }

    /// Fails if another process may now have the number that `ids` carry.
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
