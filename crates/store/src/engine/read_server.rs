//! A server that is only read, such as a standby of the one that takes writes.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use domain::IdGenerator;
use tokio::time::Instant;

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

/// The last mark of a process that a server has.
const MARKED: &str = "SELECT serial FROM read_marker WHERE node = $1 AND run = $2";

/// A commit of a process, by which a standby is known to have all that was committed before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// The node number.
    pub(crate) node: i64,
    /// An id that only this run of this process has: one of another cluster may have the number.
    pub(crate) run: i64,
    /// Which of its commits; later ones are higher.
    pub(crate) serial: i64,
}

/// How old the state may be that is read.
#[derive(Clone, Copy)]
pub(crate) enum Freshness {
    /// It agrees with itself.
    Any,
    /// At most this old.
    Within(Duration),
    /// It has this, and so all that was committed before.
    Marked(Mark),
}

/// The server.
pub(crate) struct ReadServer {
    /// Hosts and ports, for the log.
    place: String,
    pool: ServerPool,
    /// The log lines that it does not serve.
    telling: NowAndThen,
    /// The id of this run of the process in its marks.
    run: OnceLock<i64>,
    /// When it was last waited for in vain.
    given_up_at: Mutex<Option<Instant>>,
}

impl ReadServer {
    /// Takes its place; nothing is connected yet, so it may be away.
    pub(crate) fn new(server: &ServerLocation) -> Result<Self, StoreError> {
        let url = understood(server)?;
        let pool =
            ServerPool::new(&url, server.connections.min(MAX_CONNECTIONS), STATEMENT_TIMEOUT)?;
        Ok(Self {
            place: url.place,
            pool,
            telling: NowAndThen::new(),
            run: OnceLock::new(),
            given_up_at: Mutex::default(),
        })
    }

    /// Tells now and then why it does not serve.
    pub(crate) fn tell(&self, error: &StoreError) {
        if self.telling.is_due() {
            let server = self.place.as_str();
            tracing::warn!(server, %error, "not read aside, but where writes go");
        }
    }

    /// The id of this run of the process in its marks.
    pub(crate) fn run(&self, ids: &IdGenerator) -> i64 {
        *self.run.get_or_init(|| ids.next())
    }

    /// True if it has this.
    pub(crate) async fn has(&self, mark: Mark) -> Result<bool, StoreError> {
        has(&Tx::Postgres(self.pool.session().await?), mark).await
    }

    /// Records that it was waited for in vain.
    pub(crate) fn give_up(&self) {
        let mut given_up_at = self.given_up_at.lock().unwrap_or_else(PoisonError::into_inner);
        *given_up_at = Some(Instant::now());
    }

    /// True if it was waited for in vain less than so long ago.
    pub(crate) fn is_given_up(&self, duration: Duration) -> bool {
        let given_up_at = self.given_up_at.lock().unwrap_or_else(PoisonError::into_inner);
        given_up_at.is_some_and(|at| at.elapsed() < duration)
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
        let mut session = self.pool.session().await?;
        session.begin_snapshot(limit);
        let tx = Tx::Postgres(session);
        if let Err(stale) = require_fresh(&tx, &freshness).await {
            roll_back(tx).await?;
            return Err(stale);
        }
        let result = operation(&tx).await?;
        roll_back(tx).await?;
        Ok(result)
    }
}

/// Fails if the state that a transaction sees is not fresh enough.
async fn require_fresh(tx: &Tx, freshness: &Freshness) -> Result<(), StoreError> {
    match freshness {
        Freshness::Any => Ok(()),
        Freshness::Within(most) => {
            let lag_us: Option<i64> = tx.one(LAG_US, &[]).await?;
            let lag = Duration::from_micros(lag_us.unwrap_or(i64::MAX).unsigned_abs());
            let behind = || StoreError::Away(format!("{} s behind", lag.as_secs()));
            (lag <= *most).then_some(()).ok_or_else(behind)
        }
        Freshness::Marked(mark) => {
            let behind = || StoreError::Away("it has not what was just committed".to_owned());
            has(tx, *mark).await?.then_some(()).ok_or_else(behind)
        }
    }
}

async fn has(tx: &Tx, mark: Mark) -> Result<bool, StoreError> {
    let serial: Option<i64> = tx.one(MARKED, &[mark.node.into(), mark.run.into()]).await?;
    Ok(serial.is_some_and(|serial| serial >= mark.serial))
}
