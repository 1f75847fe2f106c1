//! The embedded store's memory of served requests, and its file.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{Clock, Timestamp};

use crate::StoreError;
use crate::request_log::{Left, Record, RequestLog, left};

/// Requests that an embedded store still remembers when their windows are over, because a clock
/// that is set back opens the windows again.
const KEPT: usize = 32_768;
/// The least time for which a request is remembered, even if the machine's clock is set meanwhile
/// (cardbridge-open-api.md section 3.4).
const MIN_MEMORY: Duration = Duration::from_secs(10);
/// The time for which a file that could not be written is left alone.
const MAKE_AGAIN_AFTER: Duration = Duration::from_secs(3);
const UNWRITTEN: &str = "the file of served requests cannot be written";

/// A request with a valid signature.
#[derive(Debug, Clone, Copy)]
pub struct ServedRequest {
    /// The digest, which differs from that of every other request.
    pub digest: [u8; 32],
    /// The timestamp that it carries.
    pub signed_at: Timestamp,
    /// The moment at which real time will have passed its signature's window.
    pub window_ends: Timestamp,
}

/// Requests that this process, or an earlier one over the same store, has served.
#[derive(Default)]
pub(crate) struct RequestMemory {
    remembered: Mutex<Remembered>,
    /// Requests that were served before this elapsed time of the clock may not be remembered.
    pub(super) unknown_before: Option<Duration>,
    /// The number of requests that this process put into the shared table.
    pub(super) shared: AtomicU64,
    /// The number of appended records that are on the disk.
    on_disk: AtomicU64,
    bringing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Remembered {
    digests: HashSet<[u8; 32]>,
    /// In order of the moments at which they may be forgotten, each with the elapsed time of its
    /// arrival.
    by_end: BTreeMap<Record, Duration>,
    /// The latest reading of real time, to see when it is set back.
    last_seen: Timestamp,
    /// Records that must be on the disk before another answer.
    awaited: u64,
    file: RequestFile,
}

/// The file beside the store, created when there is something to write.
#[derive(Default)]
struct RequestFile {
    path: PathBuf,
    unknown_before: Option<Duration>,
    log: Option<RequestLog>,
    appended: u64,
    failed_at: Option<Duration>,
}

/// The result of remembering a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remembering {
    Repeated,
    /// New; it outlives the process.
    Kept,
    /// New; so many records must be brought to the disk before the answer.
    ToDisk(u64),
}

