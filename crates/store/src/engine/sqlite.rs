//! SQLite: one writer thread that commits in groups, readers beside it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use super::group::{
    MoneyJob, MoneyResult, OnLock, Verdict, apply_directly, apply_in_savepoint, settle_money,
};
use super::{AbortOnPanic, BoxFuture, Row, Tx, Value};
use crate::StoreError;
use crate::engine::dialect::dialect;
use crate::engine::private_file::create_private;
use crate::engine::sqlite::checkpoint::Checkpointer;

#[path = "checkpoint.rs"]
mod checkpoint;
#[path = "sqlite_error.rs"]
mod sqlite_error;

use sqlite_error::engine_error;

/// Operations that may wait for the writer.
const MAX_QUEUED: usize = 4_096;
/// Operations that share one commit at most.
const MAX_GROUP: usize = 256;
/// Idle readers that are kept.
const MAX_IDLE_READERS: usize = 8;
/// How long a connection waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of the writer, in KiB.
const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: u32 = 4_096;
/// Size that the write-ahead log keeps when it begins again, in bytes.
const LOG_KEPT_BYTES: u32 = 16 * 1024 * 1024;
/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 256;

/// A connection in use: a transaction of the writer, or a reader.
pub(crate) struct Session {
    connection: Mutex<Connection>,
}

impl Session {
    fn open(path: &Path, is_reader: bool) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(engine_error)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(engine_error)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // Without it a statement on a table with a partial index is planned anew each time
        // its parameters change: a third of the time that reading and writing took.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(engine_error)?;
        // FULL: an answered commit survives a power cut. Checkpoints run beside the
        // writer (see checkpoint.rs), so the automatic ones inside commits are off.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;
                 PRAGMA temp_store = MEMORY; PRAGMA secure_delete = FAST;",
            )
            .map_err(engine_error)?;
        connection
            .pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)
            .map_err(engine_error)?;
        let (cache_kib, query_only) =
            if is_reader { (READER_CACHE_KIB, "ON") } else { (WRITER_CACHE_KIB, "OFF") };
        connection
            .execute_batch(&format!(
                "PRAGMA cache_size = -{cache_kib}; PRAGMA query_only = {query_only};"
            ))
            .map_err(engine_error)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Runs `work` on the connection.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(engine_error)
    }

    pub(crate) fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.query_each(sql, params, |row| Ok(std::mem::take(row)))
    }

    pub(crate) fn query_map<T>(
        &self,
        sql: &str,
        params: &[Value],
        from: fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.query_each(sql, params, |row| from(row))
    }

    /// Reads every row into one place, so that texts which are left there keep their memory.
    fn query_each<T>(
        &self,
        sql: &str,
        params: &[Value],
        from: impl Fn(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(&dialect(sql))?;
            bind(&mut statement, params)?;
            let columns = statement.column_count();
            let mut place = Row::default();
            let mut found = Vec::new();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                place.0.resize(columns, Value::Null);
                for (column, value) in place.0.iter_mut().enumerate() {
                    read_into(value, row.get_ref(column)?);
                }
                match from(&mut place) {
                    Ok(made) => found.push(made),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(found))
        })?
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.with(|connection| {
            // A full disk makes SQLite roll back by itself; a savepoint would then begin a
            // transaction of its own, and commit what the callers are told is lost.
            if connection.is_autocommit() && sql.starts_with("SAVEPOINT") {
                let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
                return Err(rusqlite::Error::SqliteFailure(failure, None));
            }
            let mut statement = connection.prepare_cached(&dialect(sql))?;
            bind(&mut statement, params)?;
            statement.raw_execute().map(|count| count as u64)
        })
    }
}

