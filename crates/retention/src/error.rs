//! What keeps a month from being exported and deleted.

use schedule::LeaseLost;
use store::StoreError;

/// A month stays as it is, or is half done; the next try continues.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Its path.
        path: String,
        /// The fault.
        error: std::io::Error,
    },
    /// A bucket cannot be written or read.
    #[error("{key} in the bucket: {reason}")]
    Bucket {
        /// The object.
        key: String,
        /// The fault.
        reason: String,
    },
    /// A file is not in the bucket.
    #[error("{key} is not in the bucket")]
    Missing {
        /// The object.
        key: String,
    },
    /// A file has not the bytes that were recorded when it was written.
    #[error("{path} is not as it was written; put it back, since some of its rows are deleted")]
    Changed {
        /// Its path.
        path: String,
    },
    /// A line of a file cannot be read.
    #[error("{path}: line {line} is no line of an export")]
    Line {
        /// Its path.
        path: String,
        /// Its number, from 1.
        line: u64,
    },
    /// What was exported changes faster than it is deleted, or is read in another way than written.
    #[error("nothing of what was exported is as it was")]
    NothingDeleted,
    /// Another process has the job.
    #[error(transparent)]
    Lease(#[from] LeaseLost),
}

impl RetentionError {
    pub(crate) fn file(path: &std::path::Path, error: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), error }
    }
}
