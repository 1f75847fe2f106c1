//! A look at a store's schema without changing it.

use std::path::Path;

use crate::engine::{Session, connect};
use crate::migrations::lacking;
use crate::records::read_row;
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
        Location::Postgres(url) => applied_on_server(url).await?,
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

async fn applied_on_server(url: &str) -> Result<Vec<i64>, StoreError> {
    let session = connect(url).await?;
    let is_fresh = session.query(HISTORY_OF_SERVER, &[]).await?.is_empty();
    if is_fresh {
        return Ok(Vec::new());
    }
    session.query(APPLIED, &[]).await?.iter().map(read_row).collect()
}
