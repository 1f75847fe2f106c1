//! A connection to a server.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::cause::reason_of;
use super::servers::Connection;
use super::value::{Row, Value};
use crate::StoreError;

const SILENT: &str = "the server did not answer in time";
/// The longest time to begin a transaction, which waits for nothing.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause between the statements of a snapshot, which locks nothing that others need.
const SNAPSHOT_IDLE_S: u32 = 60;
/// Settings of a transaction that the URL may set differently: the longest waits for a lock, and of
/// the server for a client that fell silent, for whose locks others wait.
const TIMEOUTS: [(&str, &str); 2] =
    [("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "2s")];
/// The server answers the end of a transaction that an error broke with success and undoes it; a
/// statement before it fails then.
const COMMIT: &str = "SELECT 1; COMMIT";

/// A connection in use. If it is dropped inside a transaction, it is closed, not given back.
pub(crate) struct Session {
    client: Option<Connection>,
    /// The longest time for each statement, even if something between here and the server accepts
    /// bytes but does not pass them on.
    statement_timeout: Duration,
    /// Begins a transaction.
    begin: Arc<str>,
    in_transaction: bool,
    /// True if a statement failed because another transaction was in the way.
    has_conflict: AtomicBool,
    /// True if the server does not answer or takes no writes. Another connection may lead to one
    /// that does, so neither this one nor those that lie idle are used again.
    is_useless: AtomicBool,
    /// True while a statement runs: if its caller goes away, its answer is still to come.
    is_running: AtomicBool,
}

/// The longest time for a statement that only reads, outside a transaction. The server's own limit
/// comes first, so that a slow statement is told from a server that does not answer.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// The time after our own deadline at which the server gives up a statement whose client is gone.
const SERVER_GRACE: Duration = Duration::from_secs(1);

/// What a new connection begins with: the server's limit of such a statement, in milliseconds.
pub(super) const GREETING: &str = "SET statement_timeout = 2700";

/// The statements that begin a transaction on the servers of a URL with these `options`. The
/// settings are part of it, so they hold behind a pooler too. Nothing takes away the promise that a
/// reported commit is on disk, and on the disks of any synchronous standbys.
pub(super) fn begin(options: &str, statement_timeout: Duration) -> String {
    let own = own_settings(options);
    let timeouts = TIMEOUTS.iter().filter(|(name, _)| !own.contains(name));
    let timeouts = timeouts.map(|(name, value)| format!("; SET LOCAL {name} = '{value}'"));
    let limit_ms = (statement_timeout + SERVER_GRACE).as_millis();
    format!(
        "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = {limit_ms}{}",
        timeouts.collect::<String>()
    )
}

/// The names of the settings in the `options` of a URL, such as `-c lock_timeout=7s`.
fn own_settings(options: &str) -> Vec<&str> {
    let words = options.split(|it: char| it.is_whitespace());
    let words = words.map(|word| word.trim_start_matches("-c").trim_start_matches("--"));
    words.filter_map(|word| word.split_once('=')).map(|(name, _)| name).collect()
}

impl Session {
    pub(super) const fn new(
        client: Connection,
        statement_timeout: Duration,
        begin: Arc<str>,
    ) -> Self {
        Self {
            client: Some(client),
            statement_timeout,
            begin,
            in_transaction: false,
            has_conflict: AtomicBool::new(false),
            is_useless: AtomicBool::new(false),
            is_running: AtomicBool::new(false),
        }
    }

    /// Allows each statement this much time.
    pub(super) const fn allow(&mut self, statement_timeout: Duration) {
        self.statement_timeout = statement_timeout;
    }

    /// Checks that the server takes writes on this connection.
    pub(super) async fn check_writable(&self) -> Result<(), StoreError> {
        let sql = "SELECT current_setting('transaction_read_only')";
        let rows = self.query(sql, &[]).await?;
        let is_read_only = rows.first().is_none_or(|row| row.0 != [Value::Text("off".to_owned())]);
        if is_read_only {
            self.is_useless.store(true, Ordering::Relaxed);
            return Err(StoreError::Away("the server is read-only".to_owned()));
        }
        Ok(())
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let rows = self.within(async {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, &references(params)).await
        });
        rows.await?.iter().map(owned).collect()
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let client = self.client()?;
        if params.is_empty() {
            // A statement without parameters needs no plan, and neither does transaction control.
            let answers = self.within(client.simple_query(sql)).await?;
            let counts = answers.iter().map(|answer| match answer {
                SimpleQueryMessage::CommandComplete(rows) => *rows,
                _ => 0,
            });
            return Ok(counts.sum());
        }
        let count = self.within(async {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, &references(params)).await
        });
        count.await
    }

    /// Begins a transaction; `more` has further settings of it.
    pub(super) async fn begin(&mut self, more: &str) -> Result<(), StoreError> {
        let sql = format!("{}{more}", self.begin);
        let statement_timeout = self.statement_timeout;
        self.allow(statement_timeout.min(BEGIN_TIMEOUT));
        self.control(&sql, true).await?;
        self.allow(statement_timeout);
        Ok(())
    }

    /// Begins a transaction that only reads, from one state of the data.
    /// Each of its statements may take that long.
    pub(super) async fn begin_snapshot(&mut self, statement: Duration) -> Result<(), StoreError> {
        let limit_ms = (statement + SERVER_GRACE).as_millis();
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET LOCAL statement_timeout = {limit_ms}; \
             SET LOCAL idle_in_transaction_session_timeout = '{SNAPSHOT_IDLE_S}s'"
        );
        self.allow(BEGIN_TIMEOUT);
        self.control(&sql, true).await?;
        self.allow(statement);
        Ok(())
    }

    /// Commits. The commit has certainly failed only if the server judged it: after a lost
    /// connection, or on a server that is going down, it may stand.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.control(COMMIT, false).await.map_err(|error| match error {
            StoreError::Engine(text) | StoreError::Away(text) => StoreError::InDoubt(text),
            judged => judged,
        })
    }

    /// Undoes the transaction.
    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        self.control("ROLLBACK", false).await
    }

    /// What was in the way of a statement that failed. Operations have their own error types, so
    /// the session remembers it.
    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        if self.has_conflict.load(Ordering::Relaxed) {
            return Some(Obstacle::Conflict);
        }
        self.is_useless.load(Ordering::Relaxed).then_some(Obstacle::Away)
    }

    async fn control(&mut self, sql: &str, in_transaction: bool) -> Result<(), StoreError> {
        self.in_transaction = true;
        self.within(self.client()?.batch_execute(sql)).await?;
        self.in_transaction = in_transaction;
        Ok(())
    }

    /// The connection, unless it is of no use any more.
    fn client(&self) -> Result<&Connection, StoreError> {
        if self.is_useless.load(Ordering::Relaxed) {
            return Err(silent());
        }
        self.client.as_ref().ok_or(StoreError::Overloaded)
    }

    /// Waits for a statement as long as it may take.
    async fn within<T>(
        &self,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        self.is_running.store(true, Ordering::Relaxed);
        let answered = tokio::time::timeout(self.statement_timeout, statement).await;
        self.is_running.store(false, Ordering::Relaxed);
        let error = match answered {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => engine_error(&error),
            Err(_) => silent(),
        };
        self.is_useless.fetch_or(matches!(error, StoreError::Away(_)), Ordering::Relaxed);
        self.has_conflict.fetch_or(is_conflict(&error), Ordering::Relaxed);
        Err(error)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let is_useless = *self.is_useless.get_mut();
        if (self.in_transaction || is_useless || *self.is_running.get_mut())
            && let Some(client) = self.client.take()
        {
            let pool = Connection::pool(&client);
            // Taken out of the pool, the connection closes and the server rolls back.
            drop(Connection::take(client));
            if let Some(pool) = pool.filter(|_| is_useless) {
                pool.retain(|_, _| false);
            }
        }
    }
}

