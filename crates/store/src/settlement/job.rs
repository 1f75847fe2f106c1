//! The job that cuts each day's files: one for all enterprises, moved from day to day.

use std::sync::{Mutex, PoisonError};

use domain::{BusinessDay, EnterpriseId, JobId, Timestamp};

use crate::jobs::{end_jobs, retry_parked};
use crate::records::{columns, sql, values_of};
use crate::{Job, JobKind, Store, StoreError};

const JOB: JobId = JobId::from_i64(1);
const HOUR_US: i64 = 3_600_000_000;

impl Store {
    /// The job, created if it does not exist: it then begins before the first row of all.
    pub async fn settlement_job(&self) -> Result<Job, StoreError> {
        self.period_job(JOB, JobKind::SettlementFiles).await
    }

    /// Has the files of an enterprise's day cut again at `due_at` (business time), unless a job for
    /// them already has a due time. A parked job becomes due at `due_at`.
    pub async fn recut_later(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let job_id = JobId::from_i64(self.ids().next());
        let job = Job::new(enterprise_id, job_id, JobKind::SettlementRecut, day.as_i64(), due_at);
        self.write(move |tx| {
            let values = values_of(&job);
            let subject_id = day.as_i64();
            Box::pin(async move {
                let kind = JobKind::SettlementRecut;
                retry_parked(tx, enterprise_id, kind, subject_id, due_at).await?;
                let sql = sql!(
                    "INSERT INTO job ({}) SELECT $1, $2, $3, $4, $5, $6, $7 \
                     WHERE NOT EXISTS (SELECT 1 FROM job \
                     WHERE enterprise_id = $1 AND kind = $3 AND subject_id = $4)",
                    columns::<Job>()
                );
                tx.execute(sql, &values).await.map(drop)
            })
        })
        .await?;
        self.wake_workers(&[JobKind::SettlementRecut]);
        Ok(())
    }

    /// Ends the job of cutting the files of an enterprise's day again.
    pub async fn end_recut(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let subject_id = day.as_i64();
            Box::pin(end_jobs(tx, enterprise_id, JobKind::SettlementRecut, subject_id))
        })
        .await
    }

    /// The earliest moment, from `from` on, at which an authorisation arrived or a
    /// transaction was posted for any enterprise.
    pub async fn first_settlement_row(
        &self,
        from: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        // One look into each index for each enterprise.
        let sql = "SELECT MIN(moment) FROM ( \
            SELECT (SELECT MIN(created_at) FROM authorisation a \
                WHERE a.enterprise_id = e.enterprise_id AND a.created_at >= $1) AS moment \
            FROM enterprise e UNION ALL \
            SELECT (SELECT MIN(posted_at) FROM posting p \
                WHERE p.enterprise_id = e.enterprise_id AND p.posted_at >= $1) \
            FROM enterprise e) entry";
        let moment = self.one(sql, [from.into()]).await?;
        moment.ok_or(StoreError::Corrupt("the answer to an aggregate"))
    }
}

/// The first row of the reconciliation files, as one worker knows it: the look into the database
/// costs something for each enterprise, so a row that was seen is taken for the first for the rest
/// of the hour.
#[derive(Debug, Default)]
pub struct FirstSettlementRow(Mutex<Option<Seen>>);

/// What a look found.
#[derive(Debug, Clone, Copy)]
struct Seen {
    from: Timestamp,
    hour: i64,
    first: Timestamp,
}

impl FirstSettlementRow {
    /// As [`Store::first_settlement_row`]. A row whose commit ended after the look is seen within
    /// an hour; that there is none is looked up each time.
    pub async fn from(
        &self,
        store: &Store,
        from: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let hour = store.clock().now().as_micros() / HOUR_US;
        let seen = self.seen().filter(|it| (it.from, it.hour) == (from, hour));
        if let Some(seen) = seen {
            return Ok(Some(seen.first));
        }
        let first = store.first_settlement_row(from).await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            first.map(|first| Seen { from, hour, first });
        Ok(first)
    }

    fn seen(&self) -> Option<Seen> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
