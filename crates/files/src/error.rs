//! Why a file was not taken, and why a bucket cannot be used.

use thiserror::Error;

/// Why an upload address opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinkError {
    /// It was never given out, or was altered.
    #[error("the signature does not match")]
    Forged,
    /// Its hour is over.
    #[error("the address has expired")]
    Expired,
}

/// Why a file was not taken or given.
#[derive(Debug, Error)]
pub enum FileError {
    /// As many uploads as allowed are under way, in total or for this enterprise.
    #[error("too many uploads at once")]
    Overloaded,
    /// The enterprise has stored as much as it may in a day.
    #[error("no more can be stored for this enterprise today")]
    DayUsedUp,
    /// The disk's reserve would not stay free.
    #[error("the disk is nearly full")]
    DiskFull,
    /// Larger than [`crate::MAX_FILE_BYTES`].
    #[error("the file is too large")]
    TooLarge,
    /// Its first bytes do not match its extension.
    #[error("the content is not of the type that its name says")]
    WrongType,
    /// The operating system refused.
    #[error("the file could not be kept or read: {0}")]
    Io(#[from] std::io::Error),
}

/// Why a bucket's settings cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BucketError {
    /// The endpoint is not an `http` or `https` URL with a host.
    #[error("endpoint should be http:// or https:// and a host")]
    Endpoint,
    /// The bucket's name cannot be part of an address in the chosen style.
    #[error("bucket should be a name that can stand in a URL (set path-style if it cannot)")]
    Name,
}
