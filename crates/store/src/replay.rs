//! The memory of requests already served, against replay (operator-and-sandbox.md section 5,
//! Replay).

mod memory;

use domain::Timestamp;

use crate::engine::Tx;
use crate::process::SERVER_NOW;
use crate::{Store, StoreError};
use memory::Remembering;

pub(crate) use memory::RequestMemory;
pub use memory::ServedRequest;

/// The most requests in an embedded store's memory that it may not forget yet; so many arrive
/// within their signatures' windows only under attack.
const MAX_REMEMBERED: usize = 250_000;
/// The time, in microseconds, for which the shared table remembers requests longer than their
/// windows, because the clocks of the processes differ.
const SHARED_MARGIN_US: i64 = 60_000_000;
/// The most expired rows that one request deletes: more than the one it adds.
const SWEEP_ROWS: i64 = 4;

impl Store {
    /// True if a request with this timestamp may have been served without being remembered: on the
    /// embedded store before the machine was started again, or by a process that kept no file of
    /// requests.
    #[must_use]
    pub fn may_have_forgotten(&self, signed_at: Timestamp) -> bool {
        let Some(unknown_before) = self.inner.requests.unknown_before else { return false };
        // That moment by the present clock, which may have been set since.
        let clock = self.clock();
        let ago = clock.elapsed().saturating_sub(unknown_before).as_millis();
        signed_at < clock.real_now().plus_millis(-i64::try_from(ago).unwrap_or(i64::MAX))
    }

    /// Remembers a request until real time has passed its signature's window; false if it is
    /// already remembered. The embedded store uses this process's memory and a file beside the
    /// store; the file is first brought to the disk if the request is dated later than our clock,
    /// or if the clock was set back. PostgreSQL uses a shared table.
    ///
    /// # Errors
    /// [`StoreError`]; `Overloaded` if the memory is full of requests not yet to be forgotten.
    pub async fn remember_request(&self, request: ServedRequest) -> Result<bool, StoreError> {
        if !self.is_embedded() {
            let now = self.clock().real_now();
            return self.write(move |tx| Box::pin(remember_in_table(tx, request, now))).await;
        }
        let memory = &self.inner.requests;
        match memory.remember(&request, self.clock(), MAX_REMEMBERED)? {
            Remembering::Repeated => Ok(false),
            Remembering::Kept => Ok(true),
            Remembering::ToDisk(records) => {
                memory.bring_to_disk(records, self.clock()).await.map(|()| true)
            }
        }
    }
}

async fn remember_in_table(
    tx: &Tx,
    request: ServedRequest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // The earlier of two clocks decides: a process whose clock runs ahead must not make all forget.
    // A subquery reads it once: an index is not searched for a time that may change.
    let sweep = format!(
        "DELETE FROM request_memory WHERE digest IN (SELECT digest FROM request_memory \
         WHERE forget_at <= (SELECT LEAST($1, {SERVER_NOW}) - $2) ORDER BY forget_at LIMIT $3 \
         FOR UPDATE SKIP LOCKED)"
    );
    tx.execute(&sweep, &[now.into(), SHARED_MARGIN_US.into(), SWEEP_ROWS.into()]).await?;
    let insert = "INSERT INTO request_memory (digest, forget_at) VALUES ($1, $2) \
        ON CONFLICT (digest) DO NOTHING";
    let params = [request.digest.as_slice().into(), request.window_ends.into()];
    tx.execute(insert, &params).await.map(|count| count == 1)
}
