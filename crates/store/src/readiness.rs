//! Whether a purchase would find the store working.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::store::Engine;
use crate::{Store, StoreError};

/// How long an answer counts for those who ask after it: anybody may ask, and on the embedded
/// store each look is a commit.
const KEPT_FOR: Duration = Duration::from_secs(1);
/// How long a look may take: a purchase that waits longer is declined.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// What the embedded store writes.
const SETTING: &str = "readiness";

impl Store {
    /// Whether the store takes what a purchase writes: on PostgreSQL the connection that money
    /// is written on leads to a server that takes writes, others can be had, and this process
    /// still has its number; the embedded store commits.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        self.check_number()?;
        let mut last = self.inner.readiness.lock().await;
        if let Some((when, answer)) = &*last
            && when.elapsed() < KEPT_FOR
        {
            return answer.clone();
        }
        let looked = timeout(LOOK_TIMEOUT, self.look()).await;
        let silent = || Err(StoreError::Engine("no answer in time".to_owned()));
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
