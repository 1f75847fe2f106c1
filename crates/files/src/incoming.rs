//! A file that is arriving: written next to its place, and moved there once it is complete.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use domain::FileType;
use tokio::sync::OwnedSemaphorePermit;

use crate::MAX_FILE_BYTES;
use crate::disk::{blocking, make_directories};
use crate::error::FileError;
use crate::shares::Share;

/// Bytes that are buffered before they are written.
const BUFFER_BYTES: usize = 256 * 1024;

/// The paths of a file, during and after its arrival.
pub(crate) struct Place {
    pub(crate) arriving: PathBuf,
    pub(crate) kept: PathBuf,
}

/// Receives a file's bytes. If dropped before [`Incoming::keep`], it leaves nothing behind.
pub struct Incoming {
    file: Arc<File>,
    place: Place,
    file_type: FileType,
    buffer: BytesMut,
    written_bytes: u64,
    /// Both are released when the upload ends, however it ends.
    _slot: OwnedSemaphorePermit,
    share: Share,
}

impl Incoming {
    pub(crate) fn new(
        file: File,
        place: Place,
        file_type: FileType,
        slot: OwnedSemaphorePermit,
        share: Share,
    ) -> Self {
        let (file, buffer) = (Arc::new(file), BytesMut::new());
        Self { file, place, file_type, buffer, written_bytes: 0, _slot: slot, share }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// The file becomes too large, does not begin as its type requires, or cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let gathered = self.buffer.len().saturating_add(bytes.len()) as u64;
        if self.written_bytes.saturating_add(gathered) > MAX_FILE_BYTES {
            return Err(FileError::TooLarge);
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write_buffer().await?;
        }
        Ok(())
    }

    /// Completes the file and puts it in its place, replacing an earlier one: a concurrent reader
    /// gets either the old file or the new one, and a kept file survives a crash.
    ///
    /// # Errors
    /// The file does not begin as its type requires, or cannot be written.
    pub async fn keep(mut self) -> Result<(), FileError> {
        self.write_buffer().await?;
        let (file, arriving) = (Arc::clone(&self.file), self.place.arriving.clone());
        let kept = self.place.kept.clone();
        blocking(move || {
            file.sync_all()?;
            let directory = kept.parent().unwrap_or(&kept);
            make_directories(directory)?;
            fs::rename(&arriving, &kept)?;
            File::open(directory)?.sync_all()?;
            Ok(())
        })
        .await?;
        self.share.keep(self.written_bytes);
        Ok(())
    }

    async fn write_buffer(&mut self) -> Result<(), FileError> {
        let bytes: Bytes = self.buffer.split().freeze();
        if self.written_bytes == 0 && !bytes.starts_with(self.file_type.first_bytes()) {
            return Err(FileError::WrongType);
        }
        self.written_bytes = self.written_bytes.saturating_add(bytes.len() as u64);
        let file = Arc::clone(&self.file);
        blocking(move || Ok((&*file).write_all(&bytes)?)).await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // After `keep` there is nothing left to remove; a file that cannot be removed now is swept
        // at the next start.
        let _ = fs::remove_file(&self.place.arriving);
    }
}
