//! A process's node number: what the process knows of its lease, and whether it may still use the
//! number.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::IdGenerator;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::StoreError;

/// How long after the last renewal a process trusts its lease. Shorter than the lease, so that no
/// other process gets the number while this one still uses it.
const TRUST: Duration = Duration::from_secs(12);

/// What a process knows of the lease of its node number.
pub(crate) struct Number {
    /// When the number was last known to be held, in milliseconds of the clock's elapsed time.
    /// `u64::MAX` until the first renewal: a number that is not leased is always trusted.
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

    /// True if the number may be used at `now`, which is a reading of the clock's elapsed time.
    fn is_trusted(&self, now: Duration) -> bool {
        let renewed_at_ms = self.renewed_at_ms.load(Ordering::SeqCst);
        let is_over = *self.lost.borrow() || self.is_given_back.load(Ordering::SeqCst);
        !is_over && millis(now).saturating_sub(renewed_at_ms) < millis(TRUST)
    }

    /// Fails unless this process may still use the node number of `ids`.
    pub(crate) fn check(&self, ids: &IdGenerator) -> Result<(), StoreError> {
        if self.is_trusted(ids.clock().elapsed()) {
            return Ok(());
        }
        let (node, trust_s) = (ids.node(), TRUST.as_secs());
        Err(StoreError::Away(format!(
            "node number {node} may no longer be used: it was lost, given back, or not renewed \
             within {trust_s} s"
        )))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
