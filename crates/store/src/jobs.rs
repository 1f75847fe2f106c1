//! Leased jobs: work that is due at a business time and survives its worker.

mod kind;
mod period;

use domain::{EnterpriseId, Event, EventKind, JobId, Timestamp};

use crate::engine::{Tx, Value, with};
use crate::listing::{Page, PageRequest};
use crate::outbox::look_at_all;
use crate::records::{record, select, sql};
use crate::{Store, StoreError, feed};

pub use kind::JobKind;

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Owner of the subject.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub job_id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// The id of its subject.
    pub subject_id: i64,
    /// Its due time (business time).
    pub due_at: Timestamp,
    /// The number of leases since it last came forward.
    pub attempts: u32,
    /// The end (real time) of the present worker's lease; None without a lease. Also the token that
    /// proves the lease.
    pub leased_until: Option<Timestamp>,
}

record! {
    Job in "job" key (enterprise_id, job_id) {
        enterprise_id,
        job_id,
        kind,
        subject_id,
        due_at,
        attempts,
        leased_until,
    }
}

impl Job {
    /// The due time of a parked job: after every moment that a clock can show.
    pub(crate) const PARKED_UNTIL: Timestamp = Timestamp::from_micros(i64::MAX);

    /// A new job that nobody has tried yet.
    #[must_use]
    pub const fn new(
        enterprise_id: EnterpriseId,
        job_id: JobId,
        kind: JobKind,
        subject_id: i64,
        due_at: Timestamp,
    ) -> Self {
        Self { enterprise_id, job_id, kind, subject_id, due_at, attempts: 0, leased_until: None }
    }

    /// What happened to it, `at` in business time.
    const fn told(&self, kind: EventKind, at: Timestamp) -> Event {
        let (enterprise_id, subject_id) = (Some(self.enterprise_id), self.job_id.as_i64());
        Event { enterprise_id, vm_app_id: None, kind, subject_id, at }
    }
}

const GIVE_BACK: &str = "UPDATE job SET due_at = $1, leased_until = NULL \
    WHERE enterprise_id = $2 AND job_id = $3 AND leased_until = $4";

fn give_back(job: &Job, due_at: Timestamp) -> [Value; 4] {
    [due_at.into(), job.enterprise_id.into(), job.job_id.into(), job.leased_until.into()]
}

/// The result of prolonging a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// The job is held until then (real time).
    Held(Timestamp),
    /// The job now belongs to another worker.
    Lost,
    /// The job has ended: its work is done or no longer needed.
    Ended,
}

impl Store {
    /// The due time (business time) of the next job of a kind, leased or not.
    pub async fn next_job_due(&self, kind: JobKind) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT due_at FROM job WHERE kind = $1 ORDER BY due_at LIMIT 1";
        self.one(sql, [kind.as_str().into()]).await
    }

    /// Leases jobs of a kind that are due by `now`, earliest first, at most `limit`, for
    /// `lease_ms` of real time. Jobs leased by others are passed over until their lease ends.
    pub async fn lease_jobs(
        &self,
        kind: JobKind,
        now: Timestamp,
        lease_ms: i64,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let real_now = self.clock().real_now();
        let lease = Lease { now, real_now, until: real_now.plus_millis(lease_ms), limit };
        self.write(move |tx| Box::pin(lease_due(tx, kind, lease))).await
    }

    /// Gives a leased job back, due again at `due_at`.
    pub async fn postpone_job(&self, job: &Job, due_at: Timestamp) -> Result<(), StoreError> {
        let params = give_back(job, due_at);
        self.execute(GIVE_BACK, params).await?;
        self.wake_workers(&[job.kind]);
        Ok(())
    }

    /// Gives a leased job back for good: it is kept, but never becomes due by itself.
    pub async fn park_job(&self, job: &Job) -> Result<(), StoreError> {
        let request = (job.clone(), self.clock().now());
        self.write(with(request, async |tx, (job, now)| {
            if tx.execute(GIVE_BACK, &give_back(job, Job::PARKED_UNTIL)).await? == 1 {
                feed::post(tx, &[job.told(EventKind::JobParked, *now)]).await?;
            }
            Ok(())
        }))
        .await
    }

    /// Prolongs the lease of a job to `lease_ms` of real time from now.
    pub async fn renew_job(&self, job: &Job, lease_ms: i64) -> Result<Renewal, StoreError> {
        let request = (job.clone(), self.clock().real_now().plus_millis(lease_ms));
        self.write(with(request, async |tx, (job, until)| {
            let sql = "UPDATE job SET leased_until = $1 \
                WHERE enterprise_id = $2 AND job_id = $3 AND leased_until = $4";
            let key = (job.enterprise_id, job.job_id);
            let params = [(*until).into(), key.0.into(), key.1.into(), job.leased_until.into()];
            if tx.execute(sql, &params).await? == 1 {
                return Ok(Renewal::Held(*until));
            }
            let sql = "SELECT job_id FROM job WHERE enterprise_id = $1 AND job_id = $2";
            let is_there = tx.finds(sql, &[key.0.into(), key.1.into()]).await?;
            Ok(if is_there { Renewal::Lost } else { Renewal::Ended })
        }))
        .await
    }

    /// Makes a parked job due at `now` (business time), as if nobody had tried it yet; None if no
    /// parked job has this id.
    pub async fn retry_job(
        &self,
        job_id: JobId,
        now: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let retried = self.write_kept(move |tx| Box::pin(retry(tx, job_id, now))).await?;
        if let Some(job) = &retried {
            self.wake_workers(&[job.kind]);
        }
        Ok(retried)
    }

    /// A page of the parked jobs.
    pub async fn parked_jobs(&self, requested: PageRequest<JobId>) -> Result<Vec<Job>, StoreError> {
        let mut page = Page::new("job_id", requested, JobId::as_i64);
        // Naming every kind makes the query use the index by due time.
        page.among("kind", JobKind::ALL.iter().map(|kind| kind.as_str()));
        page.only("due_at", Some(Job::PARKED_UNTIL));
        self.page(page).await
    }

    /// Ends every lease of jobs and deliveries: at the start of an embedded store no other
    /// process can hold one.
    pub async fn take_over_leases(&self) -> Result<(), StoreError> {
        self.write(with((), async |tx, ()| {
            let jobs = "UPDATE job SET leased_until = NULL WHERE leased_until IS NOT NULL";
            tx.execute(jobs, &[]).await?;
            let deliveries = "UPDATE webhook SET leased_until = NULL \
                WHERE status = 'PENDING' AND leased_until IS NOT NULL";
            tx.execute(deliveries, &[]).await?;
            look_at_all(tx).await
        }))
        .await?;
        self.wake_outbox_and(JobKind::ALL);
        Ok(())
    }
}

