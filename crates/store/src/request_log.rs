//! The embedded store's memory of requests as a file, so that no restart forgets one.
//!
//! Each record is written to the file before its request is answered, so it outlives the process.
//! It is brought to the disk only if a crash of the machine must not lose it either. The file names
//! the boot in which it was written: after another boot its last records may be missing.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;

/// Bytes of the first line, which ends in blanks and a line feed.
const HEAD_BYTES: usize = 128;
const RECORD_BYTES: usize = 40;
/// First word of the file: its purpose and version.
const FORM: &str = "cardbridge-requests-1";
/// The most records in the file before it is written anew.
const MAX_RECORDS: usize = 500_000;

/// A remembered request: the end of its signature's window, and its digest.
pub(crate) type Record = (Timestamp, [u8; 32]);

/// The memory of an earlier process.
pub(crate) struct Left {
    /// The requests that it remembered.
    pub(crate) records: Vec<Record>,
    /// Requests served before this elapsed time of the clock may be missing; None if no request is
    /// missing.
    pub(crate) unknown_before: Option<Duration>,
}

/// The open file.
pub(crate) struct RequestLog {
    path: PathBuf,
    file: Arc<File>,
    records: usize,
}

/// Reads the file beside a store; `started` is the clock's elapsed time.
pub(crate) fn left(path: &Path, is_new_store: bool, started: Duration) -> Left {
    let bytes = read(path).unwrap_or_default();
    let Some((head, body)) = bytes.split_at_checked(HEAD_BYTES) else {
        let unknown_before = (!is_new_store).then_some(started);
        return Left { records: Vec::new(), unknown_before };
    };
    let records = body.chunks_exact(RECORD_BYTES).filter_map(record).collect();
    Left { records, unknown_before: unknown_before(head, started) }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let limit = HEAD_BYTES + 2 * MAX_RECORDS * RECORD_BYTES;
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn record(bytes: &[u8]) -> Option<Record> {
    let (end, digest) = bytes.split_first_chunk()?;
    Some((Timestamp::from_micros(i64::from_be_bytes(*end)), digest.try_into().ok()?))
}

/// Within one boot the file lacks only what it lacked when it was made. After another boot of the
/// same machine it can lack only requests served before that boot; on another machine, requests
/// served before now.
fn unknown_before(head: &[u8], started: Duration) -> Option<Duration> {
    let text = String::from_utf8_lossy(head);
    let words: Vec<_> = text.split_whitespace().collect();
    let (boot, machine) = (boot(), machine());
    match *words {
        [FORM, b, _, lacked] if Some(b) == boot.as_deref() => match lacked.parse() {
            Ok(millis) => Some(Duration::from_millis(millis)),
            Err(_) => None,
        },
        [FORM, _, m, _] if Some(m) == machine.as_deref() => Some(Duration::ZERO),
        _ => Some(started),
    }
}

/// The id of this boot of the machine.
fn boot() -> Option<String> {
    word("/proc/sys/kernel/random/boot_id")
}

fn machine() -> Option<String> {
    word("/etc/machine-id")
}

fn word(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let word = text.trim();
    let is_word = (16..=36).contains(&word.len()) && !word.contains(char::is_whitespace);
    is_word.then(|| word.to_owned())
}

impl RequestLog {
    /// Writes the file anew with these records; they are on the disk when this returns. Requests
    /// served before `unknown_before` may be missing.
    pub(crate) fn make(
        path: &Path,
        unknown_before: Option<Duration>,
        records: impl Iterator<Item = Record>,
    ) -> std::io::Result<Self> {
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let _ = fs::remove_file(&new);
        let mut options = OpenOptions::new();
        options.create_new(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        let unnamed = || "-".to_owned();
        let lacked = unknown_before.map_or_else(unnamed, |it| it.as_millis().to_string());
        let words = [boot().unwrap_or_else(unnamed), machine().unwrap_or_else(unnamed), lacked];
        let head = format!("{FORM} {}", words.join(" "));
        let mut bytes = format!("{head:<width$}\n", width = HEAD_BYTES - 1).into_bytes();
        records.for_each(|record| bytes.extend(packed(record)));
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        let records = (bytes.len() - HEAD_BYTES) / RECORD_BYTES;
        Ok(Self { path: path.to_owned(), file: Arc::new(file), records })
    }

    /// Appends a record, which from then on outlives the process.
    pub(crate) fn append(&mut self, record: Record) -> std::io::Result<()> {
        let mut file = &*self.file;
        file.write_all(&packed(record))?;
        self.records += 1;
        Ok(())
    }

    /// True if the file should be written anew.
    pub(crate) const fn is_full(&self) -> bool {
        self.records >= MAX_RECORDS
    }

    /// The file, to bring it to the disk.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Empties the file because a record is missing from it; the next start then knows.
    pub(crate) fn spoil(self) {
        let emptied = self.file.set_len(0).and_then(|()| self.file.sync_all());
        if let Err(error) = emptied.or_else(|_| fs::remove_file(&self.path)) {
            tracing::error!(%error, "the file of served requests is cut short and stays");
        }
    }
}

fn packed((end, digest): Record) -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    bytes[..8].copy_from_slice(&end.as_micros().to_be_bytes());
    bytes[8..].copy_from_slice(&digest);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: Duration = Duration::from_secs(500);

    fn records() -> Vec<Record> {
        (1..4).map(|n| (Timestamp::from_micros(n), [7; 32])).collect()
    }

    #[test]
    fn a_file_of_this_boot_is_whole_and_a_torn_record_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("requests");
        let mut log = RequestLog::make(&path, None, records().into_iter()).unwrap();
        let last = (Timestamp::from_micros(9), [8; 32]);
        log.append(last).unwrap();
        (&*log.file()).write_all(b"torn").unwrap();
        let left = left(&path, false, STARTED);
        let expected: Vec<_> = records().into_iter().chain([last]).collect();
        assert_eq!(left.records, expected);
        assert_eq!(left.unknown_before, boot().is_none().then_some(STARTED));
    }

    #[test]
    fn a_file_still_lacks_what_it_lacked_when_it_was_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("requests");
        let lacking = Duration::from_millis(70_001);
        RequestLog::make(&path, Some(lacking), records().into_iter()).unwrap();
        let expected = if boot().is_some() { lacking } else { STARTED };
        assert_eq!(left(&path, false, STARTED).unknown_before, Some(expected));
    }

    #[test]
    fn what_may_be_missing_depends_on_the_boot_and_the_machine() {
        let head = |text: String| unknown_before(text.as_bytes(), STARTED);
        let this_machine = machine().unwrap_or("-".to_owned());
        let expected = if this_machine == "-" { STARTED } else { Duration::ZERO };
        assert_eq!(head(format!("{FORM} another-boot {this_machine} -\n")), Some(expected));
        assert_eq!(head(format!("{FORM} another-boot another-machine -\n")), Some(STARTED));
        assert_eq!(head("something else".to_owned()), Some(STARTED));
    }

    #[test]
    fn without_a_file_only_a_new_store_has_served_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("requests");
        assert_eq!(left(&path, true, STARTED).unknown_before, None);
        assert_eq!(left(&path, false, STARTED).unknown_before, Some(STARTED));
        RequestLog::make(&path, None, records().into_iter()).unwrap().spoil();
        assert_eq!(left(&path, false, STARTED).unknown_before, Some(STARTED));
    }
}
