//! The memory of requests already served, against replay (operator-and-sandbox.md section 5,
//! Replay).

mod memory;

use std::sync::atomic::Ordering;

use domain::Timestamp;

use crate::engine::{Answers, Statement, Value};
use crate::process::SERVER_NOW;
use crate::records::sql;
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
/// After so many requests of this process, rows whose time is over are deleted.
const REQUESTS_A_SWEEP: u64 = 64;
/// The most that are then deleted: more than were added.
const SWEEP_ROWS: i64 = 256;

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
            return Ok(self.remember_on_server(request, None).await?.count()? == 1);
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

    /// Remembers a request in the shared table, which answers with the number of new rows, together
    /// with `more`.
    pub(crate) async fn remember_on_server(
        &self,
        request: ServedRequest,
        more: Option<Statement>,
    ) -> Result<Answers, StoreError> {
        let insert = "INSERT INTO request_memory (digest, forget_at) VALUES ($1, $2) \
            ON CONFLICT (digest) DO NOTHING";
        let params = [request.digest.as_slice().into(), request.window_ends.into()];
        let statements = std::iter::once(Statement::new(insert, params)).chain(more).collect();
        let answers = self.write_together(statements).await?;
        let requests = &self.inner.requests;
        if requests.shared.fetch_add(1, Ordering::Relaxed).is_multiple_of(REQUESTS_A_SWEEP) {
            let (store, now) = (self.clone(), self.clock().real_now());
            // Beside the answer, which need not wait for it.
            tokio::spawn(async move {
                if let Err(error) = store.execute(sweep_sql(), sweep_params(now)).await {
                    tracing::debug!(%error, "served requests were not swept");
                }
            });
        }
        Ok(answers)
    }
}

/// Deletes the first rows whose time is over. The earlier of two clocks decides: a process whose
/// clock runs ahead must not make all forget. A subquery reads it once: an index is not searched
/// for a time that may change.
fn sweep_sql() -> &'static str {
    sql!(
        "DELETE FROM request_memory WHERE digest IN (SELECT digest FROM request_memory \
         WHERE forget_at <= (SELECT LEAST($1, {SERVER_NOW}) - $2) ORDER BY forget_at LIMIT $3)"
    )
}

fn sweep_params(now: Timestamp) -> [Value; 3] {
    [now.into(), SHARED_MARGIN_US.into(), SWEEP_ROWS.into()]
}
