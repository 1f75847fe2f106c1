//! The job of retention: one for all enterprises, moved from month to month.

use domain::{BusinessDay, JobId, Timestamp};

use crate::{Job, JobKind, Store, StoreError};

const JOB: JobId = JobId::from_i64(2);

impl Store {
    /// The job, created if it does not exist: its subject is the first day of the first month that
    /// is not done, at first that of 1970.
    pub async fn retention_job(&self) -> Result<Job, StoreError> {
        self.period_job(JOB, JobKind::Retention).await
    }

    /// True if the reconciliation files of all days before `moment` are final.
    pub async fn is_reconciled_before(&self, moment: Timestamp) -> Result<bool, StoreError> {
        let job = self.settlement_job().await?;
        let from = BusinessDay::from_i64(job.subject_id).start();
        if from < moment && self.first_settlement_row(from).await?.is_some_and(|it| it < moment) {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM job WHERE kind = 'SETTLEMENT_RECUT' AND subject_id < $1 LIMIT 1";
        Ok(!self.finds(sql, [BusinessDay::of(moment).as_i64().into()]).await?)
    }
}
