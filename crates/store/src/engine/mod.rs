//! Two engines behind one small face: values, rows, and transactions.
//!
//! Operations are written once, as asynchronous functions over [`Tx`] with one
//! portable SQL text. On PostgreSQL they wait for the network. On SQLite every call
//! completes at once, so the writer thread drives them without a runtime.

mod cause;
mod dialect;
mod group;
mod money_writer;
mod postgres;
mod private_file;
mod server_url;
mod sqlite;
mod value;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use cause::in_full;
pub(crate) use group::MoneyJob;
pub(crate) use postgres::Postgres;
pub use server_url::{ServerUrlError, check_server_url};
pub(crate) use sqlite::Sqlite;
pub(crate) use value::{Row, Value};

use crate::money::{Command, Outcome};
use crate::{MoneyError, Store, StoreError};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

/// A boxed future, the form in which operations are handed to an engine.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How often a write is run when others take what its unique indexes guard at the same
/// moment.
const MAX_RACE_TRIES: u32 = 5;

/// How long the end of a commit in doubt is looked for, less than clients of dialect 2 wait,
/// and the pause between two tries.
const DOUBT_DEADLINE: Duration = Duration::from_secs(20);
const DOUBT_PAUSE: Duration = Duration::from_millis(100);
/// Writes at once that must be certain: far fewer than there are connections.
pub(crate) const CERTAIN_WRITES: usize = 8;
/// Longest wait for a turn among them.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one of them waits for a row.
const CERTAIN_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// The engine that a store was opened with.
pub(crate) enum Engine {
    /// An embedded file.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Postgres),
}

/// Ends the process if the writer that holds it panics: without its writer a process would
/// go on reading and refuse all money, until somebody noticed. A restart recovers.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the store's writer panicked; the process ends");
            std::process::abort();
        }
    }
}

/// Where statements run: a transaction, or for plain reads a connection.
pub(crate) enum Tx {
    /// On SQLite.
    Sqlite(sqlite::Session),
    /// On PostgreSQL.
    Postgres(postgres::Session),
}

impl Tx {
    /// All rows of a query.
    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let rows = match self {
            Self::Sqlite(session) => session.query(sql, params),
            Self::Postgres(session) => session.query(sql, params).await,
        };
        #[cfg(test)]
        statements::count(sql, rows.as_ref().map_or(0, Vec::len));
        rows
    }

    /// All rows of a query, each made into something else where it was read. Large reads
    /// are spared a copy of every row.
    pub(crate) async fn query_map<T>(
        &self,
        sql: &str,
        params: &[Value],
        from: fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let found = match self {
            Self::Sqlite(session) => session.query_map(sql, params, from),
            Self::Postgres(session) => {
                session.query(sql, params).await.and_then(|rows| rows.iter().map(from).collect())
            }
        };
        #[cfg(test)]
        statements::count(sql, found.as_ref().map_or(0, Vec::len));
        found
    }

    /// The first row of a query, if there is one.
    pub(crate) async fn query_opt(
        &self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement; how many rows it touched.
    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(sql, params),
            Self::Postgres(session) => session.execute(sql, params).await,
        }
    }

    /// Most rows that one INSERT should carry. A row more saves PostgreSQL a round trip
    /// and costs SQLite the reuse of a prepared statement.
    pub(crate) const fn rows_per_insert(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => 32,
        }
    }
}

