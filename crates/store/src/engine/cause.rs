//! An error with everything that led to it, in one line.

use std::error::Error;

/// The error's text and those of its causes, each once.
pub(crate) fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text.push_str(": ");
            text.push_str(&told);
        }
        cause = error.source();
    }
    text
}

/// The reason of an error as the server gives it, or as the connection does.
pub(super) fn reason_of(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} {}", db.code().code(), db.message()),
        None => in_full(error),
    }
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("db error")]
    struct Outer(#[source] Inner);

    #[derive(Debug, Error)]
    #[error("permission denied")]
    struct Inner(#[source] std::fmt::Error);

    #[test]
    fn every_cause_is_told_once() {
        let error = Outer(Inner(std::fmt::Error));
        let end = std::fmt::Error.to_string();
        assert_eq!(in_full(&error), format!("db error: permission denied: {end}"));
    }
}
