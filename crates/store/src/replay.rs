//! The memory of requests already served, against replay.

use domain::Timestamp;

use crate::{Store, StoreError};

/// Requests that this process remembers.
#[derive(Default)]
pub(crate) struct RequestMemory;

impl Store {
    /// Remembers a request by its digest until `forget_at` (real time); false if it is
    /// remembered already. Embedded: in this process's memory. PostgreSQL: a shared table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember_request(
        &self,
        digest: [u8; 32],
        forget_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let _ = (digest, forget_at);
        todo!()
    }
}