impl RequestMemory {
    /// The memory of the store in the file `store`, with what earlier processes remembered.
    pub(crate) fn beside(store: &Path, clock: &Clock) -> Self {
        let mut path = store.as_os_str().to_owned();
        path.push("-requests");
        let (path, started) = (PathBuf::from(path), clock.elapsed());
        let Left { records, unknown_before } = left(&path, !store.exists(), started);
        let file = RequestFile { path, unknown_before, ..RequestFile::default() };
        let mut remembered = Remembered { file, ..Remembered::default() };
        for record in records {
            if remembered.digests.insert(record.1) {
                remembered.by_end.insert(record, started);
            }
        }
        remembered.forget(clock.real_now(), started + MIN_MEMORY);
        Self { remembered: Mutex::new(remembered), unknown_before, ..Self::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember(
        &self,
        request: &ServedRequest,
        clock: &Clock,
        limit: usize,
    ) -> Result<Remembering, StoreError> {
        let mut remembered = self.lock();
        let (now, elapsed) = (clock.real_now(), clock.elapsed());
        if now < remembered.last_seen {
            remembered.awaited = remembered.file.appended;
        }
        remembered.last_seen = now;
        remembered.forget(now, elapsed);
        if remembered.digests.contains(&request.digest) {
            return Ok(Remembering::Repeated);
        }
        // A request that is forgotten too early could be replayed.
        if remembered.digests.len() >= limit {
            return Err(StoreError::Overloaded);
        }
        let record = (request.window_ends, request.digest);
        let is_written = remembered.write(record, elapsed);
        let awaits_disk =
            request.signed_at > now || self.on_disk.load(Ordering::SeqCst) < remembered.awaited;
        if awaits_disk && !is_written {
            return Err(StoreError::Engine(UNWRITTEN.to_owned()));
        }
        remembered.digests.insert(request.digest);
        remembered.by_end.insert(record, elapsed);
        Ok(if awaits_disk {
            Remembering::ToDisk(remembered.file.appended)
        } else {
            Remembering::Kept
        })
    }

    /// Brings so many records to the disk, together with those of other callers.
    pub(super) async fn bring_to_disk(
        &self,
        records: u64,
        clock: &Clock,
    ) -> Result<(), StoreError> {
        let _one = self.bringing.lock().await;
        if self.on_disk.load(Ordering::SeqCst) >= records {
            return Ok(());
        }
        let (appended, file) = {
            let remembered = self.lock();
            let file = remembered.file.log.as_ref().map(RequestLog::file);
            (remembered.file.appended, file)
        };
        let file = file.ok_or_else(|| StoreError::Engine(UNWRITTEN.to_owned()))?;
        let synced = tokio::task::spawn_blocking({
            let file = Arc::clone(&file);
            move || file.sync_data()
        })
        .await;
        let failed = match synced {
            Ok(Ok(())) => {
                self.on_disk.store(appended, Ordering::SeqCst);
                return Ok(());
            }
            // The system reports a failed write only once, so the next success would say nothing of
            // these records: the file is made anew.
            Ok(Err(error)) => {
                let mut remembered = self.lock();
                let log = remembered.file.log.as_ref();
                // A file that was made meanwhile has these records too.
                if log.is_some_and(|log| Arc::ptr_eq(&log.file(), &file)) {
                    remembered.file.fail(&error, clock.elapsed());
                }
                error.to_string()
            }
            Err(error) => error.to_string(),
        };
        Err(StoreError::Engine(format!("{UNWRITTEN}: {failed}")))
    }
}

impl Remembered {
    /// As long as there are many requests, forgets those that neither this clock nor one that was
    /// set by mistake would let through again.
    fn forget(&mut self, now: Timestamp, elapsed: Duration) {
        while self.by_end.len() > KEPT
            && let Some(first) = self.by_end.first_entry()
            && first.key().0 <= now
            && *first.get() + MIN_MEMORY <= elapsed
        {
            let ((_, digest), _) = first.remove_entry();
            self.digests.remove(&digest);
        }
    }

    /// Writes a record to the file; false if that failed.
    fn write(&mut self, record: Record, elapsed: Duration) -> bool {
        let file = &mut self.file;
        if let Some(log) = file.log.as_mut().filter(|log| !log.is_full()) {
            match log.append(record) {
                Ok(()) => file.appended += 1,
                Err(error) => file.fail(&error, elapsed),
            }
            return file.log.is_some();
        }
        if file.failed_at.is_some_and(|at| elapsed < at + MAKE_AGAIN_AFTER) {
            return false;
        }
        let records = self.by_end.keys().copied().chain([record]);
        match RequestLog::make(&file.path, file.unknown_before, records) {
            Ok(log) => {
                (file.log, file.failed_at) = (Some(log), None);
                file.appended += 1;
            }
            Err(error) => file.fail(&error, elapsed),
        }
        file.log.is_some()
    }
}

impl RequestFile {
    fn fail(&mut self, error: &std::io::Error, elapsed: Duration) {
        tracing::error!(%error, file = %self.path.display(), "{UNWRITTEN}");
        self.failed_at = Some(elapsed);
        match self.log.take() {
            Some(log) => log.spoil(),
            // The file of an earlier process lacks the request as well.
            None => drop(std::fs::remove_file(&self.path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use domain::TimeSource;

    use super::*;
    use crate::replay::MAX_REMEMBERED;

    /// A real clock that a test sets, and an elapsed time that it moves on.
    #[derive(Default)]
    struct Set {
        real_s: AtomicI64,
        elapsed_s: AtomicU64,
    }

    impl TimeSource for Set {
        fn real_now(&self) -> Timestamp {
            at(self.real_s.load(Ordering::SeqCst))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.elapsed_s.load(Ordering::SeqCst))
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::default().plus_seconds(seconds)
    }

    /// A request with this number, signed at a second with a window of five.
    fn request(number: u32, signed_s: i64) -> ServedRequest {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        ServedRequest { digest, signed_at: at(signed_s), window_ends: at(signed_s + 5) }
    }

    struct Bed {
        directory: tempfile::TempDir,
        source: Arc<Set>,
        clock: Clock,
    }

    impl Bed {
        fn new() -> Self {
            let source = Arc::new(Set { real_s: 1_000.into(), elapsed_s: 100.into() });
            let clock = Clock::new(Arc::clone(&source) as Arc<dyn TimeSource>, 0);
            Self { directory: tempfile::tempdir().unwrap(), source, clock }
        }

        fn memory(&self) -> RequestMemory {
            RequestMemory::beside(&self.directory.path().join("store.db"), &self.clock)
        }

        fn remember(&self, memory: &RequestMemory, request: ServedRequest) -> Remembering {
            memory.remember(&request, &self.clock, MAX_REMEMBERED).unwrap()
        }

        fn set(&self, real_s: i64, elapsed_s: u64) {
            self.source.real_s.store(real_s, Ordering::SeqCst);
            self.source.elapsed_s.store(elapsed_s, Ordering::SeqCst);
        }
    }

    #[test]
    fn no_restart_forgets_a_request() {
        let bed = Bed::new();
        assert_eq!(bed.remember(&bed.memory(), request(1, 1_000)), Remembering::Kept);
        let memory = bed.memory();
        assert_eq!(bed.remember(&memory, request(1, 1_000)), Remembering::Repeated);
        assert_eq!(bed.remember(&memory, request(2, 1_000)), Remembering::Kept);
        let memory = bed.memory();
        for number in [1, 2] {
            assert_eq!(bed.remember(&memory, request(number, 1_000)), Remembering::Repeated);
        }
    }

    #[test]
    fn what_is_dated_later_and_all_once_the_clock_is_set_back_goes_to_the_disk_first() {
        let bed = Bed::new();
        let memory = bed.memory();
        assert_eq!(bed.remember(&memory, request(1, 1_000)), Remembering::Kept);
        assert_eq!(bed.remember(&memory, request(2, 1_001)), Remembering::ToDisk(2));
        assert_eq!(bed.remember(&memory, request(3, 999)), Remembering::Kept);
        bed.set(880, 101);
        assert_eq!(bed.remember(&memory, request(4, 880)), Remembering::ToDisk(4));
        assert_eq!(bed.remember(&memory, request(5, 880)), Remembering::ToDisk(5));
        memory.on_disk.store(5, Ordering::SeqCst);
        assert_eq!(bed.remember(&memory, request(6, 880)), Remembering::Kept);
    }

    #[test]
    fn a_window_that_a_set_clock_opens_again_lets_nothing_through() {
        let bed = Bed::new();
        let memory = bed.memory();
        bed.remember(&memory, request(0, 1_000));
        // A jump ahead, corrected three seconds later, among more requests than are kept.
        bed.set(1_121, 101);
        // One more than are kept, so the last of them is added to a memory that forgets.
        let crowd = u32::try_from(KEPT).unwrap() + 1;
        for number in 1..=crowd {
            bed.remember(&memory, request(number, 1_121));
        }
        bed.set(1_004, 104);
        assert_eq!(bed.remember(&memory, request(0, 1_000)), Remembering::Repeated);
        assert_eq!(bed.remember(&memory, request(1, 1_121)), Remembering::Repeated);
        // Nothing is kept beyond need for ever.
        bed.set(2_000, 1_000);
        bed.remember(&memory, request(crowd + 1, 2_000));
        assert_eq!(memory.lock().digests.len(), KEPT + 1);
    }

    #[test]
    fn what_the_clock_has_not_passed_is_remembered_however_many_there_are_and_however_long() {
        let bed = Bed::new();
        let memory = bed.memory();
        bed.remember(&memory, request(0, 1_000));
        let crowd = u32::try_from(KEPT).unwrap();
        for number in 1..=crowd {
            bed.remember(&memory, request(number, 1_000));
        }
        // The clock was set back: the window is still open when the least time is over.
        bed.set(1_004, 1_000);
        bed.remember(&memory, request(crowd + 1, 1_004));
        assert_eq!(bed.remember(&memory, request(0, 1_000)), Remembering::Repeated);
    }

    #[test]
    fn a_full_memory_refuses_rather_than_forgets() {
        let bed = Bed::new();
        let memory = bed.memory();
        for number in 0..3 {
            bed.remember(&memory, request(number, 1_000));
        }
        let refused = memory.remember(&request(9, 1_000), &bed.clock, 3);
        assert!(matches!(refused, Err(StoreError::Overloaded)));
        assert_eq!(bed.remember(&memory, request(0, 1_000)), Remembering::Repeated);
    }
}
