//! How a step, and a script, ends.

use std::collections::BTreeMap;

use thiserror::Error;

/// Why a script ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Ended {
    /// A step did not hold; the line names it, what was expected and what was got.
    #[error("{0}")]
    Failed(String),
    /// There is no connection.
    #[error("{0}")]
    NoConnection(String),
}

/// What a step did that held.
#[derive(Default)]
pub struct Done {
    /// The fields of its message, masked.
    pub fields: BTreeMap<u8, String>,
    /// The answers of a burst by response code.
    pub codes: BTreeMap<String, u32>,
}

/// Why a step did not hold.
pub enum Fault {
    /// Something else came.
    Mismatch {
        /// What was expected, masked.
        expected: String,
        /// What was got, masked.
        got: String,
        /// What is shown beside it.
        done: Done,
    },
    /// There is no connection.
    NoConnection(String),
}

impl Fault {
    /// A fault without a message to show.
    pub fn mismatch(expected: impl Into<String>, got: impl Into<String>) -> Self {
        let (expected, got) = (expected.into(), got.into());
        Self::Mismatch { expected, got, done: Done::default() }
    }
}
