//! The schema's versions, one set of files for each engine.

use std::time::Duration;

use refinery::Migration;
use tokio_postgres::error::SqlState;

use crate::engine::{Connection, in_full};
use crate::store::{Engine, Postgres};
use crate::{Store, StoreError};

/// The longest wait of a start for the migrations of others, and the grace for the server's report
/// that it is over.
const TURN_WAIT: Duration = Duration::from_secs(60);
const TURN_GRACE: Duration = Duration::from_secs(5);
/// The most tries to create the table of turns while others create it.
const MAX_TURN_TRIES: u32 = 20;
/// Creates the table of one row by which starts take turns.
const MAKE_TURN: &str = "\
    CREATE TABLE IF NOT EXISTS migration_turn (turn BIGINT NOT NULL PRIMARY KEY); \
    INSERT INTO migration_turn (turn) VALUES (1) ON CONFLICT (turn) DO NOTHING";

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

mod postgres {
    refinery::embed_migrations!("migrations/postgres");
}

/// Settings of a session that changes tables: its statements may take long, but may not make others
/// wait for long behind a lock that they wait for.
pub(crate) const UNHURRIED: &str = "SET statement_timeout = 0; SET lock_timeout = '10s'";
/// The query for the oldest schema that a binary may know.
pub(crate) const LEAST_VERSION: &str = "SELECT MAX(least_version) FROM schema_support";

/// Brings an embedded file up to date. A newer schema is taken if it supports this binary.
pub(crate) fn migrate_sqlite(connection: &mut rusqlite::Connection) -> Result<(), StoreError> {
    let runner = sqlite::migrations::runner().set_abort_missing(false);
    runner.run(connection).map_err(failed)?;
    let least = connection.query_row(LEAST_VERSION, [], |row| row.get(0));
    require_support(least.map_err(|error| unreadable(&error))?)
}

/// The last migration that this binary knows.
fn newest_known() -> i32 {
    let runner = sqlite::migrations::runner();
    runner.get_migrations().iter().map(Migration::version).max().unwrap_or_default()
}

/// Fails if a schema supports only binaries that know at least the version `least`.
pub(crate) fn require_support(least: i64) -> Result<(), StoreError> {
    let known = newest_known();
    if least <= known.into() {
        return Ok(());
    }
    Err(StoreError::Engine(format!(
        "the schema is newer than this binary, which knows V{known}; start one that knows V{least}"
    )))
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> StoreError {
    StoreError::Engine(format!("the table schema_support: {}", in_full(error)))
}

/// The migrations that are not among those applied, as `V28 schema_support`, in order.
pub(crate) fn lacking(applied: &[i64]) -> Vec<String> {
    let runner = sqlite::migrations::runner();
    let known = runner.get_migrations().iter();
    let mut lacking: Vec<_> = known.filter(|it| !applied.contains(&it.version().into())).collect();
    lacking.sort_by_key(|it| it.version());
    lacking.iter().map(|it| format!("V{} {}", it.version(), it.name())).collect()
}

/// The turn of one start among those of several processes, until it is dropped.
pub struct StartTurn {
    /// A connection in a transaction that has locked the row.
    client: Option<Connection>,
}

impl Drop for StartTurn {
    fn drop(&mut self) {
        // Taken out of the pool, the connection closes, and the server lets go of the row.
        self.client.take().map(Connection::take);
    }
}

impl Store {
    /// Waits for the turn of this start, for steps that only one process may do at a time. The
    /// embedded store has one process.
    ///
    /// # Errors
    /// Another start has had its turn for a minute, or the server fails.
    pub async fn start_turn(&self) -> Result<StartTurn, StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(_) => Ok(StartTurn { client: None }),
            Engine::Postgres(engine) => take_turn(engine).await,
        }
    }
}

/// Brings a server up to date, as [`migrate_sqlite`] does a file. Several processes that start at
/// once take turns: each waits for a row of a table that exists before any migration.
pub(crate) async fn migrate_postgres(engine: &Postgres) -> Result<(), StoreError> {
    let _turn = take_turn(engine).await?;
    // Its settings are its own, so the connection is not given back.
    let mut client = Connection::take(engine.connection().await?);
    client.batch_execute(UNHURRIED).await.map_err(|error| told(engine, &error))?;
    let runner = postgres::migrations::runner().set_abort_missing(false);
    runner.run_async(&mut *client).await.map_err(failed)?;
    let least = client.query_one(LEAST_VERSION, &[]).await.map_err(|error| unreadable(&error))?;
    require_support(least.try_get(0).map_err(|error| unreadable(&error))?)
}

