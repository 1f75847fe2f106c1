//! Work that waits for business time: its workers, and the sandbox's advance of that time.
//!
//! In the background each worker runs by itself: it starts the work that is due, sleeps until the
//! next due moment, and wakes early when something changes. An advance stops the background, then
//! walks business time from one due moment to the next, in order, each piece of work finished
//! before the next begins (operator-and-sandbox.md section 4).

mod lease;
mod leased_jobs;
mod periods;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Timestamp};
use futures_util::FutureExt as _;
use store::{NowAndThen, Store, StoreError};
use tokio::sync::{Mutex, RwLock, watch};
use tokio::task::JoinSet;

pub use lease::{LEASE_MS, LeaseLost, keep_lease};
pub use leased_jobs::{BackOff, JobError, LeasedJobs};
pub use periods::{PeriodWorker, Periods};

/// A boxed future, for workers in one list.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Longest sleep of a worker that has nothing due; another process may add work meanwhile.
const MAX_SLEEP: Duration = Duration::from_secs(5);
/// Pause when due work is held under somebody else's lease, or when the store failed.
const BLOCKED_PAUSE: Duration = Duration::from_millis(100);
/// How often that pause doubles while the store goes on failing: to 1.6 s, so that work goes on
/// soon after the store does.
const MAX_DOUBLINGS: u32 = 4;
/// Most pauses for which an advance waits at one due moment for work that somebody else holds.
const MAX_BLOCKED_ROUNDS: u32 = 300;

/// A kind of work that waits for business time.
pub trait Worker: Send + Sync {
    /// Name, for logs.
    fn name(&self) -> &'static str;

    /// The time at which the next piece is due; `None` if nothing waits.
    fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>>;

    /// Starts pieces that are due by `now`, earliest first, and returns how many. They may go on
    /// after this returns; [`Worker::settled`] waits for them.
    fn start_due(&self, now: Timestamp) -> Boxed<'_, Result<usize, StoreError>>;

    /// Waits until everything that was started is finished.
    fn settled(&self) -> Boxed<'_, ()>;

    /// Waits until something changed that may have brought the next due moment forward.
    fn changed(&self) -> Boxed<'_, ()>;
}

/// A worker's failures in a row.
#[derive(Default)]
struct Failing {
    count: u32,
    telling: NowAndThen,
}

impl Failing {
    /// Tells of a failure if it is the first or the last was told long ago; returns the pause
    /// before the next try, which grows.
    fn failed(&mut self, worker: &str, error: &StoreError) -> Duration {
        self.count = self.count.saturating_add(1);
        if self.telling.is_due() {
            tracing::error!(worker, failures = self.count, %error, "worker failed; trying again");
        }
        let doublings = self.count.saturating_sub(1).min(MAX_DOUBLINGS);
        BLOCKED_PAUSE * 2_u32.pow(doublings)
    }
}

/// The workers and the clock they share.
pub struct Schedule {
    clock: Clock,
    store: Store,
    workers: Vec<Arc<dyn Worker>>,
    /// Workers start work under a read lock; an advance holds the write lock.
    gate: RwLock<()>,
    /// Woken after each advance, since the due moments of sleeping workers have come nearer.
    advanced: watch::Sender<()>,
    one_advance: Mutex<()>,
}

impl Schedule {
    /// A schedule of these workers.
    #[must_use]
    pub fn new(store: Store, workers: Vec<Arc<dyn Worker>>) -> Arc<Self> {
        Arc::new(Self {
            clock: store.clock().clone(),
            store,
            workers,
            gate: RwLock::new(()),
            advanced: watch::channel(()).0,
            one_advance: Mutex::new(()),
        })
    }

    /// Runs every worker until `stop` turns true, then waits for what they started.
    pub async fn run(self: Arc<Self>, stop: watch::Receiver<bool>) {
        let mut loops = JoinSet::new();
        for worker in self.workers.clone() {
            loops.spawn(Arc::clone(&self).keep_running(worker, stop.clone()));
        }
        while loops.join_next().await.is_some() {}
    }

    /// Runs a worker, and restarts it if it panics: nobody would notice that it is gone until
    /// webhooks or orders had piled up.
    async fn keep_running(self: Arc<Self>, worker: Arc<dyn Worker>, stop: watch::Receiver<bool>) {
        loop {
            let run = Arc::clone(&self).run_worker(Arc::clone(&worker), stop.clone());
            if AssertUnwindSafe(run).catch_unwind().await.is_ok() {
                return;
            }
            tracing::error!(worker = worker.name(), "worker panicked; it is started again");
            tokio::time::sleep(BLOCKED_PAUSE).await;
        }
    }

