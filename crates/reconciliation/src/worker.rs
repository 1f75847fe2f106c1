//! The leased job that cuts the files of each day at 02:00 UTC+8 of the next one.
//!
//! A day without rows costs nothing, and no file is made for an enterprise that has no row of the
//! deposit's cards on it: [`SettlementFiles::file`] makes empty files on demand. An advance over
//! quiet years is therefore cheap.

use domain::{BusinessDay, Timestamp};
use schedule::{Boxed, PeriodWorker, Periods};
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
    pub fn new(store: Store) -> PeriodWorker<Self> {
        PeriodWorker(Self {
            files: SettlementFiles::new(store.clone()),
            first_row: FirstSettlementRow::default(),
            store,
        })
    }

    /// The first day with rows, from the job's day on.
    async fn next_day(&self, job: &Job) -> Result<Option<BusinessDay>, StoreError> {
        let from = BusinessDay::from_i64(job.subject_id).start();
        Ok(self.store.first_settlement_row(from).await?.map(BusinessDay::of))
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

impl Periods for SettlementWorker {
    type Error = CutError;

    fn name(&self) -> &'static str {
        "settlement-files"
    }

    fn kind(&self) -> JobKind {
        JobKind::SettlementFiles
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn job(&self) -> Boxed<'_, Result<Job, StoreError>> {
        Box::pin(self.store.settlement_job())
    }

    fn first<'a>(&'a self, job: &'a Job) -> Boxed<'a, Result<Option<BusinessDay>, StoreError>> {
        Box::pin(self.next_day(job))
    }

    fn recent_first<'a>(
        &'a self,
        job: &'a Job,
    ) -> Boxed<'a, Result<Option<BusinessDay>, StoreError>> {
        Box::pin(async move {
            let from = BusinessDay::from_i64(job.subject_id).start();
            Ok(self.first_row.from(&self.store, from).await?.map(BusinessDay::of))
        })
    }

    fn after(&self, day: BusinessDay) -> BusinessDay {
        day.next()
    }

    fn ready_at(&self, day: BusinessDay) -> Timestamp {
        ready_at(day)
    }

    fn waits_until(
        &self,
        _: BusinessDay,
        _: Timestamp,
    ) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn carry_out(&self, day: BusinessDay) -> Boxed<'_, Result<(), CutError>> {
        Box::pin(self.close_all(day))
    }
}