fn bind(statement: &mut rusqlite::Statement<'_>, params: &[Value]) -> Result<(), rusqlite::Error> {
    for (index, value) in params.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

/// Replaces `place` by a column's value.
fn read_into(place: &mut Value, value: ValueRef<'_>) {
    match (&mut *place, value) {
        (Value::Text(text), ValueRef::Text(value)) => {
            text.clear();
            text.push_str(&String::from_utf8_lossy(value));
        }
        (_, ValueRef::Null) => *place = Value::Null,
        (_, ValueRef::Integer(value)) => *place = Value::Int(value),
        // STRICT tables hold no reals; one can only come from an expression of ours.
        (_, ValueRef::Real(value)) => *place = Value::Text(value.to_string()),
        (_, ValueRef::Text(value)) => {
            *place = Value::Text(String::from_utf8_lossy(value).into_owned());
        }
        (_, ValueRef::Blob(value)) => *place = Value::Bytes(value.to_vec()),
    }
}

/// An operation on its way to the writer.
pub(super) enum Work {
    /// Moves money; batched with its like.
    Money(MoneyJob),
    /// Anything else; has its own savepoint.
    Other(Box<dyn Job>),
    /// Commit what is queued and end.
    Close(oneshot::Sender<()>),
}

/// An operation whose types the writer does not know.
pub(super) trait Job: Send {
    /// Runs it; false to roll it back.
    fn run(&mut self, tx: &Tx) -> bool;
    /// Tells the caller what came of it, after the commit.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct OtherJob<T, E, F> {
    operation: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for OtherJob<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send,
{
    fn run(&mut self, tx: &Tx) -> bool {
        let result = complete((self.operation)(tx));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(E::from(error)),
            (None, Ok(())) => Err(E::from(StoreError::Overloaded)),
        };
        // The caller may have gone away; the commit stands all the same.
        let _ = self.reply.send(result);
    }
}

/// Drives an operation over SQLite, which never waits.
fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("an operation on SQLite waited for something else than SQLite"),
    }
}

/// The embedded engine.
pub(crate) struct Sqlite {
    path: PathBuf,
    queue: mpsc::Sender<Work>,
    readers: Mutex<Vec<Arc<Tx>>>,
}

impl Sqlite {
    /// Opens the file and starts the writer.
    pub(crate) fn open(
        path: &Path,
        migrate: impl FnOnce(&mut Connection) -> Result<(), StoreError>,
        ids: Arc<domain::IdGenerator>,
    ) -> Result<Self, StoreError> {
        create_private(path)?;
        let session = Session::open(path, false)?;
        // What the log of a process that died says is in force from now on, also where that
        // process could not bring it to the disk.
        if let Err(error) = session.query("PRAGMA wal_checkpoint(TRUNCATE)", &[]) {
            tracing::warn!(%error, "the log of an earlier process could not be put into the store");
        }
        {
            let mut connection = session.connection.lock().unwrap_or_else(PoisonError::into_inner);
            migrate(&mut connection)?;
        }
        let checkpointer = Checkpointer::start(path)?;
        let (queue, work) = mpsc::channel(MAX_QUEUED);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let _guard = AbortOnPanic;
                run_writer(&Tx::Sqlite(session), work, &checkpointer, &ids);
            })
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { path: path.to_owned(), queue, readers: Mutex::new(Vec::new()) })
    }

    /// Runs a read on the calling thread: a point read takes microseconds, less than a
    /// hand-over to another thread would. All its statements see one state.
    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let reader = self.reader()?;
        reader.execute("BEGIN", &[]).await?;
        let result = operation(&reader).await;
        reader.execute("COMMIT", &[]).await?;
        self.give_back(reader);
        result
    }

    /// As [`Sqlite::read`] with one statement, which needs no transaction round it.
    pub(crate) async fn read_one<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let reader = self.reader()?;
        let result = operation(&reader).await;
        self.give_back(reader);
        result
    }

    fn reader(&self) -> Result<Arc<Tx>, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Ok(Arc::new(Tx::Sqlite(Session::open(&self.path, true)?))), Ok)
    }

    fn give_back(&self, reader: Arc<Tx>) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(reader);
        }
    }

    /// Hands a write to the writer and waits for its commit.
    pub(crate) async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = OtherJob { operation, result: None, reply };
        self.send(Work::Other(Box::new(job))).await.map_err(E::from)?;
        answer.await.map_err(|_| E::from(StoreError::Overloaded))?
    }

    /// Hands money to the writer.
    pub(super) async fn send(&self, work: Work) -> Result<(), StoreError> {
        self.queue.send(work).await.map_err(|_| StoreError::Overloaded)
    }

    /// Commits what is queued and ends the writer.
    pub(crate) async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.send(Work::Close(done)).await.is_ok() {
            // The writer drops the sender when it ends, which is as good as an answer.
            let _ = ended.await;
        }
    }
}

/// The writer: takes whatever has arrived, commits it together, answers, and again.
fn run_writer(
    tx: &Tx,
    mut work: mpsc::Receiver<Work>,
    checkpointer: &Checkpointer,
    ids: &domain::IdGenerator,
) {
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = work.blocking_recv() else { break };
        let (mut money, mut others) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Work::Money(job) => money.push(job),
                Work::Other(job) => others.push(job),
                Work::Close(done) => closing = Some(done),
            }
            let full = money.len() + others.len() >= MAX_GROUP || closing.is_some();
            next = if full { None } else { work.try_recv().ok() };
        }
        commit_group(tx, money, others, ids);
        checkpointer.committed(tx);
    }
    checkpointer.finish(tx);
    drop(closing);
}

