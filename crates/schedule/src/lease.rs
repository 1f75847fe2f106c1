//! The lease of a job, and its renewal while the work on the job goes on.

use std::pin::Pin;
use std::time::Duration;

use store::{Job, Renewal, Store, StoreError};
use tokio::time::sleep;

/// Longest time that a worker may hold a job, in milliseconds of real time (operator-and-sandbox.md
/// section 5), unless its lease is renewed.
pub const LEASE_MS: i64 = 10_000;
/// The interval at which the lease of a job that may take longer is renewed.
const RENEWAL: Duration = Duration::from_secs(3);

/// Another worker has taken the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost")]
pub struct LeaseLost;

/// Does `work` on a job and renews the job's lease meanwhile. Afterwards `job` carries the latest
/// lease.
///
/// # Errors
/// The work's own error, or the lease was lost or could not be renewed.
pub async fn keep_lease<T, E: From<StoreError> + From<LeaseLost>>(
    store: &Store,
    job: &mut Job,
    work: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, E> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = sleep(RENEWAL) => {}
        }
        let (renewal, done) = renew_beside(store, job, work.as_mut()).await;
        if let Ok(Renewal::Held(until)) = renewal {
            job.leased_until = Some(until);
        }
        if let Some(done) = done {
            return done;
        }
        match renewal? {
            Renewal::Held(_) => {}
            Renewal::Lost => return Err(LeaseLost.into()),
            // The work has ended the job and has a little left to do; nobody else can take the job
            // up.
            Renewal::Ended => return work.await,
        }
    }
}

/// Renews the lease while the work goes on, since a renewal may wait for the work's own commit.
/// Also returns the work's result if the work finishes before the renewal.
async fn renew_beside<T>(
    store: &Store,
    job: &Job,
    mut work: Pin<&mut (impl Future<Output = T> + Send)>,
) -> (Result<Renewal, StoreError>, Option<T>) {
    let renewal = store.renew_job(job, LEASE_MS);
    tokio::pin!(renewal);
    tokio::select! {
        renewal = &mut renewal => (renewal, None),
        // A failed job is given back with the lease as it is after the renewal.
        done = &mut work => (renewal.await, Some(done)),
    }
}
