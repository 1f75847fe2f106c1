//! A stored file, read piece by piece.

use std::fs::File;
use std::io::{self, Read as _};

use bytes::Bytes;
use futures_util::stream::{Stream, try_unfold};

use crate::disk::blocking;
use crate::error::FileError;

/// Most bytes read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// An open file. A later upload to its key does not affect reads from it.
pub struct StoredFile {
    file: File,
    length_bytes: u64,
}

impl StoredFile {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let length_bytes = file.metadata()?.len();
        Ok(Self { file, length_bytes })
    }

    /// Its length, bytes.
    #[must_use]
    pub const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    /// Its bytes.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, FileError>> + Send + 'static {
        try_unfold(self.file, |mut file| {
            blocking(move || {
                let mut piece = vec![0; PIECE_BYTES];
                let length = file.read(&mut piece)?;
                piece.truncate(length);
                Ok((length > 0).then(|| (Bytes::from(piece), file)))
            })
        })
    }
}
