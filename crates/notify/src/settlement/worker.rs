//! The leased job that cuts the files of each day at 02:00 UTC+8 of the next one.
//!
//! A day without any row costs it nothing: [`SettlementFiles::file`] makes its empty files
//! when they are asked for. So an advance over quiet years is no work.

use domain::{BusinessDay, Timestamp};
use schedule::{Boxed, Worker};
use store::{Job, JobKind, Store, StoreError};
use tokio::time::{Duration, sleep};

use super::cut::{CutError, SettlementFiles, ready_at};

/// How long a worker may hold the job, in milliseconds of real time
/// (operator-and-sandbox.md section 5), unless it renews the lease.
const LEASE_MS: i64 = 10_000;
/// How often a lease is renewed while files are being cut.
const RENEWAL: Duration = Duration::from_secs(3);
/// Pause of a day whose files could not be cut, in seconds.
const RETRY_PAUSE_S: i64 = 60;

/// Cuts yesterday's files for every enterprise.
pub struct SettlementWorker {
    store: Store,
    files: SettlementFiles,
}

impl SettlementWorker {
    /// A worker over this store. Several may run at once: a day is cut by one of them.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { files: SettlementFiles::new(store.clone()), store }
    }

    /// The first day with rows, from the job's day on.
    async fn next_day(&self, job: &Job) -> Result<Option<BusinessDay>, StoreError> {
        let from = BusinessDay::from_i64(job.subject_id).start();
        Ok(self.store.first_settlement_row(from).await?.map(BusinessDay::of))
    }

    async fn due(&self) -> Result<Option<Timestamp>, StoreError> {
        let job = self.store.settlement_job().await?;
        let day = self.next_day(&job).await?;
        Ok(day.map(|day| ready_at(day).max(job.due_at)))
    }

    async fn work(&self, now: Timestamp) -> Result<usize, StoreError> {
        let jobs = self.store.lease_jobs(JobKind::SettlementFiles, now, LEASE_MS, 1).await?;
        let Some(mut job) = jobs.into_iter().next() else { return Ok(0) };
        let day = self.next_day(&job).await?.filter(|day| ready_at(*day) <= now);
        let Some(day) = day else {
            // Another process was faster.
            let same_day = BusinessDay::from_i64(job.subject_id);
            self.store.move_settlement_job(&job, same_day, job.due_at).await?;
            return Ok(0);
        };
        let (next_day, due_at) = match self.close(&mut job, day).await {
            Ok(()) => (day.next(), ready_at(day.next())),
            Err(error) => {
                tracing::error!(%day, %error, "a day's files were not cut; trying again later");
                (day, now.plus_seconds(RETRY_PAUSE_S))
            }
        };
        if !self.store.move_settlement_job(&job, next_day, due_at).await? {
            tracing::warn!(%day, "the lease of a day's files was lost");
        }
        Ok(1)
    }

    /// Cuts the files, and keeps the lease meanwhile. Files that are not final yet, since
    /// an authorisation is undecided, are cut again.
    async fn close(&self, job: &mut Job, day: BusinessDay) -> Result<(), CutError> {
        let closing = self.files.close_day(day);
        tokio::pin!(closing);
        let files = loop {
            tokio::select! {
                files = &mut closing => break files?,
                () = sleep(RENEWAL) => {
                    let Some(until) = self.store.renew_job(job, LEASE_MS).await? else {
                        return Err(CutError::BrokenOff("the lease was lost".to_owned()));
                    };
                    job.leased_until = Some(until);
                }
            }
        };
        if files.iter().all(|closed| closed.file.is_final) {
            return Ok(());
        }
        Err(CutError::BrokenOff("authorisations of the day are undecided".to_owned()))
    }
}

impl Worker for SettlementWorker {
    fn name(&self) -> &'static str {
        "settlement-files"
    }

    fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.due())
    }

    fn start_due(&self, now: Timestamp) -> Boxed<'_, Result<usize, StoreError>> {
        Box::pin(self.work(now))
    }

    fn settled(&self) -> Boxed<'_, ()> {
        // `start_due` leaves nothing running.
        Box::pin(std::future::ready(()))
    }

    fn changed(&self) -> Boxed<'_, ()> {
        // A day ends later than the longest sleep of a worker.
        Box::pin(std::future::pending())
    }
}
