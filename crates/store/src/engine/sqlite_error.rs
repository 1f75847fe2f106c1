//! The meaning of SQLite's errors, and the one error that ends the process.

use rusqlite::ErrorCode;

use crate::StoreError;

/// SQLite's codes for a file that the operating system could not bring to the disk.
const FAILED_SYNCS: [i32; 2] =
    [rusqlite::ffi::SQLITE_IOERR_FSYNC, rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC];

/// The store's error for one of SQLite's. Does not return if a file could not be brought to
/// the disk.
pub(super) fn engine_error(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    if let rusqlite::Error::SqliteFailure(failure, _) = &error
        && FAILED_SYNCS.contains(&failure.extended_code)
    {
        end_on_failed_sync(&text);
    }
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Conflict(text),
            ErrorCode::ConstraintViolation if text.contains("UNIQUE") => {
                StoreError::Duplicate(text)
            }
            _ => StoreError::Engine(text),
        },
        _ => StoreError::Engine(text),
    }
}

/// Ends the process. A commit whose sync failed may stand or not: its pages are in the log, and the
/// next start finds them there unless the machine crashes first. So nobody may be told that it
/// failed, and nothing may be written after it; the log decides at the next start.
fn end_on_failed_sync(error: &str) -> ! {
    tracing::error!(error, "the store could not be brought to the disk; the process ends");
    std::process::abort();
}
