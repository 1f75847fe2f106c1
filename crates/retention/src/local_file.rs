//! Files of this machine, written whole or not at all.

use std::path::Path;

use crate::error::RetentionError;

/// Writes a small file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("tmp");
    std::fs::write(&draft, bytes)?;
    put_in_place(&std::fs::File::open(&draft)?, &draft, path)
}

/// Gives a file that was written under another name its own, so that a loss of power leaves all of
/// it or nothing.
pub(crate) fn put_in_place(file: &std::fs::File, draft: &Path, path: &Path) -> std::io::Result<()> {
    file.sync_all()?;
    std::fs::rename(draft, path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all()
}

/// Works on files off the threads that answer requests.
pub(crate) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RetentionError> + Send + 'static,
) -> Result<T, RetentionError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(RetentionError::file("export".as_ref(), std::io::Error::other(error))),
    }
}
