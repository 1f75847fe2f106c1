//! The job that cuts each day's files: one for all enterprises, moved from day to day.

use domain::{BusinessDay, EnterpriseId, JobId, Timestamp};

use crate::engine::Tx;
use crate::rows::{JOB_COLUMNS, job_values};
use crate::{Job, JobKind, Store, StoreError};

/// The job belongs to no enterprise, and there is one. Ids of ours are far larger.
const OWNER: EnterpriseId = EnterpriseId::from_i64(0);
const JOB: JobId = JobId::from_i64(1);

impl Store {
    /// Makes the job if there is none yet: its first day is `day`, to be cut at `due_at`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ensure_settlement_job(
        &self,
        day: BusinessDay,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let is_there = self.next_job_due(JobKind::SettlementFiles).await?.is_some();
        if is_there {
            return Ok(());
        }
        self.write(move |tx| Box::pin(make(tx, day, due_at))).await
    }

    /// Ends the work on the leased job's day: its next one is `day`, to be cut at `due_at`.
    /// False if the lease was lost; nothing is changed then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn move_settlement_job(
        &self,
        job: &Job,
        day: BusinessDay,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let token = job.leased_until;
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "UPDATE job SET subject_id = $1, due_at = $2, attempts = 0, \
                    leased_until = NULL \
                    WHERE enterprise_id = $3 AND job_id = $4 AND leased_until = $5";
                let params =
                    [day.as_i64().into(), due_at.into(), OWNER.into(), JOB.into(), token.into()];
                tx.execute(sql, &params).await.map(|count| count == 1)
            })
        })
        .await
    }

    /// Holds a leased job for `lease_ms` of real time from now on; the lease's new end, or
    /// none if the lease was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_job(
        &self,
        job: &Job,
        lease_ms: i64,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (enterprise_id, job_id, token) = (job.enterprise_id, job.job_id, job.leased_until);
        let until = self.clock().real_now().plus_millis(lease_ms);
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "UPDATE job SET leased_until = $1 \
                    WHERE enterprise_id = $2 AND job_id = $3 AND leased_until = $4";
                let params = [until.into(), enterprise_id.into(), job_id.into(), token.into()];
                tx.execute(sql, &params).await.map(|count| (count == 1).then_some(until))
            })
        })
        .await
    }
}

async fn make(tx: &Tx, day: BusinessDay, due_at: Timestamp) -> Result<(), StoreError> {
    let job = Job {
        enterprise_id: OWNER,
        job_id: JOB,
        kind: JobKind::SettlementFiles,
        subject_id: day.as_i64(),
        due_at,
        attempts: 0,
        leased_until: None,
    };
    let sql = format!(
        "INSERT INTO job ({JOB_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (enterprise_id, job_id) DO NOTHING"
    );
    tx.execute(&sql, &job_values(&job)).await.map(|_| ())
}
