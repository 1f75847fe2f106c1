//! A server that is only read, such as a standby of the one that takes writes.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::pool::{ServerPool, roll_back};
use super::postgres::{LONG_STATEMENT_TIMEOUT, STATEMENT_TIMEOUT, understood};
use super::tx::{BoxFuture, Tx};
use crate::{ServerLocation, StoreError};

/// The most connections to it.
const MAX_CONNECTIONS: usize = 8;
/// Pause between two log lines about it.
const TELLING_INTERVAL: Duration = Duration::from_secs(30);

/// How far a standby is behind, microseconds; 0 on a server that is none. One that has replayed
/// nothing yet counts as far behind.
const LAG_US: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN COALESCE( \
    (EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000000)::bigint, \
    9000000000000000) ELSE 0 END";

/// The server.
pub(crate) struct ReadServer {
    /// Hosts and ports, for the log.
    place: String,
    pool: ServerPool,
    /// When it was last told that it does not serve.
    told_at: Mutex<Option<Instant>>,
}

impl ReadServer {
    /// Takes its place; nothing is connected yet, so it may be away.
    pub(crate) fn new(server: &ServerLocation) -> Result<Self, StoreError> {
        let url = understood(server)?;
        let pool =
            ServerPool::new(&url, server.connections.min(MAX_CONNECTIONS), STATEMENT_TIMEOUT)?;
        Ok(Self { place: url.place, pool, told_at: Mutex::new(None) })
    }

    /// Tells now and then why it does not serve.
    pub(crate) fn tell(&self, error: &StoreError) {
        let Ok(mut told_at) = self.told_at.lock() else { return };
        if told_at.is_none_or(|told_at| told_at.elapsed() >= TELLING_INTERVAL) {
            *told_at = Some(Instant::now());
            let server = self.place.as_str();
            tracing::warn!(server, %error, "not read aside, but where writes go");
        }
    }

    /// Reads from one state of the data, if that is at most `max_lag` old; `is_long` for statements
    /// that go through a whole table.
    pub(crate) async fn read_snapshot<T, F>(
        &self,
        (is_long, max_lag): (bool, Option<Duration>),
        operation: F,
    ) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let mut session = self.pool.session().await?;
        let limit = if is_long { LONG_STATEMENT_TIMEOUT } else { STATEMENT_TIMEOUT };
        session.begin_snapshot(limit);
        let tx = Tx::Postgres(session);
        if let Some(max_lag) = max_lag {
            let lag_us: Option<i64> = tx.one(LAG_US, &[]).await?;
            let lag = Duration::from_micros(lag_us.unwrap_or(i64::MAX).unsigned_abs());
            if lag > max_lag {
                roll_back(tx).await?;
                return Err(StoreError::Away(format!("{} s behind", lag.as_secs())));
            }
        }
        let result = operation(&tx).await?;
        roll_back(tx).await?;
        Ok(result)
    }
}