async fn take_turn(engine: &Postgres) -> Result<StartTurn, StoreError> {
    let mut turn = StartTurn { client: None };
    let client = turn.client.insert(engine.connection().await?);
    let mut tries = 1;
    // Two processes that create the table at once disturb each other even with IF NOT EXISTS.
    while let Err(error) = client.batch_execute(MAKE_TURN).await {
        if tries == MAX_TURN_TRIES {
            return Err(told(engine, &error));
        }
        tries += 1;
    }
    let wait_s = TURN_WAIT.as_secs();
    // The connection is idle while others migrate and write.
    let lock = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{wait_s}s'; \
         SET LOCAL idle_in_transaction_session_timeout = 0; \
         SELECT turn FROM migration_turn FOR UPDATE"
    );
    match tokio::time::timeout(TURN_WAIT + TURN_GRACE, client.batch_execute(&lock)).await {
        Ok(Ok(())) => Ok(turn),
        Ok(Err(error)) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Err(late()),
        Ok(Err(error)) => Err(told(engine, &error)),
        Err(_) => Err(late()),
    }
}

fn late() -> StoreError {
    let wait_s = TURN_WAIT.as_secs();
    StoreError::Engine(format!(
        "another process has been starting for {wait_s} s; start again when it is ready, or end it"
    ))
}

/// The error, with the server, the step and the reason.
fn told(engine: &Postgres, error: &tokio_postgres::Error) -> StoreError {
    let reason = error.as_db_error().map_or_else(|| in_full(error), |it| it.message().to_owned());
    let text = format!("{}: making and locking the table migration_turn: {reason}", engine.place());
    match error.code() {
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => StoreError::Denied(text),
        _ => StoreError::Engine(text),
    }
}

fn failed(error: refinery::Error) -> StoreError {
    StoreError::Engine(format!("migration: {}", in_full(&error)))
}

/// Earlier schemas, for tests of migrating existing data.
#[cfg(test)]
pub(crate) mod old {
    use refinery::Target;
    use tokio_postgres::{Client, NoTls};

    use crate::Location;

    /// An embedded store of a version with these rows.
    pub(crate) fn on_file(directory: &tempfile::TempDir, version: i32, rows: &str) -> Location {
        let path = directory.path().join("store.db");
        let mut connection = rusqlite::Connection::open(&path).unwrap();
        sqlite(&mut connection, version);
        connection.execute_batch(rows).unwrap();
        Location::Sqlite(path)
    }

    /// Runs a test on a database of a version with these rows, on the server for tests.
    pub(crate) async fn on_server(
        name: &str,
        (version, rows): (i32, &str),
        test: impl AsyncFnOnce(Location),
    ) {
        let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let name = format!("{name}_{}", std::process::id());
        let url = format!("{}/{name}", admin_url.rsplit_once('/').unwrap().0);
        let admin = client(&admin_url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let mut old = client(&url).await;
        postgres(&mut old, version).await;
        old.batch_execute(rows).await.unwrap();
        drop(old);
        test(Location::Postgres(url.into())).await;
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }

    /// A session of the test.
    pub(crate) async fn client(url: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Brings an embedded file up to a version.
    fn sqlite(connection: &mut rusqlite::Connection, version: i32) {
        let runner = super::sqlite::migrations::runner();
        runner.set_target(Target::Version(version)).run(connection).unwrap();
    }

    /// Brings a server up to a version.
    pub(crate) async fn postgres(client: &mut tokio_postgres::Client, version: i32) {
        let runner = super::postgres::migrations::runner();
        runner.set_target(Target::Version(version)).run_async(client).await.unwrap();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Clock, IdGenerator};
    use refinery::Target;

    use super::old::client;
    use super::*;
    use crate::Location;

    /// The last version before starts took turns.
    const OLD: i32 = 12;

    async fn all_start(is_old: bool) {
        let admin_url = std::env::var("CARDBRIDGE_TEST_POSTGRES_URL")
            .expect("a PostgreSQL for tests: run `cargo xtask test`");
        let name = format!("store_start_{}_{}", std::process::id(), u8::from(is_old));
        let admin = client(&admin_url).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let url = format!("{}/{name}", admin_url.rsplit_once('/').unwrap().0);
        if is_old {
            let runner = postgres::migrations::runner().set_target(Target::Version(OLD));
            runner.run_async(&mut client(&url).await).await.unwrap();
        }
        let starts = (0..6).map(|node| {
            let clock = Clock::system();
            let ids = Arc::new(IdGenerator::new(clock.clone(), node));
            tokio::spawn(Store::open(Location::Postgres(url.clone().into()), clock, ids))
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().expect("a start that waits for the others").close().await;
        }
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn starts_at_once_on_an_empty_database_wait_for_one_another() {
        all_start(false).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn starts_at_once_on_an_old_database_wait_for_one_another() {
        all_start(true).await;
    }
}
