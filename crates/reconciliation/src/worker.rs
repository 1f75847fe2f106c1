//! The leased job that cuts the files of each day at 02:00 UTC+8 of the next one.
//!
//! A day without rows costs nothing, and no file is made for an enterprise that has no row of the
//! deposit's cards on it: [`SettlementFiles::file`] makes empty files on demand. An advance over
//! quiet years is therefore cheap.

use domain::{BusinessDay, Timestamp};
use schedule::{BackOff, Boxed, LEASE_MS, Worker, keep_lease};
use store::{FirstSettlementRow, Job, JobKind, Store, StoreError};

use super::cut::{CutError, SettlementFiles, ready_at};
use super::enterprises::EnterprisePages;
use super::recut::FIRST_PAUSE_S;

/// Cuts yesterday's files for every enterprise.
pub struct SettlementWorker {
    store: Store,
    files: SettlementFiles,
    first_row: FirstSettlementRow,
}

impl SettlementWorker {
    /// A worker over this store. Several may run concurrently: each day is cut by one of them.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            files: SettlementFiles::new(store.clone()),
            first_row: FirstSettlementRow::default(),
            store,
        }
    }

    /// The first day with rows, from the job's day on.
    async fn next_day(&self, job: &Job) -> Result<Option<BusinessDay>, StoreError> {
        let from = BusinessDay::from_i64(job.subject_id).start();
        Ok(self.store.first_settlement_row(from).await?.map(BusinessDay::of))
    }

    async fn due(&self) -> Result<Option<Timestamp>, StoreError> {
        let job = self.store.settlement_job().await?;
        let from = BusinessDay::from_i64(job.subject_id).start();
        let day = self.first_row.from(&self.store, from).await?.map(BusinessDay::of);
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
        match keep_lease(&self.store, &mut job, self.close_all(day)).await {
            Ok(()) => {
                let due_at = ready_at(day.next());
                if !self.store.move_settlement_job(&job, day.next(), due_at).await? {
                    tracing::warn!(%day, "the lease of a day's files was lost");
                }
            }
            Err(error) => {
                tracing::error!(%day, %error, "a day was not gone through; trying again later");
                let pause_s = BackOff::USUAL.pause_s(job.attempts);
                self.store.postpone_job(&job, now.plus_seconds(pause_s)).await?;
            }
        }
        Ok(1)
    }

    /// Tries every enterprise once. Files that failed or are not final yet then have their own job,
    /// so no enterprise holds up the others, and no day the next.
    async fn close_all(&self, day: BusinessDay) -> Result<(), CutError> {
        if let Err(error) = self.store.sweep_settlement_leftovers().await {
            tracing::error!(%error, "left-over pieces of files stay until the next day");
        }
        let mut enterprises = EnterprisePages::new(self.store.clone());
        while let Some(enterprise_id) = enterprises.next().await? {
            if self.files.is_nothing_to_cut(enterprise_id, day).await? {
                continue;
            }
            if !self.files.close_for(enterprise_id, day).await.is_final() {
                let again = self.store.clock().now().plus_seconds(FIRST_PAUSE_S);
                self.store.recut_later(enterprise_id, day, again).await?;
            }
        }
        Ok(())
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
        // A day ends later than any worker sleeps.
        Box::pin(std::future::pending())
    }
}
