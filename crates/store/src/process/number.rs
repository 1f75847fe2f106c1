//! A process's node number: what the process knows of its lease, and whether it may still use the
//! number.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use domain::{IdGenerator, Timestamp};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::StoreError;

/// How long after the last renewal a process trusts its lease. Shorter than the lease, so that no
/// other process gets the number while this one still uses it.
const TRUST: Duration = Duration::from_secs(12);

/// The most that the clocks of this machine and of the server may differ.
const MAX_SKEW_MS: i64 = 500;

/// What a process knows of the lease of its node number.
pub(crate) struct Number {
    /// When the number was last known to be held, in milliseconds of the clock's elapsed time.
    /// `u64::MAX` until the first renewal: a number that is not leased is always trusted.
    renewed_at_ms: AtomicU64,
    /// The epoch under which it is held, and the task that renews it; None if it is not leased.
    pub(super) held: Mutex<Option<(i64, AbortHandle)>>,
    /// How far the server's clock is ahead of this machine's, milliseconds.
    skew_ms: AtomicI64,
    pub(super) lost: watch::Sender<bool>,
    pub(super) is_given_back: AtomicBool,
}

impl Default for Number {
    fn default() -> Self {
        Self {
            renewed_at_ms: AtomicU64::new(u64::MAX),
            held: Mutex::default(),
            skew_ms: AtomicI64::new(0),
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

    /// The server said `server_us` between two readings of this machine's clock: what its answer
    /// took is not counted against either clock.
    pub(super) fn compared(&self, asked_at: Timestamp, server_us: i64, answered_at: Timestamp) {
        let (from, to) = (asked_at.as_micros(), answered_at.as_micros());
        let skew_us = match server_us {
            early if early < from => early - from,
            late if late > to => late - to,
            _ => 0,
        };
        self.skew_ms.store(skew_us / 1_000, Ordering::Relaxed);
    }

    pub(super) fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::Relaxed)
    }

    /// Fails if this machine's clock is too far from the server's: signed calls, expiries and ids
    /// follow it, and other processes would see things in another order.
    pub(crate) fn check_clock(&self) -> Result<(), StoreError> {
        let skew_ms = self.skew_ms();
        if skew_ms.abs() <= MAX_SKEW_MS {
            return Ok(());
        }
        let side = if skew_ms > 0 { "behind" } else { "ahead of" };
        Err(StoreError::Away(format!(
            "this machine's clock is {} ms {side} the database's, at most {MAX_SKEW_MS} is \
             allowed: set it",
            skew_ms.unsigned_abs()
        )))
    }

    /// Fails unless this process may still use the node number of `ids`. A commit that is sent
    /// after this check may land after the lease has ended: a process that takes any free number
    /// leaves this one alone for the time of [`QUARANTINE`](super::QUARANTINE), which no commit
    /// may take.
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
