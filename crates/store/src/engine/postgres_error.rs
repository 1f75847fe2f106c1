//! Errors of a server as errors of the store.

use std::error::Error as _;

use tokio_postgres::error::{Severity, SqlState};

use super::cause::reason_of;
use crate::StoreError;

pub(super) fn engine_error(error: &tokio_postgres::Error) -> StoreError {
    let text = reason_of(error);
    let Some(db) = error.as_db_error() else {
        let is_io = error.source().is_some_and(|cause| cause.is::<std::io::Error>());
        let is_away = error.is_closed() || is_io;
        return if is_away { StoreError::Away(text) } else { StoreError::Engine(text) };
    };
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Conflict(text)
        }
        SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => StoreError::Locked(text),
        SqlState::UNIQUE_VIOLATION => {
            StoreError::Duplicate(db.constraint().unwrap_or_default().to_owned())
        }
        SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => StoreError::Away(text),
        _ => StoreError::Engine(text),
    }
}

/// True if the server refused something and the connection goes on.
pub(super) fn is_survived(error: &tokio_postgres::Error) -> bool {
    let ends = [Some(Severity::Fatal), Some(Severity::Panic)];
    error.as_db_error().is_some_and(|db| !ends.contains(&db.parsed_severity()))
}
