//! The leased job that goes from month to month.

use domain::{BusinessDay, Timestamp};
use schedule::{BackOff, Boxed, LEASE_MS, Worker, keep_lease};
use store::{FirstSettlementRow, Job, JobKind, Store, StoreError};

use crate::error::RetentionError;
use crate::export::Export;
use crate::month::{Months, end_of};

/// A month is exported so long after the moment from which it need not be kept: at 04:00 UTC+8, two
/// hours after the reconciliation files of the day before.
const HOURS_S: i64 = 4 * 3_600;
/// The pause until files that are not final yet are looked for again.
const NOT_FINAL_PAUSE_S: i64 = 24 * 3_600;

/// Exports and deletes the months that are no longer to be kept.
pub struct RetentionWorker {
    months: Months,
    kept_months: u16,
    first_row: FirstSettlementRow,
}

impl RetentionWorker {
    /// The fewest months that can be kept: longer than a message may be repeated (40 days) and a
    /// hold stays open (30 days).
    pub const MIN_KEPT_MONTHS: u16 = 3;

    /// A worker that keeps so many whole months beside the present one. Several may run
    /// concurrently: each month is exported by one of them.
    #[must_use]
    pub fn new(store: Store, export: Export, kept_months: u16) -> Self {
        Self {
            months: Months { store, export },
            kept_months,
            first_row: FirstSettlementRow::default(),
        }
    }

    const fn store(&self) -> &Store {
        &self.months.store
    }

    /// The moment from which a month is exported.
    fn ready_at(&self, month: BusinessDay) -> Timestamp {
        month.start().utc8_month_start_after(i32::from(self.kept_months) + 1).plus_seconds(HOURS_S)
    }

    /// The first month that is not done. Before the first run that is the month of the first row.
    async fn next_month(&self, job: &Job) -> Result<Option<BusinessDay>, StoreError> {
        if job.subject_id > 0 {
            return Ok(Some(BusinessDay::from_i64(job.subject_id)));
        }
        let first = self.first_row.from(self.store(), Timestamp::default()).await?;
        Ok(first.map(|it| BusinessDay::from_i64(it.utc8_month_first_day_number())))
    }

    async fn due(&self) -> Result<Option<Timestamp>, StoreError> {
        let job = self.store().retention_job().await?;
        let month = self.next_month(&job).await?;
        Ok(month.map(|month| self.ready_at(month).max(job.due_at)))
    }

    async fn work(&self, now: Timestamp) -> Result<usize, StoreError> {
        let jobs = self.store().lease_jobs(JobKind::Retention, now, LEASE_MS, 1).await?;
        let Some(mut job) = jobs.into_iter().next() else { return Ok(0) };
        let month = self.next_month(&job).await?.filter(|month| self.ready_at(*month) <= now);
        let Some(month) = month else {
            // Another process was faster.
            let same = BusinessDay::from_i64(job.subject_id);
            self.store().move_retention_job(&job, same, job.due_at).await?;
            return Ok(0);
        };
        if !self.store().is_reconciled_before(end_of(month)).await? {
            tracing::warn!(%month, "not exported yet: a reconciliation file is not final");
            let again = now.plus_seconds(NOT_FINAL_PAUSE_S);
            self.store().move_retention_job(&job, month, again).await?;
            return Ok(1);
        }
        let done: Result<(), RetentionError> =
            keep_lease(self.store(), &mut job, self.months.export_and_delete(month)).await;
        match done {
            Ok(()) => {
                let next = BusinessDay::of(end_of(month));
                if !self.store().move_retention_job(&job, next, self.ready_at(next)).await? {
                    tracing::warn!(%month, "the lease of a month's export was lost");
                }
            }
            Err(error) => {
                tracing::error!(%month, %error, "a month was not exported; trying again later");
                let pause_s = BackOff::USUAL.pause_s(job.attempts);
                self.store().postpone_job(&job, now.plus_seconds(pause_s)).await?;
            }
        }
        Ok(1)
    }
}

impl Worker for RetentionWorker {
    fn name(&self) -> &'static str {
        "retention"
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
        // A month ends later than any worker sleeps.
        Box::pin(std::future::pending())
    }
}
