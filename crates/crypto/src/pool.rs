//! The bounded thread pool for RSA, which would otherwise block the asynchronous executor.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use thiserror::Error;
use tokio::sync::oneshot;

/// Why the pool gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RsaPoolError {
    /// Too much work is waiting; this work was not queued.
    #[error("the RSA queue is full")]
    QueueFull,
    /// The work panicked, or the pool stopped before the work began.
    #[error("the RSA work did not finish")]
    Unfinished,
}

type Job = Box<dyn FnOnce() + Send>;

/// A fixed set of threads with one bounded queue.
pub struct RsaPool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    queue_limit: usize,
}

struct Queue {
    jobs: VecDeque<Job>,
    /// Threads that wait for a job; if there are none, nobody is woken.
    idle_threads: usize,
    stopped: bool,
}

impl RsaPool {
    /// Default of `queue_limit`: about one second of one core at 2048 bits.
    pub const DEFAULT_QUEUE_LIMIT: usize = 4096;

    /// Default of `threads`: the number of cores available to this process.
    #[must_use]
    pub fn default_threads() -> usize {
        thread::available_parallelism().map_or(1, usize::from)
    }

    /// Starts `threads` threads (at least one); at most `queue_limit` jobs wait.
    #[must_use]
    pub fn new(threads: usize, queue_limit: usize) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { jobs: VecDeque::new(), idle_threads: 0, stopped: false }),
            arrived: Condvar::new(),
            queue_limit,
        });
        let start = |number: usize| {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("rsa-{number}"))
                .spawn(move || shared.work())
                .expect("the operating system starts threads while the process starts")
        };
        let threads = (0..threads.max(1)).map(start).collect();
        Self { shared, threads }
    }

    /// Runs `work` on a thread of the pool. The work is skipped if the caller has gone before it
    /// begins.
    ///
    /// # Errors
    /// [`RsaPoolError::QueueFull`] at once; [`RsaPoolError::Unfinished`] if `work`
    /// panicked, which the pool survives.
    pub async fn run<T, F>(&self, work: F) -> Result<T, RsaPoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.shared.push(Box::new(move || {
            if !sender.is_closed() {
                // A receiver that has gone in the meantime needs no answer.
                let _ = sender.send(work());
            }
        }))?;
        receiver.await.map_err(|_| RsaPoolError::Unfinished)
    }

    /// Jobs that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }
}

impl Drop for RsaPool {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.arrived.notify_all();
        for handle in self.threads.drain(..) {
            // A job may hold the last reference to the pool, and a thread cannot join itself.
            if handle.thread().id() != thread::current().id() {
                // Jobs cannot panic through `work`, so there is no panic to pass on.
                let _ = handle.join();
            }
        }
    }
}

impl Shared {
    fn push(&self, job: Job) -> Result<(), RsaPoolError> {
        let mut queue = self.lock();
        if queue.jobs.len() >= self.queue_limit {
            return Err(RsaPoolError::QueueFull);
        }
        queue.jobs.push_back(job);
        let is_awaited = queue.idle_threads > 0;
        drop(queue);
        if is_awaited {
            self.arrived.notify_one();
        }
        Ok(())
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // A panic drops the job's sender; its caller then gets `Unfinished`.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        queue.idle_threads += 1;
        let mut queue = self
            .arrived
            .wait_while(queue, |queue| queue.jobs.is_empty() && !queue.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        queue.idle_threads -= 1;
        if queue.stopped { None } else { queue.jobs.pop_front() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn work_runs_on_a_thread_of_the_pool_and_its_result_returns() {
        let pool = RsaPool::new(2, 4);
        let name = block_on(pool.run(|| thread::current().name().map(str::to_owned))).unwrap();
        assert!(name.unwrap().starts_with("rsa-"));
    }

    #[test]
    fn a_panic_is_an_error_and_the_pool_goes_on() {
        let pool = RsaPool::new(1, 4);
        let panicked = block_on(pool.run(|| assert_eq!(1, 2, "on purpose")));
        assert_eq!(panicked, Err(RsaPoolError::Unfinished));
        assert_eq!(block_on(pool.run(|| 7)), Ok(7));
    }

    #[test]
    fn beyond_the_limit_work_is_refused_and_abandoned_work_is_skipped() {
        let pool = RsaPool::new(1, 1);
        let (release, held) = mpsc::channel::<()>();
        let (started, has_started) = mpsc::channel::<()>();
        let ran = Arc::new(AtomicUsize::new(0));
        let count = |ran: &Arc<AtomicUsize>| {
            let ran = Arc::clone(ran);
            move || ran.fetch_add(1, Ordering::SeqCst)
        };
        block_on(async {
            let mut busy = Box::pin(pool.run(move || {
                started.send(()).unwrap();
                held.recv().unwrap();
            }));
            assert!(poll_once(busy.as_mut()).await.is_none());
            has_started.recv().unwrap();
            let mut waiting = Box::pin(pool.run(count(&ran)));
            assert!(poll_once(waiting.as_mut()).await.is_none());
            assert_eq!(pool.run(count(&ran)).await, Err(RsaPoolError::QueueFull));
            drop(waiting);
            release.send(()).unwrap();
            busy.await.unwrap();
            // The abandoned work stays in the queue until a thread reaches it.
            while pool.run(|| ()).await == Err(RsaPoolError::QueueFull) {}
        });
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn dropping_the_pool_ends_its_threads() {
        let pool = RsaPool::new(3, 4);
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        assert_eq!(shared.strong_count(), 0);
    }

    async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match future.as_mut().poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
