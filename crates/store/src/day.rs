//! Business days and messages under way: a message that took its moment on one day is not written
//! on the next because the clock was moved in between.

use std::sync::Arc;
use std::time::Duration;

use domain::{BusinessDay, Timestamp};
use tokio::sync::{OwnedRwLockReadGuard, RwLockWriteGuard, watch};

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
        let closed = self.close_day_before(moment).await;
        self.clock().advance_to(moment);
        drop(closed);
        self.save_clock_offset_us(self.clock().offset_us()).await
    }

    /// Moves business time to the offset that another process stored, in the same way.
    pub(crate) async fn follow_clock(&self, offset_us: i64) {
        let moment = self.clock().real_now().as_micros().saturating_add(offset_us);
        let closed = self.close_day_before(Timestamp::from_micros(moment)).await;
        self.clock().raise_offset(offset_us);
        drop(closed);
        self.inner.clock_followed.send_replace(());
    }

    /// Moves business time to where another process may have moved it by now.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has moved.
    pub async fn catch_up_clock(&self) -> Result<(), StoreError> {
        let offset_us = self.clock_offset_us().await?;
        if offset_us > self.clock().offset_us() {
            self.follow_clock(offset_us).await;
        }
        Ok(())
    }

    /// Changes when business time has followed another process's advance.
    #[must_use]
    pub fn clock_followed(&self) -> watch::Receiver<()> {
        self.inner.clock_followed.subscribe()
    }

    /// Waits until nothing is under way if `moment` is on another day; `None` if it is not, or if
    /// that takes too long.
    async fn close_day_before(&self, moment: Timestamp) -> Option<RwLockWriteGuard<'_, ()>> {
        if BusinessDay::of(self.clock().now()) == BusinessDay::of(moment) {
            return None;
        }
        let closed = tokio::time::timeout(MAX_DAY_WAIT, self.inner.day.write()).await.ok();
        if closed.is_none() {
            tracing::warn!(%moment, "business time moves on while a message is under way");
        }
        closed
    }
}
