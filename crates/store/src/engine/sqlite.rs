//! SQLite: one writer thread that commits in groups, readers beside it.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::group::{
    AbortOnPanic, GroupResult, Grouped, GroupedJob, OnLock, Verdict, apply_directly,
    apply_in_savepoint, settle,
};
use super::private_file::create_private;
use super::sqlite_session::Session;
use super::tx::{BoxFuture, Tx};
use crate::StoreError;

/// The most operations that may wait for the writer.
const MAX_QUEUED: usize = 4_096;
/// The most operations in one commit.
const MAX_GROUP: usize = 256;
/// Idle readers that are kept.
const MAX_IDLE_READERS: usize = 8;
/// An operation on its way to the writer.
enum Work<G: Grouped> {
    /// A command that is applied together with others.
    Grouped(GroupedJob<G>),
    /// Any other write, in a savepoint.
    Other(Box<dyn Job>),
    /// Commit what is queued and end.
    Close(oneshot::Sender<()>),
}

/// An operation whose types the writer does not know.
trait Job: Send {
    /// Runs it; false to roll it back.
    fn run(&mut self, tx: &Tx) -> bool;
    /// Reports the result to the caller, after the commit.
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
        // The caller may have gone away; the commit stands nevertheless.
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
pub(crate) struct Sqlite<G: Grouped> {
    path: PathBuf,
    queue: mpsc::Sender<Work<G>>,
    readers: Mutex<Vec<Arc<Tx>>>,
}

impl<G: Grouped> Sqlite<G> {
    /// Opens the file and starts the writer.
    pub(crate) fn open(
        path: &Path,
        migrate: impl FnOnce(&mut Connection) -> Result<(), StoreError>,
        ids: Arc<domain::IdGenerator>,
    ) -> Result<Self, StoreError> {
        create_private(path)?;
        let session = Session::open(path, false)?;
        // The log of a process that died counts from now on, even if that process could not bring
        // it to the disk.
        if let Err(error) = session.query("PRAGMA wal_checkpoint(TRUNCATE)", &[]) {
            tracing::warn!(%error, "an earlier process's log could not be merged into the store");
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

    /// As [`Sqlite::read`] with one statement, which needs no transaction around it.
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

    /// Hands a job to the writer, to be applied together with others.
    pub(crate) async fn send_grouped(&self, job: GroupedJob<G>) -> Result<(), StoreError> {
        self.send(Work::Grouped(job)).await
    }

    async fn send(&self, work: Work<G>) -> Result<(), StoreError> {
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

/// The writer: takes all that has arrived, commits it together, answers, and starts again.
fn run_writer<G: Grouped>(
    tx: &Tx,
    mut work: mpsc::Receiver<Work<G>>,
    checkpointer: &Checkpointer,
    ids: &domain::IdGenerator,
) {
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = work.blocking_recv() else { break };
        let (mut grouped, mut others) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(item) = next {
            match item {
                Work::Grouped(job) => grouped.push(job),
                Work::Other(job) => others.push(job),
                Work::Close(done) => closing = Some(done),
            }
            let full = grouped.len() + others.len() >= MAX_GROUP || closing.is_some();
            next = if full { None } else { work.try_recv().ok() };
        }
        commit_group(tx, grouped, others, ids);
        checkpointer.committed(tx);
    }
    checkpointer.finish(tx);
    drop(closing);
}

fn commit_group<G: Grouped>(
    tx: &Tx,
    grouped: Vec<GroupedJob<G>>,
    mut others: Vec<Box<dyn Job>>,
    ids: &domain::IdGenerator,
) {
    let ran =
        statement(tx, "BEGIN IMMEDIATE").and_then(|()| run_group(tx, &grouped, &mut others, ids));
    let (outcomes, failures) = match ran {
        Ok(ran) => ran,
        Err(error) => {
            settle(grouped, Vec::new(), &Err(error.clone()));
            others.into_iter().for_each(|job| job.finish(Err(error.clone())));
            return;
        }
    };
    let committed = statement(tx, "COMMIT");
    if committed.is_err() {
        // Nothing of the group is kept, so nobody may be told that it is.
        let _ = statement(tx, "ROLLBACK");
    }
    settle(grouped, outcomes, &committed);
    for (job, failure) in others.into_iter().zip(failures) {
        job.finish(failure.and(committed.clone()));
    }
}

/// The results of a group's operations before the commit.
type Ran<G> = (Vec<GroupResult<G>>, Vec<Result<(), StoreError>>);

/// Runs a group without savepoints, because each savepoint keeps a copy of every page that is
/// written after it. Only if an operation fails, all are undone and run again, each with a
/// savepoint. An error means that no transaction is open.
fn run_group<G: Grouped>(
    tx: &Tx,
    grouped: &[GroupedJob<G>],
    others: &mut [Box<dyn Job>],
    ids: &domain::IdGenerator,
) -> Result<Ran<G>, StoreError> {
    if let Ok(outcomes) = complete(apply_directly(tx, ids, grouped))
        && others.iter_mut().all(|job| job.run(tx))
    {
        return Ok((outcomes, vec![Ok(()); others.len()]));
    }
    // This fails if the engine has rolled back by itself; then there is nothing to undo.
    let _ = statement(tx, "ROLLBACK");
    statement(tx, "BEGIN IMMEDIATE")?;
    let outcomes = match complete(apply_in_savepoint(tx, ids, grouped, OnLock::Fail)) {
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

fn outcome_of<G: Grouped>(verdict: Verdict<G>) -> GroupResult<G> {
    match verdict {
        Verdict::Done(result) => *result,
        // No other process writes to the file, so nothing is set aside.
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
