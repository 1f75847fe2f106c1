//! Reads that may be served beside the server that takes writes: `ledger verify`, exports and lists
//! of operators. What follows a write is never read there.

use std::time::Duration;

use crate::engine::{BoxFuture, ReadServer, Tx};
use crate::{ServerLocation, Store, StoreError};

/// The most that a list may be behind; process leases are written every three seconds, so a server
/// that is in step is never further.
const MAX_LIST_LAG: Duration = Duration::from_secs(10);

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
        Self { is_aside: true, ..self.clone() }
    }

    /// Reads aside, if this store may and the server serves it.
    pub(crate) async fn list_aside<T, F>(&self, operation: &F) -> Option<T>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        if !self.is_aside {
            return None;
        }
        self.served_aside((false, Some(MAX_LIST_LAG)), operation).await
    }

    /// Reads from one state of the data with statements that go through whole tables, aside if that
    /// is possible: however old the state is, it agrees with itself.
    pub(crate) async fn read_long_aside<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match self.served_aside((true, None), &operation).await {
            Some(found) => Ok(found),
            None => self.read_long(operation).await,
        }
    }

    async fn served_aside<T, F>(&self, terms: (bool, Option<Duration>), operation: &F) -> Option<T>
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
