//! Answers kept for the operator API's Idempotency-Key.

use crate::{Store, StoreError};

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyState {
    /// It was free and is now taken by this request.
    New,
    /// The first request with it is not answered yet.
    InProgress,
    /// It was used with another request.
    Mismatch,
    /// The first request was answered so.
    Answered {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Vec<u8>,
    },
}

impl Store {
    /// Takes an idempotency key for a request with this digest, or tells what is known of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_idempotent(
        &self,
        key: &str,
        digest: [u8; 32],
    ) -> Result<IdempotencyState, StoreError> {
        let _ = (key, digest);
        todo!()
    }

    /// Keeps the answer of the request that took the key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_idempotent(
        &self,
        key: &str,
        status: u16,
        body: &[u8],
    ) -> Result<(), StoreError> {
        let _ = (key, status, body);
        todo!()
    }

    /// Frees a key whose request failed or whose answer must not be kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_idempotent(&self, key: &str) -> Result<(), StoreError> {
        let _ = key;
        todo!()
    }
}
