//! The store's own errors, below the domain.

use thiserror::Error;

use crate::NowAndThen;

/// A failure of the engine or of the data in it. Never shown to a caller.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// The engine refused or failed.
    #[error("store engine: {0}")]
    Engine(String),
    /// The server cannot be reached or refuses the connection, does not answer in time or takes no
    /// writes, or this process may not write now; nothing was written.
    #[error("store away: {0}")]
    Away(String),
    /// Another transaction was in the way; the operation may be tried again.
    #[error("store conflict: {0}")]
    Conflict(String),
    /// A row was held by another session, or the statement took, for longer than the operation may
    /// wait; nothing was done.
    #[error("store locked: {0}")]
    Locked(String),
    /// The connection was lost while the commit was under way, or no transaction was begun around
    /// what was sent: it may stand or not.
    #[error("store commit in doubt: {0}")]
    InDoubt(String),
    /// The server does not let this user do it.
    #[error("store denied: {0}")]
    Denied(String),
    /// A unique index refused the row.
    #[error("already there: {0}")]
    Duplicate(String),
    /// Another run of the call that carries this idempotency key was faster; nothing was written.
    #[error("the idempotency key is taken")]
    KeyTaken,
    /// A stored value is not what the domain allows.
    #[error("corrupt value in {0}")]
    Corrupt(&'static str),
    /// The writer has more waiting than its limit, or the store was closed.
    #[error("the store accepts no more work now")]
    Overloaded,
}

impl StoreError {
    /// True if nothing was done and the same may succeed a moment later, without anything being
    /// mended here.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Away(_) | Self::Conflict(_) | Self::Locked(_) | Self::Overloaded => true,
            // It may be done: whoever repeats it without looking may do it twice.
            Self::InDoubt(_)
            | Self::Engine(_)
            | Self::Denied(_)
            | Self::Duplicate(_)
            | Self::KeyTaken
            | Self::Corrupt(_) => false,
        }
    }
}

impl StoreError {
    /// Logs the error for a call that is answered with a failure. While the store is away every
    /// call meets the same, so errors that pass are logged now and then.
    pub fn tell(&self) {
        static PASSING: NowAndThen = NowAndThen::new();
        if !self.is_passing() || PASSING.is_due() {
            tracing::error!(error = %self, "the store failed");
        }
    }
}

/// The error of an operation: of its own rules, or of the store below them.
pub(crate) trait OperationError: From<StoreError> + Send + 'static {
    /// The store's error, if that is the reason.
    fn below(&self) -> Option<&StoreError>;
}

impl OperationError for StoreError {
    fn below(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// Implements [`OperationError`] for an enumeration whose variant `Store` is the store's error.
///
/// ```ignore
/// over_store!(PlaceOrderError);
/// ```
macro_rules! over_store {
    ($error:ident) => {
        impl $crate::error::OperationError for $error {
            fn below(&self) -> Option<&$crate::StoreError> {
                if let Self::Store(error) = self { Some(error) } else { None }
            }
        }
    };
}
pub(crate) use over_store;
