//! Business time and what is under way: nothing that took its moment on one day is written
//! on the next because the clock was moved in between.

use std::sync::Arc;
use std::time::Duration;

use domain::{BusinessDay, Timestamp};
use tokio::sync::OwnedRwLockReadGuard;

use crate::{Store, StoreError};

/// Longest wait of an advance for what is under way: the longest deadline of an enterprise,
/// and time for its commit to be tried again.
const MAX_DAY_WAIT: Duration = Duration::from_secs(10);

/// While it lives, an advance does not move business time to another day.
#[derive(Debug)]
pub struct OpenDay {
    _guard: OwnedRwLockReadGuard<()>,
}

impl Store {
    /// Keeps business time on its day while a message of the network is under way, so that
    /// its rows are written before the day's reconciliation files become final. Waits
    /// while an advance to another day waits in turn.
    pub async fn open_day(&self) -> OpenDay {
        OpenDay { _guard: Arc::clone(&self.inner.day).read_owned().await }
    }

    /// Moves business time forward, and to another day only once nothing is under way, or
    /// ten seconds have passed.
    ///
    /// # Errors
    /// [`StoreError`]; the time of this process has moved then all the same.
    pub async fn move_clock(&self, moment: Timestamp) -> Result<(), StoreError> {
        let clock = self.clock();
        let is_same_day = BusinessDay::of(clock.now()) == BusinessDay::of(moment);
        let closed = if is_same_day {
            None
        } else {
            let closed = tokio::time::timeout(MAX_DAY_WAIT, self.inner.day.write()).await.ok();
            if closed.is_none() {
                tracing::warn!(%moment, "a message stays under way; business time moves on");
            }
            closed
        };
        clock.advance_to(moment);
        drop(closed);
        self.save_clock_offset_us(clock.offset_us()).await
    }
}
