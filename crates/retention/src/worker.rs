//! The leased job that goes from month to month.

use domain::{BusinessDay, Timestamp};
use schedule::{Boxed, PeriodWorker, Periods};
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
    pub fn new(store: Store, export: Export, kept_months: u16) -> PeriodWorker<Self> {
        let first_row = FirstSettlementRow::default();
        PeriodWorker(Self { months: Months { store, export }, kept_months, first_row })
    }
}

impl Periods for RetentionWorker {
    type Error = RetentionError;

    fn name(&self) -> &'static str {
        "retention"
    }

    fn kind(&self) -> JobKind {
        JobKind::Retention
    }

    fn store(&self) -> &Store {
        &self.months.store
    }

    fn job(&self) -> Boxed<'_, Result<Job, StoreError>> {
        Box::pin(self.months.store.retention_job())
    }

    fn first<'a>(&'a self, job: &'a Job) -> Boxed<'a, Result<Option<BusinessDay>, StoreError>> {
        let first_row = self.months.store.first_settlement_row(Timestamp::default());
        Box::pin(next_month(job, first_row))
    }

    fn recent_first<'a>(
        &'a self,
        job: &'a Job,
    ) -> Boxed<'a, Result<Option<BusinessDay>, StoreError>> {
        let first_row = self.first_row.from(&self.months.store, Timestamp::default());
        Box::pin(next_month(job, first_row))
    }

    fn after(&self, month: BusinessDay) -> BusinessDay {
        BusinessDay::of(end_of(month))
    }

    fn ready_at(&self, month: BusinessDay) -> Timestamp {
        month.start().utc8_month_start_after(i32::from(self.kept_months) + 1).plus_seconds(HOURS_S)
    }

    fn waits_until(
        &self,
        month: BusinessDay,
        now: Timestamp,
    ) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(async move {
            if self.months.store.is_reconciled_before(end_of(month)).await? {
                return Ok(None);
            }
            tracing::warn!(%month, "not exported yet: a reconciliation file is not final");
            Ok(Some(now.plus_seconds(NOT_FINAL_PAUSE_S)))
        })
    }

    fn carry_out(&self, month: BusinessDay) -> Boxed<'_, Result<(), RetentionError>> {
        Box::pin(self.months.export_and_delete(month))
    }
}

/// The first month that is not done. Before the first run that is the month of the first row.
async fn next_month(
    job: &Job,
    first_row: impl Future<Output = Result<Option<Timestamp>, StoreError>>,
) -> Result<Option<BusinessDay>, StoreError> {
    if job.subject_id > 0 {
        return Ok(Some(BusinessDay::from_i64(job.subject_id)));
    }
    let first = first_row.await?;
    Ok(first.map(|it| BusinessDay::from_i64(it.utc8_month_first_day_number())))
}
