//! Jobs that go from one period of business time to the next: each is one for all enterprises.

use domain::{BusinessDay, EnterpriseId, JobId, Timestamp};

use crate::engine::{Tx, with};
use crate::records::{columns, sql, values_of};
use crate::{Job, JobKind, Store, StoreError};

/// Such a job belongs to no enterprise.
const OWNER: EnterpriseId = EnterpriseId::from_i64(0);

impl Store {
    /// The job with this id, which is far smaller than the generator's. It is created if it does
    /// not exist, with a subject before the first period of all.
    pub(crate) async fn period_job(&self, job_id: JobId, kind: JobKind) -> Result<Job, StoreError> {
        if let Some(job) = self.by_key((OWNER, job_id)).await? {
            return Ok(job);
        }
        self.write(with((job_id, kind), make)).await
    }

    /// Ends the work on a leased job's period: all before the one that begins with `period` are
    /// done, and the job is not due again before `due_at`. False if the lease was lost; nothing is
    /// changed then.
    pub async fn move_period_job(
        &self,
        job: &Job,
        period: BusinessDay,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE job SET subject_id = $1, due_at = $2, attempts = 0, \
            leased_until = NULL WHERE enterprise_id = $3 AND job_id = $4 AND leased_until = $5";
        let (owner, token) = (job.enterprise_id, job.leased_until);
        let params =
            [period.as_i64().into(), due_at.into(), owner.into(), job.job_id.into(), token.into()];
        self.execute(sql, params).await.map(|count| count == 1)
    }
}

async fn make(tx: &Tx, (job_id, kind): &(JobId, JobKind)) -> Result<Job, StoreError> {
    let job = Job::new(OWNER, *job_id, *kind, 0, Timestamp::default());
    let sql = sql!(
        "INSERT INTO job ({}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (enterprise_id, job_id) DO NOTHING",
        columns::<Job>()
    );
    tx.execute(sql, &values_of(&job)).await?;
    tx.by_key((OWNER, *job_id)).await?.ok_or(StoreError::Corrupt("a job of periods"))
}
