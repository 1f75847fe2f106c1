//! PostgreSQL: a pool of connections, and one connection that commits money in groups.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use domain::IdGenerator;
use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslMethod};
use postgres_openssl::MakeTlsConnector;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::group::{MoneyJob, apply_in_savepoint, settle_money};
use super::{AbortOnPanic, BoxFuture, Row, Tx, Value};
use crate::StoreError;

/// Connections of one process.
const MAX_CONNECTIONS: usize = 24;
/// How long a caller waits for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a line may be silent before it counts as lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long beginning or ending a transaction may take, also where something between here
/// and the server takes bytes and passes none on.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
const SILENT: &str = "the server did not answer in time";
/// What the server bounds: the wait for a lock, and a transaction whose client fell silent,
/// which would keep its locks.
const SERVER_TIMEOUTS: &str = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=15s";
/// How often an operation is run again when another transaction was in the way.
const MAX_TRIES: u32 = 8;
/// Money commands that may wait for the writer.
const MAX_QUEUED: usize = 4_096;
/// Money commands that share one commit at most.
const MAX_GROUP: usize = 256;
/// Where systems keep their certificate authorities: the OpenSSL that is built in would
/// look in a directory of its own, which no system fills.
const CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A connection in use. Dropped inside a transaction it is closed, not given back.
pub(crate) struct Session {
    client: Option<Object>,
    in_transaction: bool,
    /// Whether a statement failed because another transaction was in the way. Operations
    /// have error types of their own, so the engine remembers it here.
    conflict: AtomicBool,
}

impl Session {
    const fn new(client: Object) -> Self {
        Self { client: Some(client), in_transaction: false, conflict: AtomicBool::new(false) }
    }

    fn error(&self, error: tokio_postgres::Error) -> StoreError {
        let error = engine_error(error);
        self.conflict.fetch_or(is_conflict(&error), Ordering::Relaxed);
        error
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
            // Transaction control needs no plan.
            return client.batch_execute(sql).await.map(|()| 0).map_err(|e| self.error(e));
        }
        let statement = client.prepare_cached(sql).await.map_err(|e| self.error(e))?;
        client.execute(&statement, &references(params)).await.map_err(|e| self.error(e))
    }

    async fn control(&mut self, sql: &str, in_transaction: bool) -> Result<(), StoreError> {
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
        if self.in_transaction
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
        return StoreError::Engine(error.to_string());
    };
    let text = format!("{} {}", db.code().code(), db.message());
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Conflict(text)
        }
        SqlState::UNIQUE_VIOLATION => {
            StoreError::Duplicate(db.constraint().unwrap_or_default().to_owned())
        }
        _ => StoreError::Engine(text),
    }
}

/// Only a conflict is worth another try.
fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_))
}

/// The server engine.
pub(crate) struct Postgres {
    pool: Pool,
    /// One connection for what must not wait for the others to be free.
    apart: Pool,
    money: mpsc::Sender<MoneyWork>,
}

enum MoneyWork {
    Job(MoneyJob),
    Close(oneshot::Sender<()>),
}

impl Postgres {
    /// Connects; `url` is a `postgres://` URL, with TLS if it asks for it (`sslmode`).
    pub(crate) async fn open(url: &str, ids: Arc<IdGenerator>) -> Result<Self, StoreError> {
        let config: tokio_postgres::Config =
            url.parse().map_err(|_| StoreError::Engine("not a postgres:// URL".to_owned()))?;
        let config = bounded(config);
        let (money, work) = mpsc::channel(MAX_QUEUED);
        let apart = pool(config.clone(), 1)?;
        let engine = Self { pool: pool(config.clone(), MAX_CONNECTIONS)?, apart, money };
        // The first connection proves the URL before anybody relies on it.
        drop(engine.session().await?);
        // The writer has a connection of its own, so that no rush of reads delays a hold.
        tokio::spawn(run_writer(pool(config, 1)?, work, ids));
        Ok(engine)
    }

    /// A connection for migrations.
    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        connection(&self.pool).await
    }

    async fn session(&self) -> Result<Session, StoreError> {
        Ok(Session::new(self.connection().await?))
    }

    /// Writes in one commit by a connection that nothing else is done with.
    pub(crate) async fn write_apart<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
    {
        write_by(&self.apart, operation).await
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
        write_by(&self.pool, operation).await
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
        self.pool.close();
        self.apart.close();
    }
}

