//! The columns of a job.

use domain::{EnterpriseId, JobId};

use super::Fields;
use crate::engine::{Row, Value};
use crate::{Job, JobKind, StoreError};

/// The columns of a job.
pub(crate) const JOB_COLUMNS: &str =
    "enterprise_id, job_id, kind, subject_id, due_at, attempts, leased_until";

/// Reads a job from [`JOB_COLUMNS`].
pub(crate) fn job_from(row: &Row) -> Result<Job, StoreError> {
    let mut f = Fields::of(row);
    Ok(Job {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        job_id: f.id(JobId::from_i64)?,
        kind: JobKind::parse(&f.text()?).ok_or(StoreError::Corrupt("job.kind"))?,
        subject_id: f.int()?,
        due_at: f.time()?,
        attempts: f.small("job.attempts")?,
        leased_until: f.opt_time()?,
    })
}

/// The values of a job for [`JOB_COLUMNS`].
pub(crate) fn job_values(job: &Job) -> Vec<Value> {
    vec![
        job.enterprise_id.into(),
        job.job_id.into(),
        job.kind.as_str().into(),
        job.subject_id.into(),
        job.due_at.into(),
        job.attempts.into(),
        job.leased_until.into(),
    ]
}