    async fn run_worker(self: Arc<Self>, worker: Arc<dyn Worker>, mut stop: watch::Receiver<bool>) {
        let mut advanced = self.advanced.subscribe();
        let mut followed = self.store.clock_followed();
        let mut failing: Option<Failing> = None;
        while !*stop.borrow() {
            let pause = match self.start_in_background(&*worker).await {
                Ok(pause) => {
                    if failing.take().is_some() {
                        tracing::info!(worker = worker.name(), "the worker works again");
                    }
                    pause
                }
                Err(error) => Some(failing.get_or_insert_default().failed(worker.name(), &error)),
            };
            let Some(pause) = pause else { continue };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = worker.changed() => {}
                _ = advanced.changed() => {}
                _ = followed.changed() => {}
                _ = stop.wait_for(|stopped| *stopped) => {}
            }
        }
        worker.settled().await;
    }

    /// Starts the work that is due and returns how long to pause; `None` if more may be due at
    /// once.
    async fn start_in_background(
        &self,
        worker: &dyn Worker,
    ) -> Result<Option<Duration>, StoreError> {
        let _open = self.gate.read().await;
        let due = worker.next_due().await?;
        // Read after the query, so work that was due at the time of the query is due now too.
        let now = self.clock.now();
        match due {
            None => Ok(Some(MAX_SLEEP)),
            Some(due) if due > now => {
                let wait_us = due.as_micros().saturating_sub(now.as_micros());
                Ok(Some(Duration::from_micros(wait_us.unsigned_abs()).min(MAX_SLEEP)))
            }
            Some(_) if worker.start_due(now).await? > 0 => Ok(None),
            Some(_) => Ok(Some(BLOCKED_PAUSE)),
        }
    }

    /// Moves business time forward by `seconds`. Everything due in between has happened, in
    /// order of time, and all processes that share the store have the new business time, when this
    /// returns it.
    ///
    /// # Errors
    /// The store failed; business time then stands at the failure. Or another process did not
    /// confirm the new time in 20 s; then it has moved here.
    pub async fn advance(&self, seconds: u32) -> Result<Timestamp, StoreError> {
        self.advance_noted(seconds, async |_| Ok(())).await
    }

    /// As [`Schedule::advance`]; `note` receives the target before business time moves.
    ///
    /// # Errors
    /// As [`Schedule::advance`], and any error of `note`: business time then does not move.
    pub async fn advance_noted(
        &self,
        seconds: u32,
        note: impl AsyncFnOnce(Timestamp) -> Result<(), StoreError>,
    ) -> Result<Timestamp, StoreError> {
        let _one = self.one_advance.lock().await;
        self.store.catch_up_clock().await?;
        let target = self.clock.now().plus_seconds(i64::from(seconds));
        note(target).await?;
        self.walk(target).await?;
        self.store.clock_confirmed().await?;
        Ok(self.clock.now())
    }

    /// Moves business time forward to `target`, unless it is there or later already.
    ///
    /// # Errors
    /// As [`Schedule::advance`].
    pub async fn advance_to(&self, target: Timestamp) -> Result<Timestamp, StoreError> {
        let _one = self.one_advance.lock().await;
        self.walk(target).await?;
        self.store.clock_confirmed().await?;
        Ok(self.clock.now())
    }

    async fn walk(&self, target: Timestamp) -> Result<(), StoreError> {
        let _closed = self.gate.write().await;
        for worker in &self.workers {
            worker.settled().await;
        }
        let mut blocked_rounds = 0;
        while let Some((due, worker)) = self.earliest(target).await? {
            self.store.move_clock(due).await?;
            let started = worker.start_due(due).await?;
            worker.settled().await;
            if started > 0 {
                blocked_rounds = 0;
                continue;
            }
            blocked_rounds += 1;
            if blocked_rounds > MAX_BLOCKED_ROUNDS {
                tracing::warn!(worker = worker.name(), "work stays leased; time moves on");
                break;
            }
            tokio::time::sleep(BLOCKED_PAUSE).await;
        }
        self.store.move_clock(target).await?;
        self.advanced.send_replace(());
        Ok(())
    }

    /// The worker with the earliest piece due by `target`.
    async fn earliest(
        &self,
        target: Timestamp,
    ) -> Result<Option<(Timestamp, Arc<dyn Worker>)>, StoreError> {
        let mut earliest: Option<(Timestamp, Arc<dyn Worker>)> = None;
        for worker in &self.workers {
            let Some(due) = worker.next_due().await?.filter(|due| *due <= target) else { continue };
            if earliest.as_ref().is_none_or(|(first, _)| due < *first) {
                earliest = Some((due, Arc::clone(worker)));
            }
        }
        Ok(earliest)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use domain::IdGenerator;
    use store::Location;
    use tokio::sync::Notify;

    use super::*;

    /// Panics when it is first asked, and reports the second time.
    #[derive(Default)]
    struct Fragile {
        asked: AtomicU32,
        asked_again: Notify,
    }

    impl Worker for Fragile {
        fn name(&self) -> &'static str {
            "fragile"
        }

        fn next_due(&self) -> Boxed<'_, Result<Option<Timestamp>, StoreError>> {
            Box::pin(async {
                assert!(self.asked.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
                self.asked_again.notify_one();
                Ok(None)
            })
        }

        fn start_due(&self, _: Timestamp) -> Boxed<'_, Result<usize, StoreError>> {
            Box::pin(std::future::ready(Ok(0)))
        }

        fn settled(&self) -> Boxed<'_, ()> {
            Box::pin(std::future::ready(()))
        }

        fn changed(&self) -> Boxed<'_, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn a_worker_that_panicked_runs_again_and_still_stops() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("store.db"));
        let store = Store::open(location, clock, ids).await.unwrap();
        let worker = Arc::new(Fragile::default());
        let workers: Vec<Arc<dyn Worker>> = vec![Arc::clone(&worker) as Arc<dyn Worker>];
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(Schedule::new(store.clone(), workers).run(stopped));
        worker.asked_again.notified().await;
        stop.send_replace(true);
        running.await.unwrap();
        store.close().await;
    }
}
