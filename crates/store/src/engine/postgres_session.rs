//! A connection to a server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use super::cause::in_full;
use super::value::{Row, Value};
use crate::StoreError;

/// The longest time to begin or end a transaction, even if something between here and the server
/// accepts bytes but does not pass them on.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const SILENT: &str = "the server did not answer in time";

/// A connection in use. If it is dropped inside a transaction, it is closed, not given back.
pub(crate) struct Session {
    client: Option<Object>,
    in_transaction: bool,
    /// True if a statement failed because another transaction was in the way. Operations have their
    /// own error types, so the engine remembers it here.
    pub(super) conflict: AtomicBool,
    /// True if the server turned out not to take writes. Another connection may lead to one that
    /// does, so this one is not given back.
    read_only: AtomicBool,
}

impl Session {
    pub(super) const fn new(client: Object) -> Self {
        let (conflict, read_only) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { client: Some(client), in_transaction: false, conflict, read_only }
    }

    fn error(&self, error: tokio_postgres::Error) -> StoreError {
        if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
            self.read_only.store(true, Ordering::Relaxed);
        }
        let error = engine_error(error);
        self.conflict.fetch_or(is_conflict(&error), Ordering::Relaxed);
        error
    }

    /// Checks that the server takes writes on this connection.
    pub(super) async fn check_writable(&self) -> Result<(), StoreError> {
        let sql = "SELECT current_setting('transaction_read_only')";
        let rows = self.query(sql, &[]).await?;
        let is_read_only = rows.first().is_none_or(|row| row.0 != [Value::Text("off".to_owned())]);
        if is_read_only {
            self.read_only.store(true, Ordering::Relaxed);
            return Err(StoreError::Engine("the server is read-only".to_owned()));
        }
        Ok(())
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
            // A statement without parameters needs no plan, and neither does transaction control.
            let answers = client.simple_query(sql).await.map_err(|e| self.error(e))?;
            let counts = answers.iter().map(|answer| match answer {
                SimpleQueryMessage::CommandComplete(rows) => *rows,
                _ => 0,
            });
            return Ok(counts.sum());
        }
        let statement = client.prepare_cached(sql).await.map_err(|e| self.error(e))?;
        client.execute(&statement, &references(params)).await.map_err(|e| self.error(e))
    }

    pub(super) async fn control(
        &mut self,
        sql: &str,
        in_transaction: bool,
    ) -> Result<(), StoreError> {
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
        if (self.in_transaction || *self.read_only.get_mut())
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

pub(super) fn engine_error(error: tokio_postgres::Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        return StoreError::Engine(in_full(&error));
    };
    let text = format!("{} {}", db.code().code(), db.message());
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Conflict(text)
        }
        SqlState::LOCK_NOT_AVAILABLE => StoreError::Locked(text),
        SqlState::UNIQUE_VIOLATION => {
            StoreError::Duplicate(db.constraint().unwrap_or_default().to_owned())
        }
        _ => StoreError::Engine(text),
    }
}

/// Only a conflict is worth another try.
pub(super) fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_))
}