/// Bounds what a silent line or a stuck transaction can hold up; what the URL says stays.
fn bounded(mut config: tokio_postgres::Config) -> tokio_postgres::Config {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_TIMEOUT);
    }
    config.keepalives_idle(SILENCE_TIMEOUT);
    if config.get_options().is_none() {
        config.options(SERVER_TIMEOUTS);
    }
    config
}

/// A connector that trusts the system's certificate authorities, or those of the variable
/// `SSL_CERT_FILE`, which OpenSSL reads by itself.
fn tls() -> Result<SslConnector, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    if std::env::var_os("SSL_CERT_FILE").is_none()
        && let Some(file) = CA_FILES.into_iter().find(|file| Path::new(file).exists())
    {
        builder.set_ca_file(file)?;
    }
    Ok(builder.build())
}

fn pool(config: tokio_postgres::Config, max_connections: usize) -> Result<Pool, StoreError> {
    let tls = tls().map_err(|error| StoreError::Engine(error.to_string()))?;
    let manager = Manager::from_config(
        config,
        MakeTlsConnector::new(tls),
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    Pool::builder(manager)
        .max_size(max_connections)
        .wait_timeout(Some(CONNECTION_TIMEOUT))
        .create_timeout(Some(CONNECTION_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| StoreError::Engine(error.to_string()))
}

async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        deadpool_postgres::PoolError::Backend(error) => engine_error(error),
        other => StoreError::Engine(other.to_string()),
    })
}

async fn write_by<T, E, F>(pool: &Pool, operation: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut tries = 1;
    loop {
        let (result, conflict) = try_write(pool, &operation).await?;
        if !conflict || tries == MAX_TRIES {
            return result;
        }
        tries += 1;
    }
}

/// One try; the flag tells whether another transaction was in the way.
async fn try_write<T, E, F>(pool: &Pool, operation: &F) -> Result<(Result<T, E>, bool), E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut session = Session::new(connection(pool).await?);
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
async fn commit(tx: Tx) -> Result<(), StoreError> {
    end(tx, "COMMIT").await.map_err(|error| match error {
        StoreError::Engine(text) => StoreError::InDoubt(text),
        judged => judged,
    })
}

/// The writer: takes whatever has arrived, commits it together, answers, and again.
async fn run_writer(pool: Pool, mut work: mpsc::Receiver<MoneyWork>, ids: Arc<IdGenerator>) {
    let _guard = AbortOnPanic;
    while let Some(first) = work.recv().await {
        // Those whom the last commit answered get a turn to ask again: two groups would
        // otherwise take turns, each waiting for the other's commit.
        tokio::task::yield_now().await;
        let mut jobs = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                MoneyWork::Job(job) => jobs.push(job),
                MoneyWork::Close(done) => closing = Some(done),
            }
            let full = jobs.len() >= MAX_GROUP || closing.is_some();
            next = if full { None } else { work.try_recv().ok() };
        }
        commit_group(&pool, jobs, &ids).await;
        if closing.is_some() {
            break;
        }
    }
}

async fn commit_group(pool: &Pool, jobs: Vec<MoneyJob>, ids: &IdGenerator) {
    let mut tries = 1;
    loop {
        match try_group(pool, &jobs, ids).await {
            Ok(results) => return settle_money(jobs, results, &Ok(())),
            Err(error) if is_conflict(&error) && tries < MAX_TRIES => tries += 1,
            Err(error) => return settle_money(jobs, Vec::new(), &Err(error)),
        }
    }
}

async fn try_group(
    pool: &Pool,
    jobs: &[MoneyJob],
    ids: &IdGenerator,
) -> Result<Vec<super::group::MoneyResult>, StoreError> {
    let mut session = Session::new(connection(pool).await?);
    session.control("BEGIN", true).await?;
    let tx = Tx::Postgres(session);
    let results = apply_in_savepoint(&tx, ids, jobs).await;
    commit(tx).await?;
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_certificate_authorities_are_trusted() {
        let has_some = CA_FILES.into_iter().any(|file| Path::new(file).exists());
        let trusted = tls().unwrap().context().cert_store().all_certificates().len();
        assert_eq!(trusted > 0, has_some);
    }
}
