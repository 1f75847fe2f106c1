//! Files of mode 0600: read, locked, or written atomically.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Longest private file that is read: the key of a certificate.
const MAX_FILE_BYTES: u64 = 16 * 1024;
const OTHERS_BITS: u32 = 0o077;

/// Reads a small file that only its owner may read.
///
/// # Errors
/// What is wrong with it.
pub fn read_private(path: &Path) -> Result<Zeroizing<String>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS_BITS != 0 {
        return Err(format!("its mode is {mode:04o}"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err("it is larger than 16 KiB".to_owned());
    }
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// A file of mode 0600, locked while it is held; `None` if another process holds it.
///
/// # Errors
/// The operating system's error.
pub fn try_lock_file(path: &Path) -> std::io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Writes a whole file of mode 0600: after a crash, either the old file or the new one is there.
///
/// # Errors
/// The operating system's error.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut partial = path.as_os_str().to_owned();
    partial.push(".new");
    let partial = PathBuf::from(partial);
    // A file left by a crash could have another mode.
    let _ = fs::remove_file(&partial);
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    File::open(directory)?.sync_all()
}