/// Why a write may succeed at another try.
pub(super) enum Obstacle {
    /// Another transaction was in the way.
    Conflict,
    /// The connection was of no use.
    Away,
}

impl Obstacle {
    pub(super) const fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::Conflict(_) => Some(Self::Conflict),
            StoreError::Away(_) => Some(Self::Away),
            _ => None,
        }
    }
}

pub(super) fn silent() -> StoreError {
    StoreError::Away(SILENT.to_owned())
}

fn references(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *ty == Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            _ => Self::Text(String::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        <Self as ToSql>::accepts(ty) || *ty == Type::BOOL
    }
}

fn owned(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    (0..row.len())
        .map(|column| row.try_get(column).map_err(|error| engine_error(&error)))
        .collect::<Result<_, _>>()
        .map(Row)
}

fn engine_error(error: &tokio_postgres::Error) -> StoreError {
    let text = reason_of(error);
    let Some(db) = error.as_db_error() else {
        let is_io = error.source().is_some_and(|cause| cause.is::<std::io::Error>());
        let is_away = error.is_closed() || is_io;
        return if is_away { StoreError::Away(text) } else { StoreError::Engine(text) };
    };
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Conflict(text)
        }
        SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => StoreError::Locked(text),
        SqlState::UNIQUE_VIOLATION => {
            StoreError::Duplicate(db.constraint().unwrap_or_default().to_owned())
        }
        SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => StoreError::Away(text),
        _ => StoreError::Engine(text),
    }
}

/// Only a conflict is worth another try.
pub(super) fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_may_set_its_own_limits_by_their_whole_names() {
        let begun = |options| begin(options, Duration::from_secs(2));
        assert!(begun("").contains("lock_timeout = '10s'"));
        assert!(begun("-c deadlock_timeout=200ms").contains("lock_timeout = '10s'"));
        for options in ["-c lock_timeout=7s", "-clock_timeout=7s", "--lock_timeout=7s"] {
            assert!(!begun(options).contains("lock_timeout"), "{options}");
            assert!(begun(options).contains("synchronous_commit = on"));
        }
    }
}
