//! Checkpoints of SQLite's write-ahead log, beside the writer instead of in it.
//!
//! By itself SQLite copies the log into the database inside a commit, and every caller of that
//! commit waits. Here a separate thread copies it while commits go on. The writer steps in only
//! when the log has grown past a limit, because only a pause of the writer lets the log begin again
//! from its start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::sqlite_session::{BUSY_TIMEOUT, Session};
use super::tx::Tx;
use super::value::Value;
use crate::StoreError;

/// The interval at which the thread looks. Between 200 ms and 5 s purchases fared alike, within the
/// spread from run to run; rarer checkpoints write less.
const INTERVAL: Duration = Duration::from_secs(2);
/// Commits after which a checkpoint is worthwhile.
const MIN_COMMITS: u64 = 64;
/// Intervals after which even a single commit is checkpointed.
const MAX_IDLE_INTERVALS: u32 = 3;
/// The size, in bytes, at which the writer makes the log begin again: on a disk with room, and the
/// least on a small disk.
const MAX_LOG_BYTES: u64 = 128 * 1024 * 1024;
const MIN_LOG_BYTES: u64 = 1024 * 1024;
/// The log may take one part in so many of its disk's free space, its own size included.
const PARTS_OF_ROOM: u64 = 4;
/// The longest wait of the writer for readers of the log before it leaves the log as it is.
const READERS_WAIT: Duration = Duration::from_millis(250);

/// The thread and the state that it shares with the writer.
pub(super) struct Checkpointer {
    log: PathBuf,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    commits: AtomicU64,
    /// Size at which the log begins again.
    most_bytes: AtomicU64,
    /// True if the writer may try it: a failed try is not repeated at once.
    may_restart: AtomicBool,
    /// True if a checkpoint failed, and the log should begin again at any size.
    has_failed: AtomicBool,
    stop: AtomicBool,
}

impl Checkpointer {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let shared = Arc::new(Shared {
            commits: AtomicU64::new(0),
            most_bytes: AtomicU64::new(most_bytes(&log)),
            may_restart: AtomicBool::new(true),
            has_failed: AtomicBool::new(false),
            stop: AtomicBool::new(false),
        });
        let (own, session) = (Arc::clone(&shared), Session::open(path, false)?);
        let watched = log.clone();
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&own, &session, &watched))
            .map_err(|error| StoreError::Engine(error.to_string()))?;
        Ok(Self { log, shared, thread: Some(thread) })
    }

    /// Called by the writer outside any transaction after each commit, even a failed one.
    pub(super) fn committed(&self, tx: &Tx) {
        let shared = &*self.shared;
        shared.commits.fetch_add(1, Ordering::Relaxed);
        let most_bytes = shared.most_bytes.load(Ordering::Relaxed);
        let is_due = shared.has_failed.load(Ordering::Relaxed) || size(&self.log) > most_bytes;
        if is_due && shared.may_restart.load(Ordering::Relaxed) {
            let is_roomy = most_bytes == MAX_LOG_BYTES;
            let restarted = restart_log(tx, if is_roomy { "RESTART" } else { "TRUNCATE" });
            shared.may_restart.store(restarted, Ordering::Relaxed);
        }
    }

    /// Called by the writer when it ends.
    pub(super) fn finish(&self, tx: &Tx) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        restart_log(tx, "TRUNCATE");
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread itself has printed a panic.
            let _ = thread.join();
        }
    }
}

/// Makes the log begin again; true if it does.
fn restart_log(tx: &Tx, kind: &str) -> bool {
    let Tx::Sqlite(session) = tx else { return false };
    let waiting =
        |wait: Duration| session.query(&format!("PRAGMA busy_timeout = {}", wait.as_millis()), &[]);
    let restarted = waiting(READERS_WAIT)
        .and_then(|_| session.query(&format!("PRAGMA wal_checkpoint({kind})"), &[]));
    let restarted = waiting(BUSY_TIMEOUT).and(restarted);
    match restarted {
        // A reader in the way only postpones it.
        Ok(rows) => rows.first().is_some_and(|row| row.0.first() == Some(&Value::Int(0))),
        Err(error) => {
            tracing::warn!(%error, "the write-ahead log could not be restarted");
            false
        }
    }
}

