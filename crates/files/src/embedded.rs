//! Files in a directory of this process. Every process has its own: several on one
//! PostgreSQL need a bucket.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{Random, Timestamp};
use tokio::sync::Semaphore;
use vault::Vault;

use crate::disk::{blocking, free_bytes, make_directories};
use crate::error::{FileError, LinkError};
use crate::incoming::{Incoming, Place};
use crate::shares::{MAX_UPLOADS_OF_ENTERPRISE, Shares, counted};
use crate::stored::StoredFile;
use crate::{MAX_FILE_BYTES, ObjectKey, upload_link};

/// Most uploads at once; each may hold a buffer and a file handle. Their total is smaller than the
/// default reserve.
const MAX_UPLOADS: u32 = 24;
const _: () = assert!(
    MAX_UPLOADS as u64 * MAX_FILE_BYTES <= EmbeddedSettings::DEFAULT_RESERVE_BYTES
        && MAX_UPLOADS_OF_ENTERPRISE < MAX_UPLOADS as u64
);
/// Directory of whole files, below the root.
const KEPT: &str = "kept";
/// Directory of files that are still arriving.
const ARRIVING: &str = "arriving";

/// The settings of the embedded store.
#[derive(Debug, Clone)]
pub struct EmbeddedSettings {
    /// The directory; made if it is not there.
    pub directory: PathBuf,
    /// Base of the addresses that are given out, without a trailing slash.
    pub public_url: String,
    /// This process's number among those that may share the directory.
    pub node: u16,
    /// The bytes that uploads leave free on the disk: the ledger's store may be on the same disk.
    pub reserve_bytes: u64,
    /// The bytes that one enterprise may store per day (UTC+8). A file counts as 64 KiB at least.
    pub daily_bytes: u64,
}

impl EmbeddedSettings {
    /// Default of `reserve_bytes`.
    pub const DEFAULT_RESERVE_BYTES: u64 = 256 * 1024 * 1024;
    /// Default of `daily_bytes`.
    pub const DEFAULT_DAILY_BYTES: u64 = 4 * 1024 * 1024 * 1024;
}

/// The embedded store of files.
pub struct EmbeddedFiles {
    settings: EmbeddedSettings,
    vault: Arc<Vault>,
    random: Arc<dyn Random>,
    slots: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl EmbeddedFiles {
    /// Opens the directory and removes files that an earlier run of this process left incomplete.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub fn open(
        settings: EmbeddedSettings,
        vault: Arc<Vault>,
        random: Arc<dyn Random>,
    ) -> io::Result<Self> {
        make_directories(&settings.directory.join(KEPT))?;
        let arriving = settings.directory.join(ARRIVING);
        make_directories(&arriving)?;
        sweep(&arriving, settings.node)?;
        let slots = Arc::new(Semaphore::new(MAX_UPLOADS as usize));
        let shares = Arc::new(Shares::new(settings.daily_bytes));
        Ok(Self { settings, vault, random, slots, shares })
    }

    /// The upload address for `key`.
    pub(crate) fn upload_url(&self, key: &ObjectKey, now: Timestamp) -> String {
        format!("{}{}", self.settings.public_url, upload_link::make(&self.vault, key, now))
    }

    /// The key that an address opens at `now`, a real time.
    ///
    /// # Errors
    /// The address is not exactly one that we gave out, or its hour is over.
    pub fn open_link(
        &self,
        path: &str,
        query: Option<&str>,
        now: Timestamp,
    ) -> Result<ObjectKey, LinkError> {
        upload_link::open(&self.vault, path, query, now)
    }

    /// The key that an address is for, even if its hour is over.
    ///
    /// # Errors
    /// The address is not exactly one that we gave out.
    pub fn key_of_link(&self, path: &str, query: Option<&str>) -> Result<ObjectKey, LinkError> {
        upload_link::read(&self.vault, path, query).map(|(key, _)| key)
    }

    /// Begins to receive a file.
    ///
    /// # Errors
    /// Too many uploads at once, in total or of the key's enterprise; its bytes for the day are
    /// used up; the disk is nearly full; or the operating system refused.
    pub async fn begin(&self, key: &ObjectKey) -> Result<Incoming, FileError> {
        let slot =
            Arc::clone(&self.slots).try_acquire_owned().map_err(|_| FileError::Overloaded)?;
        let place = Place {
            arriving: self.settings.directory.join(ARRIVING).join(self.arriving_name()),
            kept: self.kept(key),
        };
        let (root, path) = (self.settings.directory.clone(), place.arriving.clone());
        let (shares, shared_key) = (Arc::clone(&self.shares), key.clone());
        let must_be_free = self.must_be_free();
        let (file, share) = blocking(move || {
            let share = shares.admit(&shared_key, || stored_bytes(&root, &shared_key))?;
            if free_bytes(&root)? < must_be_free {
                return Err(FileError::DiskFull);
            }
            Ok((OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?, share))
        })
        .await?;
        Ok(Incoming::new(file, place, key.file_type(), slot, share))
    }

    /// A kept file, if there is one under `key`.
    ///
    /// # Errors
    /// The operating system refused.
    pub async fn read(&self, key: &ObjectKey) -> Result<Option<StoredFile>, FileError> {
        let path = self.kept(key);
        blocking(move || match File::open(path) {
            Ok(file) => Ok(Some(StoredFile::new(file)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        })
        .await
    }

    /// The reserve plus all that the uploads under way may still write, bytes.
    fn must_be_free(&self) -> u64 {
        let under_way = (MAX_UPLOADS as usize).saturating_sub(self.slots.available_permits());
        let promised = MAX_FILE_BYTES.saturating_mul(under_way as u64);
        self.settings.reserve_bytes.saturating_add(promised)
    }

    /// A key is a plain path of our own form, so joining it never leaves the directory.
    fn kept(&self, key: &ObjectKey) -> PathBuf {
        self.settings.directory.join(KEPT).join(key.as_str())
    }

    fn arriving_name(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        format!("{}{}", prefix(self.settings.node), hex::encode(bytes))
    }
}

/// Prefix of the names of this process's arriving files: others may share the directory.
fn prefix(node: u16) -> String {
    format!("{node}-")
}

fn sweep(arriving: &Path, node: u16) -> io::Result<()> {
    let own = prefix(node);
    for entry in fs::read_dir(arriving)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&own) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The bytes stored for a key's day and enterprise, as they count towards the limit.
fn stored_bytes(root: &Path, key: &ObjectKey) -> io::Result<u64> {
    let mut bytes = 0_u64;
    for directory in key.directories_of_day() {
        let entries = match fs::read_dir(root.join(KEPT).join(directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            bytes = bytes.saturating_add(counted(entry?.metadata()?.len()));
        }
    }
    Ok(bytes)
}
