//! A connection to an embedded file.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags};

use super::dialect::dialect;
use super::sqlite_error::engine_error;
use super::statement::{Answer, Statement};
use super::value::{Row, Value};
use crate::StoreError;

/// The longest wait of a connection for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Page cache of the writer, in KiB.
const WRITER_CACHE_KIB: u32 = 16_384;
/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: u32 = 4_096;
/// Size that the write-ahead log keeps when it begins again, in bytes.
pub(super) const LOG_KEPT_BYTES: u32 = 16 * 1024 * 1024;
/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 256;

/// A connection in use: a transaction of the writer, or a reader.
pub(crate) struct Session {
    pub(super) connection: Mutex<Connection>,
}

impl Session {
    pub(crate) fn open(path: &Path, is_reader: bool) -> Result<Self, StoreError> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(engine_error)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(engine_error)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        // Without it a statement on a table with a partial index is planned anew each time its
        // parameters change, which took a third of the time for reading and writing.
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

    /// Reads each row into the same place, so texts left there reuse their memory.
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

    /// Runs a statement of either sort.
    pub(crate) fn answer(&self, statement: &Statement) -> Result<Answer, StoreError> {
        let Statement { sql, params } = statement;
        if returns_rows(sql) {
            let rows = self.query(sql, params)?;
            return Ok(Answer { count: rows.len() as u64, rows });
        }
        Ok(Answer { rows: Vec::new(), count: self.execute(sql, params)? })
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.with(|connection| {
            // A full disk makes SQLite roll back by itself; a savepoint would then begin a
            // separate transaction, and commit what the callers are told is lost.
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

fn returns_rows(sql: &str) -> bool {
    sql.starts_with("SELECT") || sql.contains(" RETURNING ")
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
