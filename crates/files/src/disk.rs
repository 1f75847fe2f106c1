//! The disk that files are kept on: blocking work on it, and its free space.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tokio::task::spawn_blocking;

use crate::error::FileError;

/// Runs disk work on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    spawn_blocking(work).await.map_err(|error| FileError::Io(io::Error::other(error)))?
}

/// Makes a directory and its parents, private and durable.
pub(crate) fn make_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_directories(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => File::open(parent.unwrap_or(Path::new(".")))?.sync_all(),
        // Another upload of the same day has made it meanwhile.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Free space on the disk that holds a directory, bytes.
pub(crate) fn free_bytes(directory: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(directory)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
