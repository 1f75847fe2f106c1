//! Business days and messages under way: a message that took its moment on one day is not written
//! on the next because the clock was moved in between.

use std::sync::Arc;
use std::time::Duration;

use domain::{BusinessDay, Timestamp};
use tokio::sync::OwnedRwLockReadGuard;

use crate::{Store, StoreError};

/// The longest wait of an advance for messages under way: the longest deadline of an enterprise,
/// and time to try its commit again.
const MAX_DAY_WAIT: Duration = Duration::from_secs(10);

/// While it lives, an advance does not move business time to another day.
#[derive(Debug)]
pub struct OpenDay {
    _guard: OwnedRwLockReadGuard<()>,
}

impl Store {
    /// Keeps business time on its day while a message of the network is under way, so its rows are
    /// written before the day's reconciliation files become final. Waits behind an advance to
    /// another day that is itself waiting.
    pub async fn open_day(&self) -> OpenDay {
        OpenDay { _guard: Arc::clone(&self.inner.day).read_owned().await }
    }

    /// Moves business time forward; to another day only once nothing is under way, or after ten
    /// seconds.
    ///
    /// # Errors
    /// [`StoreError`]; this process's time has moved nevertheless.
    pub async fn move_clock(&self, moment: Timestamp) -> Result<(), StoreError> {
        let clock = self.clock();
        let is_same_day = BusinessDay::of(clock.now()) == BusinessDay::of(moment);
        let closed = if is_same_day {
            None
        } else {
            let closed = tokio::time::timeout(MAX_DAY_WAIT, self.inner.day.write()).await.ok();
            if closed.is_none() {
                tracing::warn!(%moment, "business time moves on while a message is under way");
            }
            closed
        };
        clock.advance_to(moment);
        drop(closed);
        self.save_clock_offset_us(clock.offset_us()).await
    }
}
