//! Reads that may be served beside the server that takes writes: `ledger verify`, exports, lists of
//! operators, and reconciliation files once that server has everything.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::engine::{BoxFuture, Freshness, Mark, ReadServer, Tx};
use crate::{ServerLocation, Store, StoreError};

/// The most that a list may be behind; process leases are written every three seconds, so a server
/// that is in step is never further.
const MAX_LIST_LAG: Duration = Duration::from_secs(10);
/// The longest wait for a standby to have what a reconciliation file needs.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(30);
/// The pauses between questions whether it has: the first one, which doubles, and the longest.
const FIRST_CATCH_UP_PAUSE: Duration = Duration::from_millis(5);
const CATCH_UP_PAUSE: Duration = Duration::from_millis(250);
/// How long nothing waits for a standby that was waited for in vain.
const GIVEN_UP_FOR: Duration = Duration::from_secs(600);

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
    /// once that server has it, which is waited for, at most half a minute. After a wait in vain
    /// nothing waits for ten minutes. Otherwise, and whenever that server does not serve a read, it
    /// is served where writes go, so two reads may be served by different servers.
    pub async fn aside_with_all_until_now(&self) -> Self {
        let Some(aside) = self.inner.aside.get() else { return self.clone() };
        if aside.is_given_up(GIVEN_UP_FOR) {
            return self.clone();
        }
        match self.marked(aside).await {
            Ok(mark) => Self { aside: Some(Freshness::Marked(mark)), ..self.clone() },
            Err(error) => {
                aside.give_up();
                aside.tell(&error);
                self.clone()
            }
        }
    }

    /// Writes a mark and waits until the other server has it, and with it all that was committed
    /// before: nothing else tells a standby of this server from one of another or of an earlier
    /// course of things.
    async fn marked(&self, aside: &ReadServer) -> Result<Mark, StoreError> {
        let ids = self.ids();
        let mark = Mark { node: ids.node(), run: aside.run(ids), serial: ids.next() };
        let sql = "INSERT INTO read_marker (node, run, serial) VALUES ($1, $2, $3) \
            ON CONFLICT (node) DO UPDATE SET run = excluded.run, serial = CASE \
            WHEN read_marker.run = excluded.run AND read_marker.serial > excluded.serial \
            THEN read_marker.serial ELSE excluded.serial END";
        self.execute(sql, [mark.node.into(), mark.run.into(), mark.serial.into()]).await?;
        let began = Instant::now();
        let mut pause = FIRST_CATCH_UP_PAUSE;
        while !aside.has(mark).await? {
            if began.elapsed() >= CATCH_UP_LIMIT {
                return Err(StoreError::Away("it has not what was just committed".to_owned()));
            }
            sleep(pause).await;
            pause = (pause * 2).min(CATCH_UP_PAUSE);
        }
        Ok(mark)
    }

    /// Reads aside, if this store may and the server serves it.
    pub(crate) async fn list_aside<T, F>(&self, operation: &F) -> Option<T>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let freshness = self.aside?;
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
