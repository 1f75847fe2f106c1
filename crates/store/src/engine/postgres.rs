//! PostgreSQL: a pool of connections, and one connection that commits money in groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use domain::IdGenerator;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Config, SimpleQueryMessage};

use super::cause::in_full;
use super::group::MoneyJob;
use super::money_writer::{ASIDE_CONNECTIONS, MoneyWork, MoneyWriter, Origin};
use super::server_url::ServerUrl;
use super::{BoxFuture, Row, Tx, Value};
use crate::StoreError;
use crate::process::Number;

/// Connections of one process.
const MAX_CONNECTIONS: usize = 24;
/// How long a caller waits for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a line may be silent before it counts as lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long beginning or ending a transaction may take, also where something between here
/// and the server takes bytes and passes none on.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const SILENT: &str = "the server did not answer in time";
/// What the server bounds unless the URL says otherwise: the wait for a lock, and a
/// transaction whose client fell silent, which would keep its locks.
const SERVER_TIMEOUTS: &str = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=15s";
/// What no URL, role or database takes away: what was told stands on disk, and where there are
/// synchronous standbys with them.
const SERVER_PROMISES: &str = "-c synchronous_commit=on";
/// How often an operation is run again when another transaction was in the way.
pub(super) const MAX_TRIES: u32 = 8;
/// Money commands that may wait for the writer.
const MAX_QUEUED: usize = 4_096;
/// A connection in use. Dropped inside a transaction it is closed, not given back.
pub(crate) struct Session {
    client: Option<Object>,
    in_transaction: bool,
    /// Whether a statement failed because another transaction was in the way. Operations
    /// have error types of their own, so the engine remembers it here.
    conflict: AtomicBool,
    /// Whether the server turned out not to take writes. Another connection may lead to one
    /// that does, so this one is not given back.
    read_only: AtomicBool,
}

impl Session {
    pub(super) const fn new(client: Object) -> Self {
        let (conflict, read_only) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { client: Some(client), in_transaction: false, conflict, read_only }
    }

    fn error(&self, error: tokio_postgres::Error) -> StoreError {
        if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            self.read_only.store(true, Ordering::Relaxed);
        }
        let error = engine_error(error);
        self.conflict.fetch_or(is_conflict(&error), Ordering::Relaxed);
        error
    }

    /// Whether the server takes writes on this connection.
    pub(super) async fn check_writable(&self) -> Result<(), StoreError> {
        let sql = "SELECT current_setting('transaction_read_only')";
        let rows = self.query(sql, &[]).await?;
        let is_read_only = rows.first().is_none_or(|row| row.0 != [Value::Text("off".to_owned())]);
        if is_read_only {
            self.read_only.store(true, Ordering::Relaxed);
            return Err(StoreError::Engine("the server is read-only".to_owned()));
        }
        Ok(())
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or(StoreError::Overloaded)
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let statement = client.prepare_cached(sql).await.map_err(|e| self.error(e))?;
        let rows =
            client.query(&statement, &references(params)).await.map_err(|e| self.error(e))?;
        rows.iter().map(owned).collect()
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let client = self.client()?;
        if params.is_empty() {
            // Needs no plan, and neither does transaction control.
            let answers = client.simple_query(sql).await.map_err(|e| self.error(e))?;
            let counts = answers.iter().map(|answer| match answer {
                SimpleQueryMessage::CommandComplete(rows) => *rows,
                _ => 0,
            });
            return Ok(counts.sum());
        }
        let statement = client.prepare_cached(sql).await.map_err(|e| self.error(e))?;
        client.execute(&statement, &references(params)).await.map_err(|e| self.error(e))
    }

    pub(super) async fn control(
        &mut self,
        sql: &str,
        in_transaction: bool,
    ) -> Result<(), StoreError> {
        self.in_transaction = true;
        let run = self.client()?.batch_execute(sql);
        let answered = tokio::time::timeout(CONTROL_TIMEOUT, run).await;
        answered.map_err(|_| StoreError::Engine(SILENT.to_owned()))?.map_err(engine_error)?;
        self.in_transaction = in_transaction;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if (self.in_transaction || *self.read_only.get_mut())
            && let Some(client) = self.client.take()
        {
            // Taken out of the pool, the connection closes and the server rolls back.
            drop(Object::take(client));
        }
    }
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
        .map(|column| row.try_get(column).map_err(engine_error))
        .collect::<Result<_, _>>()
        .map(Row)
}

