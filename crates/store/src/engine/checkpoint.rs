//! Checkpoints of SQLite's write-ahead log, beside the writer instead of in it.
//!
//! Left to itself SQLite copies the log into the database inside a commit, and every
//! caller of that commit waits. Here a thread of its own copies it while commits go
//! on; the writer steps in only when the log has grown past a limit, because only a
//! pause of the writer lets the log begin again from its start.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Session, Tx};
use crate::StoreError;

/// How often the thread looks. Between 200 ms and 5 s purchases fared alike, within the
/// spread from run to run; rarer checkpoints write less.
const INTERVAL: Duration = Duration::from_secs(2);
/// Commits after which a checkpoint is worth its while.
const MIN_COMMITS: u64 = 64;
/// Intervals after which even a single commit is checkpointed.
const MAX_IDLE_INTERVALS: u32 = 3;
/// Log size in frames (pages of 4 KiB) at which the writer makes the log begin again.
const MAX_LOG_FRAMES: i64 = 32_768;

/// The thread and what it shares with the writer.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    commits: AtomicU64,
    log_frames: AtomicI64,
    stop: AtomicBool,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared {
            commits: AtomicU64::new(0),
            log_frames: AtomicI64::new(0),
            stop: AtomicBool::new(false),
        });
        let (own, session) = (Arc::clone(&shared), Session::open(path, false)?);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&own, &session))
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Called by the writer after each commit, outside any transaction.
    pub(super) fn committed(&self, tx: &Tx) {
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        if self.shared.log_frames.load(Ordering::Relaxed) > MAX_LOG_FRAMES {
            self.shared.log_frames.store(0, Ordering::Relaxed);
            restart_log(tx, "PRAGMA wal_checkpoint(RESTART)");
        }
    }

    /// Called by the writer when it ends.
    pub(super) fn finish(&self, tx: &Tx) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        restart_log(tx, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there has been printed by the thread itself.
            let _ = thread.join();
        }
    }
}

fn restart_log(tx: &Tx, pragma: &str) {
    let Tx::Sqlite(session) = tx else { return };
    // A reader in the way only postpones it.
    if let Err(error) = session.query(pragma, &[]) {
        tracing::warn!(%error, "the write-ahead log could not be restarted");
    }
}

fn run(shared: &Shared, session: &Session) {
    let (mut seen, mut idle) = (0, 0);
    while !shared.stop.load(Ordering::Relaxed) {
        std::thread::park_timeout(INTERVAL);
        let commits = shared.commits.load(Ordering::Relaxed);
        idle += 1;
        let due = commits - seen >= MIN_COMMITS || idle >= MAX_IDLE_INTERVALS;
        if commits == seen || !due {
            continue;
        }
        (seen, idle) = (commits, 0);
        match session.query("PRAGMA wal_checkpoint(PASSIVE)", &[]) {
            Ok(rows) => {
                let frames = rows.first().and_then(|row| row.int(1).ok()).unwrap_or(0);
                shared.log_frames.store(frames, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, "checkpoint failed; the next one makes up for it"),
        }
    }
}
