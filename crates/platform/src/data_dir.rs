//! The data directory: created if needed, private, and locked to one process while it contains the
//! embedded store.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use domain::Mode;

use crate::config::{Config, Database};
use crate::failure::Failure;
use crate::private_file::try_lock_file;
use crate::sandbox;

const LOCK_FILE: &str = "lock";
const STORE_FILE: &str = "cardbridge.db";

/// An open data directory. Its holder is the only user of its embedded store.
pub struct DataDir {
    path: PathBuf,
    /// The operating system releases the lock with the file, even when the process is killed.
    _lock: Option<File>,
}

impl DataDir {
    /// Creates and locks the directory.
    ///
    /// # Errors
    /// It cannot be created, another process uses it, or production finds a sandbox in it.
    pub fn open(config: &Config) -> Result<Self, Failure> {
        let path = config.data_dir.clone();
        if config.mode == Mode::Production && path.join(sandbox::FILE_NAME).exists() {
            return Err(Failure::configuration(format_args!(
                "data-dir: should not hold a sandbox ({}) in production",
                path.join(sandbox::FILE_NAME).display()
            )));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|error| {
            Failure::configuration(format_args!(
                "data-dir: {} should be a directory that can be written: {error}",
                path.display()
            ))
        })?;
        let lock = match config.database {
            Database::Embedded => Some(lock(&path)?),
            Database::Postgres(_) => None,
        };
        Ok(Self { path, _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The embedded store's file.
    pub fn store_file(&self) -> PathBuf {
        self.path.join(STORE_FILE)
    }
}

fn lock(directory: &Path) -> Result<File, Failure> {
    let path = directory.join(LOCK_FILE);
    let unusable = |error: std::io::Error| {
        Failure::configuration(format_args!(
            "data-dir: {} should be a directory that can be written: {error}",
            directory.display()
        ))
    };
    try_lock_file(&path).map_err(unusable)?.ok_or_else(|| {
        Failure::run(format_args!(
            "data-dir: {} is in use by another process; each embedded store should have one",
            directory.display()
        ))
    })
}