impl Store {
    /// Hands a money command to the grouping writer and waits for its commit.
    pub(crate) async fn money(&self, command: Command) -> Result<Outcome, MoneyError> {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + command.patience();
        let job = MoneyJob { command: command.claimed(), reply, deadline };
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.send(sqlite::Work::Money(job)).await?,
            Engine::Postgres(engine) => {
                self.check_number()?;
                engine.send(job).await?;
            }
        }
        answer.await.map_err(|_| StoreError::Overloaded)?
    }

    /// Reads; each statement sees what was committed when it began.
    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read(operation).await,
            Engine::Postgres(engine) => engine.read(operation).await,
        }
    }

    /// Reads with one statement.
    pub(crate) async fn read_one<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read_one(operation).await,
            Engine::Postgres(engine) => engine.read(operation).await,
        }
    }

    /// Reads; all statements see one consistent state.
    pub(crate) async fn read_snapshot<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read(operation).await,
            Engine::Postgres(engine) => engine.read_snapshot(operation).await,
        }
    }

    /// Writes in one commit; an error rolls everything back. The operation is run again
    /// from its beginning when another transaction was in the way.
    pub(crate) async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.write(operation).await,
            Engine::Postgres(engine) => {
                self.check_number()?;
                engine.write(operation).await
            }
        }
    }

    /// Writes, and again where a unique index refused a row because another transaction
    /// wrote its own at the same moment: on the next run that row is in sight and judged.
    pub(crate) async fn write_past_races<T, E, F>(
        &self,
        is_race: fn(&E) -> bool,
        operation: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let operation = Arc::new(operation);
        let mut tries = 1;
        loop {
            let operation = Arc::clone(&operation);
            match self.write(move |tx| operation(tx)).await {
                Err(error) if is_race(&error) && tries < MAX_RACE_TRIES => tries += 1,
                settled => return settled,
            }
        }
    }

    /// One run of [`Store::write_for_certain`]. A row that another session holds stops its own
    /// few connections only, and none of them for long.
    async fn write_in_turn<T, E, F>(&self, operation: Arc<F>, is_in_doubt: bool) -> Result<T, E>
    where
        T: std::any::Any + Send,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx, bool) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        // The embedded store has no other sessions, and one connection.
        let _turn = if self.is_embedded() {
            None
        } else {
            let turn = timeout(TURN_TIMEOUT, self.inner.certain_turns.acquire()).await;
            Some(turn.ok().and_then(Result::ok).ok_or(StoreError::Overloaded)?)
        };
        self.write_kept(move |tx| {
            let operation = Arc::clone(&operation);
            Box::pin(async move {
                if matches!(tx, Tx::Postgres(_)) {
                    tx.execute(CERTAIN_LOCK_TIMEOUT, &[]).await?;
                }
                operation(tx, is_in_doubt).await
            })
        })
        .await
    }

    /// Writes what must not be told to have failed while it stands: where the connection was
    /// lost during the commit, the operation is run again and told so. It then looks first for
    /// what it may have done, behind locks that the earlier run holds until it has ended. The
    /// key of the call that this is the business of is kept in the same commit.
    /// `below` finds what failed below the operation's own rules.
    pub(crate) async fn write_for_certain<T, E, F>(
        &self,
        below: fn(&E) -> Option<&StoreError>,
        operation: F,
    ) -> Result<T, E>
    where
        T: std::any::Any + Send,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx, bool) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let operation = Arc::new(operation);
        let began = Instant::now();
        let mut is_in_doubt = false;
        loop {
            let settled = self.write_in_turn(Arc::clone(&operation), is_in_doubt).await;
            match settled.as_ref().err().and_then(below) {
                Some(StoreError::InDoubt(_)) => is_in_doubt = true,
                // By this one's earlier run, or by another: what it did is told by the key.
                Some(StoreError::KeyTaken) => return settled,
                Some(_) if is_in_doubt => {}
                _ => return settled,
            }
            if began.elapsed() > DOUBT_DEADLINE {
                tracing::error!("what became of a commit is not known; it is told as failed");
                return settled;
            }
            tokio::time::sleep(DOUBT_PAUSE).await;
        }
    }
}

/// The queries that this process ran, for tests that count them.
#[cfg(test)]
pub(crate) mod statements {
    use std::sync::Mutex;

    static RUN: Mutex<Vec<(String, usize)>> = Mutex::new(Vec::new());

    /// Writes down a query and how many rows it gave.
    pub(super) fn count(sql: &str, rows: usize) {
        RUN.lock().unwrap().push((sql.to_owned(), rows));
    }

    /// Those that hold a text, with the number of rows that each gave, in order.
    pub(crate) fn of(text: &str) -> Vec<(String, usize)> {
        let run = RUN.lock().unwrap();
        run.iter().filter(|(sql, _)| sql.contains(text)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Clock, IdGenerator};

    use super::*;

    fn ids() -> Arc<IdGenerator> {
        Arc::new(IdGenerator::new(Clock::system(), 1))
    }

    fn server() -> String {
        std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`")
    }

    /// How many rows statements without parameters touch.
    async fn touched(tx: &Tx) -> Result<Vec<u64>, StoreError> {
        let mut counts = Vec::new();
        for sql in [
            "CREATE TEMP TABLE counted (a BIGINT)",
            "INSERT INTO counted VALUES (1), (2), (3)",
            "UPDATE counted SET a = a + 1",
            "DELETE FROM counted WHERE a > 2",
            "DROP TABLE counted",
        ] {
            counts.push(tx.execute(sql, &[]).await?);
        }
        Ok(counts[1..4].to_vec())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_statement_without_parameters_tells_how_many_rows_it_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.db");
        let sqlite = Sqlite::open(&path, |_| Ok(()), ids()).unwrap();
        let counts = sqlite.write::<_, StoreError, _>(|tx| Box::pin(touched(tx))).await.unwrap();
        assert_eq!(counts, [3, 3, 2]);
        let postgres = Postgres::open(&server(), ids(), Arc::default()).await.unwrap();
        let counts = postgres.write::<_, StoreError, _>(|tx| Box::pin(touched(tx))).await.unwrap();
        assert_eq!(counts, [3, 3, 2]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn connections_keep_what_was_told_whatever_the_url_says() {
        let query = "options=-c%20synchronous_commit%3Doff%20-c%20lock_timeout%3D7s";
        let postgres =
            Postgres::open(&format!("{}?{query}", server()), ids(), Arc::default()).await.unwrap();
        let sql = "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout'), \
            current_setting('idle_in_transaction_session_timeout')";
        let rows = postgres.read(|tx| Box::pin(tx.query(sql, &[]))).await.unwrap();
        assert_eq!(rows[0].0, ["on", "7s", "15s"].map(Value::from));
    }
}