/// A worker's request: jobs due by `now` and free at `real_now`, held `until` then.
#[derive(Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) now: Timestamp,
    pub(crate) real_now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) limit: u32,
}

async fn lease_due(tx: &Tx, kind: JobKind, lease: Lease) -> Result<Vec<Job>, StoreError> {
    let sql = sql!(
        "{} WHERE kind = $1 AND due_at <= $2 AND (leased_until IS NULL OR leased_until <= $3) \
         ORDER BY due_at, job_id LIMIT $4",
        select::<Job>()
    );
    let params =
        [kind.as_str().into(), lease.now.into(), lease.real_now.into(), lease.limit.into()];
    let mut leased = Vec::new();
    for mut job in tx.all::<Job>(sql, &params).await? {
        if take(tx, &job, lease).await? {
            job.attempts += 1;
            job.leased_until = Some(lease.until);
            leased.push(job);
        }
    }
    Ok(leased)
}

/// Takes one job unless another worker was faster.
async fn take(tx: &Tx, job: &Job, lease: Lease) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET attempts = attempts + 1, leased_until = $1 \
        WHERE enterprise_id = $2 AND job_id = $3 AND due_at <= $4 \
        AND (leased_until IS NULL OR leased_until <= $5)";
    let params = [
        lease.until.into(),
        job.enterprise_id.into(),
        job.job_id.into(),
        lease.now.into(),
        lease.real_now.into(),
    ];
    tx.execute(sql, &params).await.map(|count| count == 1)
}

/// Makes the parked job with this id due at `now`; None if there is no such job.
async fn retry(tx: &Tx, job_id: JobId, now: Timestamp) -> Result<Option<Job>, StoreError> {
    let kinds: Vec<_> = JobKind::ALL.iter().map(|kind| format!("'{kind}'")).collect();
    let kinds = kinds.join(", ");
    // Naming every kind makes the query use the index by due time.
    let sql =
        format!("{} WHERE kind IN ({kinds}) AND due_at = $1 AND job_id = $2", select::<Job>());
    let params = [Job::PARKED_UNTIL.into(), job_id.into()];
    let Some(parked) = tx.one::<Job>(&sql, &params).await? else { return Ok(None) };
    let Job { enterprise_id, kind, subject_id, .. } = parked;
    if !retry_parked(tx, enterprise_id, kind, subject_id, now).await? {
        return Ok(None);
    }
    feed::post(tx, &[parked.told(EventKind::JobRetried, now)]).await?;
    Ok(Some(Job { due_at: now, attempts: 0, leased_until: None, ..parked }))
}

/// Makes the job of a kind about one subject due at `due_at` if it is parked, as if nobody
/// had tried it yet; false if it is not.
pub(crate) async fn retry_parked(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    kind: JobKind,
    subject_id: i64,
    due_at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE job SET due_at = $4, attempts = 0, leased_until = NULL \
        WHERE enterprise_id = $1 AND subject_id = $2 AND kind = $3 AND due_at = $5";
    let params = [
        enterprise_id.into(),
        subject_id.into(),
        kind.as_str().into(),
        due_at.into(),
        Job::PARKED_UNTIL.into(),
    ];
    tx.execute(sql, &params).await.map(|count| count > 0)
}

/// Writes a new job, if there is one.
pub(crate) async fn insert_job(tx: &Tx, job: Option<&Job>) -> Result<(), StoreError> {
    let Some(job) = job else { return Ok(()) };
    tx.insert(job).await
}

/// Ends the jobs of a kind about one subject, leased or not.
pub(crate) async fn end_jobs(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    kind: JobKind,
    subject_id: i64,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM job WHERE enterprise_id = $1 AND subject_id = $2 AND kind = $3";
    let params = [enterprise_id.into(), subject_id.into(), kind.as_str().into()];
    tx.execute(sql, &params).await.map(drop)
}
