//! A look at a store's schema without changing it.

use std::path::Path;

use crate::engine::{PostgresSession, Session, connect};
use crate::migrations::{LEAST_VERSION, lacking, require_support};
use crate::records::read_row;
use crate::store::Postgres;
use crate::{Location, StoreError};

/// The queries for the table of applied migrations, and for what it holds.
const HISTORY_OF_FILE: &str = "SELECT 1 FROM sqlite_master WHERE name = 'refinery_schema_history'";
const HISTORY_OF_SERVER: &str =
    "SELECT 1 FROM pg_class WHERE oid = to_regclass('refinery_schema_history')";
const APPLIED: &str = "SELECT version FROM refinery_schema_history";

/// The migrations that a store lacks, as `V28 schema_support`, in order. Changes nothing.
///
/// # Errors
/// The store cannot be reached or read.
pub async fn pending_migrations(location: &Location) -> Result<Vec<String>, StoreError> {
    let applied = match location {
        Location::Sqlite(path) => applied_on_file(path)?,
        Location::Postgres(server) => applied_by(&connect(server).await?).await?,
    };
    Ok(lacking(&applied))
}

fn applied_on_file(path: &Path) -> Result<Vec<i64>, StoreError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let session = Session::open(path, true)?;
    let is_fresh = session.query(HISTORY_OF_FILE, &[])?.is_empty();
    if is_fresh { Ok(Vec::new()) } else { session.query_map(APPLIED, &[], read_row) }
}

/// Fails unless a server behind a pooler has every migration: they need settings of a session,
/// which does not last there.
pub(crate) async fn require_migrated(engine: &Postgres) -> Result<(), StoreError> {
    let session = engine.session().await?;
    let lacking = lacking(&applied_by(&session).await?);
    if !lacking.is_empty() {
        let lacking = lacking.join(", ");
        return Err(StoreError::Engine(format!(
            "the schema lacks {lacking}; run `cardbridge migrate` with a database-url that leads \
             to the server itself and database-pooler = none"
        )));
    }
    let least = session.query(LEAST_VERSION, &[]).await?;
    let least: Option<i64> = least.first().map(read_row).transpose()?;
    require_support(least.unwrap_or_default())
}

async fn applied_by(session: &PostgresSession) -> Result<Vec<i64>, StoreError> {
    let is_fresh = session.query(HISTORY_OF_SERVER, &[]).await?.is_empty();
    if is_fresh {
        return Ok(Vec::new());
    }
    session.query(APPLIED, &[]).await?.iter().map(read_row).collect()
}
