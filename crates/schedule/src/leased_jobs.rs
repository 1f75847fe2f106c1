//! One worker for every kind of leased job: a job that fails is retried after growing pauses, and
//! is parked in the end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::Timestamp;
use futures_util::FutureExt as _;
use store::{Job, JobKind, Store, StoreError};
use tokio::sync::Semaphore;

use crate::lease::{LEASE_MS, keep_lease};
use crate::{Boxed, Worker};

/// Counter of jobs that were parked, by kind.
const PARKED_COUNTER: &str = "cardbridge_jobs_parked_total";

/// Why a job was not done.
pub type JobError = Box<dyn std::error::Error + Send + Sync>;

type Run = dyn Fn(Job) -> Boxed<'static, Result<(), JobError>> + Send + Sync;

/// The attempts of a failing job: their number and the pauses between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// Pause after the first failure, seconds of business time; each later pause is twice as long.
    pub first_pause_s: i64,
    /// Longest pause, seconds of business time.
    pub longest_pause_s: i64,
    /// Attempts after which the job is parked.
    pub max_attempts: u32,
}

impl BackOff {
    /// The back-off of most jobs: parked after about half a day.
    pub const USUAL: Self = Self { first_pause_s: 5, longest_pause_s: 3_600, max_attempts: 20 };

    /// The pause after this many attempts, seconds of business time.
    #[must_use]
    pub const fn pause_s(self, attempts: u32) -> i64 {
        // More doublings than this exceed any longest pause.
        let doublings = if attempts > 31 { 30 } else { attempts.saturating_sub(1) };
        let pause = self.first_pause_s.saturating_mul(1 << doublings);
        if pause < self.longest_pause_s { pause } else { self.longest_pause_s }
    }
}

/// Does the due jobs of one kind, several at a time. Several such workers may run concurrently, in
/// one process or in many: each job is done by one of them.
pub struct LeasedJobs {
    tasks: Arc<Tasks>,
    name: &'static str,
    places: u32,
    room: Arc<Semaphore>,
}

struct Tasks {
    store: Store,
    kind: JobKind,
    back_off: BackOff,
    is_renewed: bool,
    run: Box<Run>,
}

impl LeasedJobs {
    /// Runs jobs of this kind, at most `places` at a time. `run` ends its job in the commit of its
    /// work; a job that it neither ended nor gave back is tried again when its lease ends.
    #[must_use]
    pub fn new(
        store: Store,
        (name, kind): (&'static str, JobKind),
        places: u32,
        run: impl Fn(Job) -> Boxed<'static, Result<(), JobError>> + Send + Sync + 'static,
    ) -> Self {
        let run = Box::new(run);
        let back_off = BackOff::USUAL;
        let tasks = Arc::new(Tasks { store, kind, back_off, is_renewed: false, run });
        Self { tasks, name, places, room: Arc::new(Semaphore::new(places as usize)) }
    }

    /// As [`LeasedJobs::new`], with other pauses, for jobs that may outlast a lease. The lease is
    /// renewed while such a job runs, so the job must not use the lease it was given as proof of
    /// ownership.
    #[must_use]
    pub fn long(self, back_off: BackOff) -> Self {
        let Self { tasks, name, places, room } = self;
        let tasks = Arc::into_inner(tasks).expect("a worker that was just made is not shared");
        let tasks = Arc::new(Tasks { back_off, is_renewed: true, ..tasks });
        Self { tasks, name, places, room }
    }
}

impl Worker for LeasedJobs {
    fn name(&self) -> &'static str {
        self.name
    }

    fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
        Box::pin(self.tasks.store.next_job_due(self.tasks.kind))
    }

    fn start_due(&self, now: Timestamp) -> Boxed<'_, Result<usize, StoreError>> {
        Box::pin(async move {
            let free = u32::try_from(self.room.available_permits()).unwrap_or(u32::MAX);
            if free == 0 {
                return Ok(0);
            }
            let Tasks { store, kind, .. } = &*self.tasks;
            let jobs = store.lease_jobs(*kind, now, LEASE_MS, free).await?;
            let started = jobs.len();
            for job in jobs {
                let permit = Arc::clone(&self.room).acquire_owned().await;
                let tasks = Arc::clone(&self.tasks);
                tokio::spawn(async move {
                    tasks.attempt(job).await;
                    drop(permit);
                });
            }
            Ok(started)
        })
    }

    fn settled(&self) -> Boxed<'_, ()> {
        Box::pin(async {
            // All places are free only when no job is running.
            drop(self.room.acquire_many(self.places).await);
        })
    }

    fn changed(&self) -> Boxed<'_, ()> {
        Box::pin(self.tasks.store.jobs_changed(self.tasks.kind).notified())
    }
}