fn commit_group(
    tx: &Tx,
    money: Vec<MoneyJob>,
    mut others: Vec<Box<dyn Job>>,
    ids: &domain::IdGenerator,
) {
    let ran =
        statement(tx, "BEGIN IMMEDIATE").and_then(|()| run_group(tx, &money, &mut others, ids));
    let (outcomes, failures) = match ran {
        Ok(ran) => ran,
        Err(error) => {
            settle_money(money, Vec::new(), &Err(error.clone()));
            others.into_iter().for_each(|job| job.finish(Err(error.clone())));
            return;
        }
    };
    let committed = statement(tx, "COMMIT");
    if committed.is_err() {
        // Nothing of the group is kept, so nobody may be told that it is.
        let _ = statement(tx, "ROLLBACK");
    }
    settle_money(money, outcomes, &committed);
    for (job, failure) in others.into_iter().zip(failures) {
        job.finish(failure.and(committed.clone()));
    }
}

/// What the operations of a group came to, before the commit.
type Ran = (Vec<MoneyResult>, Vec<Result<(), StoreError>>);

/// Runs a group without savepoints, for each of them keeps a copy of every page that is
/// written after it. Only if an operation fails, all are undone and run again, each with
/// a savepoint. An error means that no transaction is open.
fn run_group(
    tx: &Tx,
    money: &[MoneyJob],
    others: &mut [Box<dyn Job>],
    ids: &domain::IdGenerator,
) -> Result<Ran, StoreError> {
    if let Ok(outcomes) = complete(apply_directly(tx, ids, money))
        && others.iter_mut().all(|job| job.run(tx))
    {
        return Ok((outcomes, vec![Ok(()); others.len()]));
    }
    // Fails if the engine has rolled back by itself, and then there is nothing to undo.
    let _ = statement(tx, "ROLLBACK");
    statement(tx, "BEGIN IMMEDIATE")?;
    let outcomes = match complete(apply_in_savepoint(tx, ids, money, OnLock::Fail)) {
        Ok(verdicts) => verdicts.into_iter().map(outcome_of).collect(),
        Err(error) => {
            // As above.
            let _ = statement(tx, "ROLLBACK");
            return Err(error);
        }
    };
    let failures = others.iter_mut().map(|job| run_in_savepoint(tx, &mut **job)).collect();
    Ok((outcomes, failures))
}

fn outcome_of(verdict: Verdict) -> MoneyResult {
    match verdict {
        Verdict::Done(result) => *result,
        // Nobody else writes to the file, so nothing is set aside.
        Verdict::Waits(_) => Err(StoreError::Overloaded.into()),
    }
}

/// Runs one operation so that its failure undoes it alone.
fn run_in_savepoint(tx: &Tx, job: &mut dyn Job) -> Result<(), StoreError> {
    statement(tx, "SAVEPOINT one")?;
    if !job.run(tx) {
        statement(tx, "ROLLBACK TO one")?;
    }
    statement(tx, "RELEASE one")
}

fn statement(tx: &Tx, sql: &str) -> Result<(), StoreError> {
    complete(tx.execute(sql, &[])).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bound_by_number_whatever_their_order_in_the_text() {
        let dir = tempfile::tempdir().unwrap();
        let session = Session::open(&dir.path().join("t.db"), false).unwrap();
        let rows = session.query("SELECT $2, $1", &[Value::Int(1), Value::Int(2)]).unwrap();
        assert_eq!(rows, [Row(vec![Value::Int(2), Value::Int(1)])]);
    }

    #[test]
    fn after_a_rollback_by_sqlite_itself_no_savepoint_commits_on_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let session = Session::open(&dir.path().join("t.db"), false).unwrap();
        session.execute("CREATE TABLE t (a BLOB) STRICT", &[]).unwrap();
        session.query("PRAGMA max_page_count = 4", &[]).unwrap();
        session.execute("BEGIN IMMEDIATE", &[]).unwrap();
        session.execute("SAVEPOINT one", &[]).unwrap();
        let too_large = Value::Bytes(vec![0; 64 * 1024]);
        assert!(session.execute("INSERT INTO t VALUES ($1)", &[too_large]).is_err());
        assert!(session.execute("ROLLBACK TO one", &[]).is_err());
        assert!(session.execute("SAVEPOINT two", &[]).is_err());
        assert!(session.execute("COMMIT", &[]).is_err());
    }
}