fn engine_error(error: tokio_postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        return StoreError::Engine(in_full(&error));
    };
    let text = format!("{} {}", db.code().code(), db.message());
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Conflict(text)
        }
        SqlState::LOCK_NOT_AVAILABLE => StoreError::Locked(text),
        SqlState::UNIQUE_VIOLATION => {
            StoreError::Duplicate(db.constraint().unwrap_or_default().to_owned())
        }
        _ => StoreError::Engine(text),
    }
}

/// Only a conflict is worth another try.
pub(super) fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_))
}

/// The server engine.
pub(crate) struct Postgres {
    pool: ServerPool,
    /// One connection for what must not wait for the others to be free.
    apart: ServerPool,
    money: mpsc::Sender<MoneyWork>,
    origin: Origin,
}

/// A pool of connections to one place.
#[derive(Clone)]
pub(super) struct ServerPool {
    pool: Pool,
    /// Hosts and ports, for errors.
    place: Arc<str>,
}

impl ServerPool {
    /// Whether somebody waits for a connection.
    pub(super) fn is_crowded(&self) -> bool {
        self.pool.status().waiting > 0
    }

    fn new(url: &ServerUrl, max_connections: usize) -> Result<Self, StoreError> {
        let failed = |error: &(dyn std::error::Error + 'static)| StoreError::Engine(in_full(error));
        let manager = Manager::from_config(
            url.config.clone(),
            url.connector().map_err(|error| failed(&error))?,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .wait_timeout(Some(CONNECTION_TIMEOUT))
            .create_timeout(Some(CONNECTION_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { pool, place: url.place.as_str().into() })
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| {
            let cause = match error {
                PoolError::Backend(error) => match engine_error(error) {
                    StoreError::Engine(text) => text,
                    other => other.to_string(),
                },
                PoolError::Timeout(TimeoutType::Wait) => return StoreError::Overloaded,
                PoolError::Timeout(TimeoutType::Create) => {
                    format!("no connection within {} s", CONNECTION_TIMEOUT.as_secs())
                }
                other => in_full(&other),
            };
            StoreError::Engine(format!("{}: {cause}", self.place))
        })
    }

    pub(super) async fn session(&self) -> Result<Session, StoreError> {
        Ok(Session::new(self.connection().await?))
    }
}

impl Postgres {
    /// Connects; `url` is a `postgres://` URL, with TLS if it asks for it (`sslmode`).
    /// `number` is the one that `ids` bear: money is written while it is this process's own.
    pub(crate) async fn open(
        url: &str,
        ids: Arc<IdGenerator>,
        number: Arc<Number>,
    ) -> Result<Self, StoreError> {
        let mut url = ServerUrl::parse(url)
            .map_err(|error| StoreError::Engine(format!("the URL should be {error}")))?;
        bound(&mut url.config);
        let pool = first_pool(&mut url).await?;
        let (money, work) = mpsc::channel(MAX_QUEUED);
        // The writer has a connection of its own, so that no rush of reads delays a hold, and
        // so has what waits for a row.
        let origin = Origin { ids, number };
        let writer = MoneyWriter::new(
            ServerPool::new(&url, 1)?,
            ServerPool::new(&url, ASIDE_CONNECTIONS)?,
            origin.clone(),
        );
        tokio::spawn(writer.run(work));
        let apart = ServerPool::new(&url, 1)?;
        Ok(Self { pool, apart, money, origin })
    }

    /// Hosts and ports, for errors.
    pub(crate) fn place(&self) -> &str {
        &self.pool.place
    }

    /// A connection for migrations.
    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.connection().await
    }

    async fn session(&self) -> Result<Session, StoreError> {
        self.pool.session().await
    }

    /// Whether the connection that money is written on takes writes.
    pub(crate) async fn check_writable(&self) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.money.send(MoneyWork::Probe(done)).await.map_err(|_| StoreError::Overloaded)?;
        answer.await.map_err(|_| StoreError::Overloaded)?
    }