impl Tasks {
    async fn attempt(&self, mut job: Job) {
        let Err(error) = self.run(&mut job).await else { return };
        let (kind, subject_id, attempts) = (job.kind.as_str(), job.subject_id, job.attempts);
        let given_back = if attempts < self.back_off.max_attempts {
            let pause_s = self.back_off.pause_s(attempts);
            tracing::error!(kind, subject_id, attempts, pause_s, %error, "a job failed");
            let later = self.store.clock().now().plus_seconds(pause_s);
            self.store.postpone_job(&job, later).await
        } else {
            tracing::error!(kind, subject_id, attempts, %error, "a job failed and is parked");
            metrics::counter!(PARKED_COUNTER, "kind" => kind).increment(1);
            self.store.park_job(&job).await
        };
        if let Err(error) = given_back {
            tracing::error!(kind, subject_id, %error, "its job stays leased until the lease ends");
        }
    }

    /// One attempt. A panic counts as a failure like any other: without a pause the next attempt
    /// would start when the lease ends, and panic again.
    async fn run(&self, job: &mut Job) -> Result<(), JobError> {
        let given = job.clone();
        let run = AssertUnwindSafe(async move { (self.run)(given).await }).catch_unwind();
        let run = run.map(|done| done.unwrap_or_else(|_| Err("it panicked".into())));
        if self.is_renewed { keep_lease(&self.store, job, run).await } else { run.await }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use domain::{BusinessDay, Clock, EnterpriseId, IdGenerator};
    use metrics_exporter_prometheus::PrometheusBuilder;
    use store::{Location, PageRequest};

    use super::*;
    use crate::Schedule;

    const FAILING: EnterpriseId = EnterpriseId::from_i64(1);
    const PANICKING: EnterpriseId = EnterpriseId::from_i64(2);
    const WELL: EnterpriseId = EnterpriseId::from_i64(3);
    const DAY_S: u32 = 24 * 60 * 60;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = [1, 2, 3, 10, 11, 20, u32::MAX].map(|it| BackOff::USUAL.pause_s(it));
        assert_eq!(pauses, [5, 10, 20, 2_560, 3_600, 3_600, 3_600]);
    }

    fn worker(store: &Store, done: &Arc<AtomicU32>) -> LeasedJobs {
        let (of, done) = (store.clone(), Arc::clone(done));
        let kind = ("tested", JobKind::SettlementRecut);
        LeasedJobs::new(store.clone(), kind, 1, move |job| {
            let (store, done) = (of.clone(), Arc::clone(&done));
            Box::pin(async move {
                assert!(job.enterprise_id != PANICKING, "fails on purpose");
                if job.enterprise_id == FAILING {
                    return Err("as it shall".into());
                }
                done.fetch_add(1, Ordering::SeqCst);
                let day = BusinessDay::from_i64(job.subject_id);
                Ok(store.end_recut(job.enterprise_id, day).await?)
            })
        })
    }

    #[tokio::test]
    async fn a_job_that_always_fails_is_parked_and_delays_no_other_and_no_advance() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("store.db"));
        let store = Store::open(location, clock.clone(), ids).await.unwrap();
        for owner in [FAILING, PANICKING, WELL] {
            store.recut_later(owner, BusinessDay::from_i64(7), clock.now()).await.unwrap();
        }
        let done = Arc::new(AtomicU32::new(0));
        let schedule = Schedule::new(store.clone(), vec![Arc::new(worker(&store, &done))]);
        let started = std::time::Instant::now();
        schedule.advance(DAY_S / 24).await.unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 1);
        assert_eq!(store.parked_jobs(PageRequest::first(10)).await.unwrap(), []);
        schedule.advance(300 * DAY_S).await.unwrap();
        let blocked = crate::BLOCKED_PAUSE * crate::MAX_BLOCKED_ROUNDS;
        assert!(started.elapsed() < blocked, "{:?}", started.elapsed());
        let parked = store.parked_jobs(PageRequest::first(10)).await.unwrap();
        let of = |job: &Job| (job.enterprise_id, job.attempts, job.leased_until);
        let expected = [(FAILING, 20, None), (PANICKING, 20, None)];
        assert_eq!(parked.iter().map(of).collect::<Vec<_>>(), expected);
        let counted = "cardbridge_jobs_parked_total{kind=\"SETTLEMENT_RECUT\"} 2";
        let metrics = recorder.handle().render();
        assert!(metrics.contains(counted), "{metrics}");
        store.close().await;
    }
}
