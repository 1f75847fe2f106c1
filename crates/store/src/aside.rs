//! Reads that may be served beside the server that takes writes: `ledger verify`, exports and lists
//! of operators. What follows a write is never read there.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::engine::{BoxFuture, Freshness, ReadServer, Tx};
use crate::{ServerLocation, Store, StoreError};

/// The most that a list may be behind; process leases are written every three seconds, so a server
/// that is in step is never further.
const MAX_LIST_LAG: Duration = Duration::from_secs(10);
/// The longest wait for a standby to have what a reconciliation file needs.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(60);
/// The pause between questions whether it has.
const CATCH_UP_PAUSE: Duration = Duration::from_millis(250);

impl Store {
    /// Has reads that may be served aside served by this server. It may be away: what it
    /// does not serve is read where writes go.
    ///
    /// # Errors
    /// The URL cannot be used, or there is such a server already.
    pub fn read_aside_from(&self, server: &ServerLocation) -> Result<(), StoreError> {
        let is_first = self.inner.aside.set(ReadServer::new(server)?).is_ok();
        is_first.then_some(()).ok_or(StoreError::Engine("a second server to read".to_owned()))
    }

    /// This store for lists of operators: its reads may be served aside, from a state at most ten
    /// seconds old.
    #[must_use]
    pub fn aside(&self) -> Self {
        Self { aside: Some(Freshness::Within(MAX_LIST_LAG)), ..self.clone() }
    }

    /// This store for reads that need everything which is committed by now: they are served aside
    /// once that server has it, which is waited for, at most a minute. Otherwise, and whenever that
    /// server is asked in vain, they are served where writes go.
    pub async fn aside_with_all_until_now(&self) -> Self {
        let Some(aside) = self.inner.aside.get() else { return self.clone() };
        let sql = "SELECT CAST(pg_current_wal_lsn() AS TEXT)";
        let until: Option<Option<String>> = self.one(sql, []).await.ok();
        let Some(until) = until.flatten() else { return self.clone() };
        let until: Arc<str> = until.into();
        let began = Instant::now();
        while began.elapsed() < CATCH_UP_LIMIT {
            match aside.has_all(&until).await {
                Ok(true) => return Self { aside: Some(Freshness::Since(until)), ..self.clone() },
                Ok(false) => sleep(CATCH_UP_PAUSE).await,
                Err(error) => {
                    aside.tell(&error);
                    return self.clone();
                }
            }
        }
        aside.tell(&StoreError::Away(format!("not at {until} of the log yet")));
        self.clone()
    }

    /// Reads aside, if this store may and the server serves it.
    pub(crate) async fn list_aside<T, F>(&self, operation: &F) -> Option<T>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let freshness = self.aside.clone()?;
        self.served_aside((false, freshness), operation).await
    }

    /// Reads from one state of the data with statements that go through whole tables, aside if that
    /// is possible: however old the state is, it agrees with itself.
    pub(crate) async fn read_long_aside<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match self.served_aside((true, Freshness::Any), &operation).await {
            Some(found) => Ok(found),
            None => self.read_long(operation).await,
        }
    }

    async fn served_aside<T, F>(&self, terms: (bool, Freshness), operation: &F) -> Option<T>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let aside = self.inner.aside.get()?;
        match aside.read_snapshot(terms, operation).await {
            Ok(found) => Some(found),
            Err(error) => {
                aside.tell(&error);
                None
            }
        }
    }
}