    /// Writes in one commit by a connection that nothing else is done with.
    pub(crate) async fn write_apart<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
    {
        write_by(&self.apart, None, operation).await
    }

    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        operation(&Tx::Postgres(self.session().await?)).await
    }

    pub(crate) async fn read_snapshot<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let mut session = self.session().await?;
        session.control("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", true).await?;
        let tx = Tx::Postgres(session);
        let result = operation(&tx).await;
        end(tx, "COMMIT").await?;
        result
    }

    pub(crate) async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
    {
        write_by(&self.pool, Some(&self.origin), operation).await
    }

    /// Hands money to the writer.
    pub(crate) async fn send(&self, job: MoneyJob) -> Result<(), StoreError> {
        self.money.send(MoneyWork::Job(job)).await.map_err(|_| StoreError::Overloaded)
    }

    /// Commits what is queued and takes no more money.
    pub(crate) async fn finish(&self) {
        let (done, ended) = oneshot::channel();
        if self.money.send(MoneyWork::Close(done)).await.is_ok() {
            // The writer drops the sender when it ends, which is as good as an answer.
            let _ = ended.await;
        }
    }

    /// Closes all connections; to be called once the engine has finished.
    pub(crate) fn close(&self) {
        self.pool.pool.close();
        self.apart.pool.close();
    }
}

/// The first pool, whose first connection proves the URL before anybody relies on it.
async fn first_pool(url: &mut ServerUrl) -> Result<ServerPool, StoreError> {
    if url.is_plain_first {
        let before = url.config.get_ssl_mode();
        url.config.ssl_mode(SslMode::Disable);
        let pool = ServerPool::new(url, MAX_CONNECTIONS)?;
        if pool.session().await.is_ok() {
            return Ok(pool);
        }
        url.config.ssl_mode(before);
    }
    let pool = ServerPool::new(url, MAX_CONNECTIONS)?;
    drop(pool.session().await?);
    Ok(pool)
}

/// Bounds what a silent line or a stuck transaction can hold up, where the URL does not; and
/// has the server keep what it was told.
fn bound(config: &mut Config) {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_TIMEOUT);
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(SILENCE_TIMEOUT);
    }
    let own = config.get_options().unwrap_or_default();
    // Of two values of a setting the later one counts.
    let options = format!("{SERVER_TIMEOUTS} {own} {SERVER_PROMISES}");
    config.options(options);
}

/// Writes, again where another transaction was in the way. `origin` is whose ids it bears.
async fn write_by<T, E, F>(pool: &ServerPool, origin: Option<&Origin>, operation: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut tries = 1;
    loop {
        let (result, conflict) = try_write(pool, origin, &operation).await?;
        if !conflict || tries == MAX_TRIES {
            return result;
        }
        tries += 1;
    }
}

/// One try; the flag tells whether another transaction was in the way.
async fn try_write<T, E, F>(
    pool: &ServerPool,
    origin: Option<&Origin>,
    operation: &F,
) -> Result<(Result<T, E>, bool), E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut session = pool.session().await?;
    session.control("BEGIN", true).await?;
    let tx = Tx::Postgres(session);
    let result = operation(&tx).await;
    if result.is_err() {
        let conflict = match &tx {
            Tx::Postgres(session) => session.conflict.load(Ordering::Relaxed),
            Tx::Sqlite(_) => false,
        };
        end(tx, "ROLLBACK").await?;
        return Ok((result, conflict));
    }
    if let Some(origin) = origin {
        origin.check()?;
    }
    match commit(tx).await {
        Ok(()) => Ok((result, false)),
        Err(error) => {
            let conflict = is_conflict(&error);
            Ok((Err(error.into()), conflict))
        }
    }
}

async fn end(tx: Tx, sql: &str) -> Result<(), StoreError> {
    let Tx::Postgres(mut session) = tx else { return Err(StoreError::Overloaded) };
    session.control(sql, false).await
}

/// Commits. Only what the server judged is known to have failed: a lost connection, or a
/// server that is going down, leaves open whether the commit stands.
pub(super) async fn commit(tx: Tx) -> Result<(), StoreError> {
    end(tx, "COMMIT").await.map_err(|error| match error {
        StoreError::Engine(text) => StoreError::InDoubt(text),
        judged => judged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_url_says_of_silence_counts() {
        let silence = |query: &str| {
            let mut config: Config = format!("postgres://user@host/name{query}").parse().unwrap();
            bound(&mut config);
            (config.get_keepalives_idle(), config.get_tcp_user_timeout().copied())
        };
        assert_eq!(silence(""), (SILENCE_TIMEOUT, Some(SILENCE_TIMEOUT)));
        let own = (Duration::from_secs(20), Some(Duration::from_secs(30)));
        assert_eq!(silence("?keepalives_idle=20&tcp_user_timeout=30"), own);
    }
}
