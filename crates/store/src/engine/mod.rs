//! Two engines behind one small interface: values, rows, and transactions.
//!
//! Operations are written once, as asynchronous functions over [`Tx`] with one
//! portable SQL text. On PostgreSQL they wait for the network. On SQLite every call
//! completes at once, so the writer thread drives them without a runtime.

mod cause;
mod checkpoint;
mod dialect;
mod group;
mod group_writer;
#[cfg(test)]
mod pipeline_tests;
mod pool;
mod postgres;
mod postgres_error;
mod postgres_session;
mod postgres_wire;
mod private_file;
mod read_server;
mod server_url;
mod servers;
mod sqlite;
mod sqlite_error;
mod sqlite_session;
mod statement;
mod tx;
mod value;

pub(crate) use cause::in_full;
pub(crate) use group::{Grouped, GroupedJob, Repeats};
pub(crate) use postgres::{Postgres, connect};
pub(crate) use postgres_session::Session as PostgresSession;
pub(crate) use read_server::{Freshness, Mark, ReadServer};
pub use server_url::{ServerUrlError, check_server_url};
pub(crate) use servers::Connection;
pub(crate) use sqlite::Sqlite;
pub(crate) use sqlite_session::Session;
pub(crate) use statement::{Answers, Statement};
#[cfg(test)]
pub(crate) use tx::statements;
pub(crate) use tx::{BoxFuture, Operation, Tx, with};
pub(crate) use value::Row;
pub use value::Value;

/// The engine that a store was opened with; `G` is the work that its writer groups.
pub(crate) enum Engine<G: Grouped> {
    /// An embedded file.
    Sqlite(Sqlite<G>),
    /// A server.
    Postgres(Postgres<G>),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Clock, IdGenerator};

    use super::*;
    use crate::money::Command;
    use crate::{ServerLocation, StoreError};

    pub(super) fn ids() -> Arc<IdGenerator> {
        Arc::new(IdGenerator::new(Clock::system(), 1))
    }

    fn server() -> ServerLocation {
        let url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL");
        url.expect("a PostgreSQL for tests: run `cargo xtask test`").into()
    }

    /// The numbers of rows that statements without parameters touch.
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
        let sqlite = Sqlite::<Command>::open(&path, |_| Ok(()), ids()).unwrap();
        let counts = sqlite.write::<_, StoreError, _>(|tx| Box::pin(touched(tx))).await.unwrap();
        assert_eq!(counts, [3, 3, 2]);
        let postgres = Postgres::<Command>::open(&server(), ids(), Arc::default()).await.unwrap();
        let counts = postgres.write::<_, StoreError, _>(|tx| Box::pin(touched(tx))).await.unwrap();
        assert_eq!(counts, [3, 3, 2]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn connections_keep_what_was_told_whatever_the_url_says() {
        let query = "options=-c%20synchronous_commit%3Doff%20-c%20lock_timeout%3D7s";
        let server = format!("{}?{query}", server().url).into();
        let postgres = Postgres::<Command>::open(&server, ids(), Arc::default()).await.unwrap();
        let sql = "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout'), \
            current_setting('idle_in_transaction_session_timeout')";
        let rows =
            postgres.write::<_, StoreError, _>(|tx| Box::pin(tx.query(sql, &[]))).await.unwrap();
        assert_eq!(rows[0].0, ["on", "7s", "2s"].map(Value::from));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_an_error_broke_is_not_reported_as_committed() {
        let postgres = Postgres::<Command>::open(&server(), ids(), Arc::default()).await.unwrap();
        let written = postgres.write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                // An operation that overlooks it.
                let _ = tx.execute("SELECT 1 / 0", &[]).await;
                Ok(())
            })
        });
        assert!(written.await.is_err());
    }
}
