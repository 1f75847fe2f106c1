//! Work that goes from one period of business time to the next, each done by one process.

use domain::{BusinessDay, Timestamp};
use store::{Job, JobKind, Store, StoreError};

use super::{BackOff, Boxed, LEASE_MS, LeaseLost, Worker, keep_lease};

/// Periods of one length that are worked off in order.
pub trait Periods: Send + Sync {
    /// Why a period is not done.
    type Error: From<StoreError> + From<LeaseLost> + std::fmt::Display + Send;

    /// Name, for logs.
    fn name(&self) -> &'static str;

    /// The kind of the job that goes from period to period.
    fn kind(&self) -> JobKind;

    /// The store.
    fn store(&self) -> &Store;

    /// That job.
    fn job(&self) -> Boxed<'_, Result<Job, StoreError>>;

    /// The first day of the first period that is to be done, if there is any yet.
    fn first<'a>(&'a self, job: &'a Job) -> Boxed<'a, Result<Option<BusinessDay>, StoreError>>;

    /// The same, possibly as of some time ago: for asking when something is due.
    fn recent_first<'a>(
        &'a self,
        job: &'a Job,
    ) -> Boxed<'a, Result<Option<BusinessDay>, StoreError>>;

    /// The first day of the period behind one.
    fn after(&self, period: BusinessDay) -> BusinessDay;

    /// The moment from which a period may be done.
    fn ready_at(&self, period: BusinessDay) -> Timestamp;

    /// When to look again at a period that is due but must wait for something else; `None` if
    /// nothing is in its way.
    fn waits_until(
        &self,
        period: BusinessDay,
        now: Timestamp,
    ) -> Boxed<'_, Result<Option<Timestamp>, StoreError>>;

    /// Does a period.
    fn carry_out(&self, period: BusinessDay) -> Boxed<'_, Result<(), Self::Error>>;
}

/// The worker of such periods. Several may run concurrently: each period is done by one of them.
pub struct PeriodWorker<P>(pub P);

impl<P: Periods> PeriodWorker<P> {
    async fn due(&self) -> Result<Option<Timestamp>, StoreError> {
        let job = self.0.job().await?;
        let period = self.0.recent_first(&job).await?;
        Ok(period.map(|period| self.0.ready_at(period).max(job.due_at)))
    }

    async fn work(&self, now: Timestamp) -> Result<usize, StoreError> {
        let (it, store, worker) = (&self.0, self.0.store(), self.0.name());
        let jobs = store.lease_jobs(it.kind(), now, LEASE_MS, 1).await?;
        let Some(mut job) = jobs.into_iter().next() else { return Ok(0) };
        let period = it.first(&job).await?.filter(|period| it.ready_at(*period) <= now);
        let Some(period) = period else {
            // Another process was faster.
            let same = BusinessDay::from_i64(job.subject_id);
            store.move_period_job(&job, same, job.due_at).await?;
            return Ok(0);
        };
        if let Some(again) = it.waits_until(period, now).await? {
            store.move_period_job(&job, period, again).await?;
            return Ok(1);
        }
        match keep_lease(store, &mut job, it.carry_out(period)).await {
            Ok(()) => {
                let next = it.after(period);
                if !store.move_period_job(&job, next, it.ready_at(next)).await? {
                    tracing::warn!(worker, %period, "the lease of a period was lost");
                }
            }
            Err(error) => {
                tracing::error!(worker, %period, %error, "a period failed; trying again later");
                let pause_s = BackOff::USUAL.pause_s(job.attempts);
                store.postpone_job(&job, now.plus_seconds(pause_s)).await?;
            }
        }
        Ok(1)
    }
}

impl<P: Periods> Worker for PeriodWorker<P> {
    fn name(&self) -> &'static str {
        self.0.name()
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
        // A period ends later than any worker sleeps.
        Box::pin(std::future::pending())
    }
}
