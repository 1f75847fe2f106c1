//! Transactions and connections, on which statements run, of either engine.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::statement::{Answers, Statement};
use super::value::{Row, Value};
use super::{postgres_session, sqlite_session};
use crate::StoreError;

/// A boxed future, the form in which operations are handed to an engine.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An asynchronous function over a transaction and the request that it carries out. A separate
/// trait, because the bounds of `AsyncFn` cannot say that the future moves between threads.
pub(crate) trait Operation<'a, R: 'a, T>: Fn(&'a Tx, &'a R) -> Self::Running {
    /// The function under way.
    type Running: Future<Output = T> + Send + 'a;
}

impl<'a, R: 'a, T, F, Running> Operation<'a, R, T> for F
where
    F: Fn(&'a Tx, &'a R) -> Running,
    Running: Future<Output = T> + Send + 'a,
{
    type Running = Running;
}

/// An operation with its request, in the form in which an engine runs it as often as needed.
///
/// ```ignore
/// self.write(with(change, apply)).await
/// ```
pub(crate) fn with<R, T, F>(
    request: R,
    operation: F,
) -> impl for<'a> Fn(&'a Tx) -> BoxFuture<'a, T> + Send + Sync + 'static
where
    R: Send + Sync + 'static,
    T: Send,
    F: AsyncFn(&Tx, &R) -> T + for<'a> Operation<'a, R, T> + Copy + Send + Sync + 'static,
{
    let request = Arc::new(request);
    move |tx| {
        let request = Arc::clone(&request);
        Box::pin(async move { operation(tx, &request).await })
    }
}

/// A transaction, or for plain reads a connection, on which statements run.
pub(crate) enum Tx {
    /// On SQLite.
    Sqlite(sqlite_session::Session),
    /// On PostgreSQL.
    Postgres(postgres_session::Session),
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

    /// All rows of a query, each converted as it is read, so large reads need no copy of every row.
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

    /// Runs a statement; returns the number of rows that it touched.
    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(sql, params),
            Self::Postgres(session) => session.execute(sql, params).await,
        }
    }

    /// Runs statements in their order, on a server in one round trip; the first that fails gives
    /// the error.
    pub(crate) async fn together(&self, statements: &[Statement]) -> Result<Answers, StoreError> {
        if statements.is_empty() {
            return Ok(Answers::new(Vec::new()));
        }
        let answers = match self {
            // After an error nothing more may run: SQLite may have rolled back by itself.
            Self::Sqlite(session) => statements.iter().map(|it| session.answer(it)).collect(),
            Self::Postgres(session) => session.together(statements).await,
        };
        #[cfg(test)]
        for (it, answer) in statements.iter().zip(answers.as_deref().unwrap_or_default()) {
            statements::count(&it.sql, answer.rows.len());
        }
        answers.map(Answers::new)
    }

    /// Runs a statement whose answer nobody needs. On a server it travels with the next statement
    /// or with the commit, which gives its error.
    pub(crate) async fn post(
        &self,
        sql: impl Into<Cow<'static, str>>,
        params: impl Into<Vec<Value>>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(&sql.into(), &params.into()).map(drop),
            Self::Postgres(session) => {
                session.post(Statement::new(sql, params)).await;
                Ok(())
            }
        }
    }

    /// Waits until everything that was posted has run.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.flush().await,
        }
    }

    /// The most rows that one INSERT should carry. A further row saves PostgreSQL a round trip, but
    /// costs SQLite the reuse of a prepared statement.
    pub(crate) const fn rows_per_insert(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(_) => 32,
        }
    }
}

/// The queries that this process ran, for tests that count them.
#[cfg(test)]
pub(crate) mod statements {
    use std::sync::Mutex;

    static RUN: Mutex<Vec<(String, usize)>> = Mutex::new(Vec::new());

    /// Records a query and its number of rows.
    pub(super) fn count(sql: &str, rows: usize) {
        RUN.lock().unwrap().push((sql.to_owned(), rows));
    }

    /// The queries that contain a text, each with its number of rows, in order.
    pub(crate) fn of(text: &str) -> Vec<(String, usize)> {
        let run = RUN.lock().unwrap();
        run.iter().filter(|(sql, _)| sql.contains(text)).cloned().collect()
    }
}
