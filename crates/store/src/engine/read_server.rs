//! A server that is only read, such as a standby of the one that takes writes.

use std::sync::Arc;
use std::time::Duration;

use super::pool::{ServerPool, roll_back};
use super::postgres::{LONG_STATEMENT_TIMEOUT, STATEMENT_TIMEOUT, understood};
use super::tx::{BoxFuture, Tx};
use crate::{NowAndThen, ServerLocation, StoreError};

/// The most connections to it.
const MAX_CONNECTIONS: usize = 8;

/// How far a standby is behind, microseconds; 0 on a server that is none. One that has replayed
/// nothing yet counts as far behind.
const LAG_US: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE( \
    (EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000000)::bigint, \
    9000000000000000) ELSE 0 END";

/// Whether a standby has all that another server had in its log up to a place; null on a server
/// that is none.
const HAS_ALL_SINCE: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN \
    COALESCE(pg_last_wal_replay_lsn() >= CAST(CAST($1 AS TEXT) AS pg_lsn), FALSE) END";

/// How old the state may be that is read.
#[derive(Clone)]
pub(crate) enum Freshness {
    /// It agrees with itself.
    Any,
    /// At most this old.
    Within(Duration),
    /// It has all up to this place in the log of the server that takes writes.
    Since(Arc<str>),
}

/// The server.
pub(crate) struct ReadServer {
    /// Hosts and ports, for the log.
    place: String,
    pool: ServerPool,
    /// The log lines that it does not serve.
    telling: NowAndThen,
}

impl ReadServer {
    /// Takes its place; nothing is connected yet, so it may be away.
    pub(crate) fn new(server: &ServerLocation) -> Result<Self, StoreError> {
        let url = understood(server)?;
        let pool =
            ServerPool::new(&url, server.connections.min(MAX_CONNECTIONS), STATEMENT_TIMEOUT)?;
        Ok(Self { place: url.place, pool, telling: NowAndThen::new() })
    }

    /// Tells now and then why it does not serve.
    pub(crate) fn tell(&self, error: &StoreError) {
        if self.telling.is_due() {
            let server = self.place.as_str();
            tracing::warn!(server, %error, "not read aside, but where writes go");
        }
    }

    /// True if it has all up to this place in the log of the server that takes writes.
    pub(crate) async fn has_all(&self, until: &str) -> Result<bool, StoreError> {
        has_all(&Tx::Postgres(self.pool.session().await?), until).await
    }

    /// Reads from one state of the data that is fresh enough; `is_long` for statements that go
    /// through a whole table.
    pub(crate) async fn read_snapshot<T, F>(
        &self,
        (is_long, freshness): (bool, Freshness),
        operation: F,
    ) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let limit = if is_long { LONG_STATEMENT_TIMEOUT } else { STATEMENT_TIMEOUT };
        let tx = Tx::Postgres(self.pool.session().await?);
        // Before the state is taken, since the server goes on while it is asked.
        require_fresh(&tx, &freshness).await?;
        let Tx::Postgres(mut session) = tx else { return Err(StoreError::Overloaded) };
        session.begin_snapshot(limit);
        let tx = Tx::Postgres(session);
        let result = operation(&tx).await?;
        roll_back(tx).await?;
        Ok(result)
    }
}

/// Fails if what the server has is not fresh enough.
async fn require_fresh(tx: &Tx, freshness: &Freshness) -> Result<(), StoreError> {
    match freshness {
        Freshness::Any => Ok(()),
        Freshness::Within(most) => {
            let lag_us: Option<i64> = tx.one(LAG_US, &[]).await?;
            let lag = Duration::from_micros(lag_us.unwrap_or(i64::MAX).unsigned_abs());
            let behind = || StoreError::Away(format!("{} s behind", lag.as_secs()));
            (lag <= *most).then_some(()).ok_or_else(behind)
        }
        Freshness::Since(until) => {
            let behind = || StoreError::Away(format!("not at {until} of the log yet"));
            has_all(tx, until).await?.then_some(()).ok_or_else(behind)
        }
    }
}

async fn has_all(tx: &Tx, until: &str) -> Result<bool, StoreError> {
    let has_all: Option<Option<bool>> = tx.one(HAS_ALL_SINCE, &[until.into()]).await?;
    has_all.flatten().ok_or_else(|| StoreError::Away("no standby".to_owned()))
}
