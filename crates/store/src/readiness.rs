//! The check that the store could carry out a purchase.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::store::Engine;
use crate::{Store, StoreError};

/// The time for which an answer is reused: anybody may ask, and on the embedded store each check is
/// a commit.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// The longest time for a check: a purchase that waits longer is declined.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// The setting that the embedded store writes.
const SETTING: &str = "readiness";

impl Store {
    /// Checks that the store could write a purchase. On PostgreSQL the connection for money must
    /// lead to a server that accepts writes, other connections must be available, and this process
    /// must still have its number and a clock near the server's; the embedded store must commit.
    ///
    /// # Errors
    /// The reason why it could not.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        self.check_number()?;
        self.inner.number.check_clock()?;
        let mut last = self.inner.readiness.lock().await;
        if let Some((when, answer)) = &*last
            && when.elapsed() < KEPT_FOR
        {
            return answer.clone();
        }
        let looked = timeout(LOOK_TIMEOUT, self.look()).await;
        let silent = || Err(StoreError::Away("no answer in time".to_owned()));
        let answer = looked.unwrap_or_else(|_| silent());
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    async fn look(&self) -> Result<(), StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(_) => {
                let now_us = self.clock().real_now().as_micros();
                self.put_setting(SETTING, &now_us.to_be_bytes()).await
            }
            Engine::Postgres(engine) => {
                self.finds("SELECT 1", []).await?;
                engine.check_writable().await
            }
        }
    }
}