fn size(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |it| it.len())
}

/// The largest size of the log that does not fill a small disk. A log that fills it could no longer
/// be put into the store, and would keep the space for ever.
fn most_bytes(log: &Path) -> u64 {
    let directory = log.parent().filter(|it| !it.as_os_str().is_empty());
    match rustix::fs::statvfs(directory.unwrap_or(Path::new("."))) {
        Ok(disk) => {
            let room = disk.f_bavail.saturating_mul(disk.f_frsize).saturating_add(size(log));
            (room / PARTS_OF_ROOM).clamp(MIN_LOG_BYTES, MAX_LOG_BYTES)
        }
        Err(_) => MAX_LOG_BYTES,
    }
}

fn run(shared: &Shared, session: &Session, log: &Path) {
    let (mut seen, mut idle) = (0, 0);
    while !shared.stop.load(Ordering::Relaxed) {
        std::thread::park_timeout(INTERVAL);
        shared.most_bytes.store(most_bytes(log), Ordering::Relaxed);
        shared.may_restart.store(true, Ordering::Relaxed);
        let commits = shared.commits.load(Ordering::Relaxed);
        idle += 1;
        let due = commits - seen >= MIN_COMMITS || idle >= MAX_IDLE_INTERVALS;
        // A failed checkpoint is made up for even if nothing more is written.
        if !shared.has_failed.load(Ordering::Relaxed) && (commits == seen || !due) {
            continue;
        }
        (seen, idle) = (commits, 0);
        let done = session.query("PRAGMA wal_checkpoint(PASSIVE)", &[]);
        if let Err(error) = &done {
            tracing::warn!(%error, "checkpoint failed; the next one makes up for it");
        }
        shared.has_failed.store(done.is_err(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sqlite_session::LOG_KEPT_BYTES;
    use super::*;
    use crate::engine::Value;

    #[test]
    fn a_log_that_begins_again_gives_its_room_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.db");
        let session = Session::open(&path, false).unwrap();
        session.execute("CREATE TABLE t (a BLOB) STRICT", &[]).unwrap();
        let size = || std::fs::metadata(directory.path().join("t.db-wal")).unwrap().len();
        while size() < 2 * u64::from(LOG_KEPT_BYTES) {
            let large = Value::Bytes(vec![0; 1_024 * 1_024]);
            session.execute("INSERT INTO t VALUES ($1)", &[large]).unwrap();
        }
        session.query("PRAGMA wal_checkpoint(PASSIVE)", &[]).unwrap();
        session.execute("INSERT INTO t VALUES ($1)", &[Value::Null]).unwrap();
        assert!(size() <= u64::from(LOG_KEPT_BYTES), "{}", size());
    }

    #[test]
    fn the_log_takes_no_more_than_a_part_of_what_the_disk_has() {
        let directory = tempfile::tempdir().unwrap();
        let bytes = most_bytes(&directory.path().join("t.db-wal"));
        assert!((MIN_LOG_BYTES..=MAX_LOG_BYTES).contains(&bytes), "{bytes}");
        assert_eq!(most_bytes(Path::new("/proc/t.db-wal")), MIN_LOG_BYTES, "a disk without room");
    }

    #[test]
    fn a_log_too_large_for_its_disk_begins_again_with_the_next_commit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.db");
        let tx = Tx::Sqlite(Session::open(&path, false).unwrap());
        let Tx::Sqlite(session) = &tx else { unreachable!() };
        session.execute("CREATE TABLE t (a BLOB) STRICT", &[]).unwrap();
        let checkpointer = Checkpointer::start(&path).unwrap();
        for _ in 0..40 {
            // The values that the thread would find on a small disk, in place of this disk's.
            checkpointer.shared.most_bytes.store(MIN_LOG_BYTES, Ordering::Relaxed);
            checkpointer.shared.may_restart.store(true, Ordering::Relaxed);
            let large = Value::Bytes(vec![0; 256 * 1_024]);
            session.execute("INSERT INTO t VALUES ($1)", &[large]).unwrap();
            checkpointer.committed(&tx);
            let bytes = size(&checkpointer.log);
            assert!(bytes < 2 * MIN_LOG_BYTES, "{bytes}");
        }
    }
}
