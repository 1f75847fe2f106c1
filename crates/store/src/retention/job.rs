//! The job of retention: one for all enterprises, moved from month to month.

use domain::{BusinessDay, EnterpriseId, JobId, Timestamp};

use crate::engine::Tx;
use crate::records::{columns, sql, values_of};
use crate::{Job, JobKind, Store, StoreError};

/// There is one job, which belongs to no enterprise, as that of the reconciliation files.
const OWNER: EnterpriseId = EnterpriseId::from_i64(0);
const JOB: JobId = JobId::from_i64(2);

impl Store {
    /// The job, created if it does not exist: its subject is the first day of the first month that
    /// is not done, at first that of 1970.
    pub async fn retention_job(&self) -> Result<Job, StoreError> {
        if let Some(job) = self.by_key((OWNER, JOB)).await? {
            return Ok(job);
        }
        self.write(|tx| Box::pin(make(tx))).await
    }

    /// Ends the work on the leased job's month: all months before `month` are done, and it is not
    /// due again before `due_at`. False if the lease was lost; nothing is changed then.
    pub async fn move_retention_job(
        &self,
        job: &Job,
        month: BusinessDay,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE job SET subject_id = $1, due_at = $2, attempts = 0, \
            leased_until = NULL WHERE enterprise_id = $3 AND job_id = $4 AND leased_until = $5";
        let token = job.leased_until;
        let params = [month.as_i64().into(), due_at.into(), OWNER.into(), JOB.into(), token.into()];
        self.execute(sql, params).await.map(|count| count == 1)
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

async fn make(tx: &Tx) -> Result<Job, StoreError> {
    let job = Job::new(OWNER, JOB, JobKind::Retention, 0, Timestamp::default());
    let sql = sql!(
        "INSERT INTO job ({}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (enterprise_id, job_id) DO NOTHING",
        columns::<Job>()
    );
    tx.execute(sql, &values_of(&job)).await?;
    tx.by_key((OWNER, JOB)).await?.ok_or(StoreError::Corrupt("the job of retention"))
}
