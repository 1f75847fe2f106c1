//! One file of an export: written, read again, gone through.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use crypto::Sha256;

use crate::error::RetentionError;
use crate::line::{Exported, exported};
use crate::local_file::put_in_place;

/// Zstd's usual level.
const LEVEL: i32 = 3;
/// The longest line that is read.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

/// A file or stream with the hash of what went through it.
struct Hashed<T> {
    inner: T,
    hash: Sha256,
    bytes: u64,
}

impl<T> Hashed<T> {
    fn new(inner: T) -> Self {
        Self { inner, hash: Sha256::default(), bytes: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
    }
}

impl<T: Write> Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.add(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.add(&bytes[..count]);
        Ok(count)
    }
}

/// A file under way.
pub(crate) struct Draft {
    path: PathBuf,
    draft: PathBuf,
    encoder: zstd::Encoder<'static, Hashed<File>>,
    lines: u64,
}

/// What a finished file is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) sha256: [u8; 32],
    pub(crate) size_bytes: u64,
    pub(crate) lines: u64,
}

impl Draft {
    pub(crate) fn create(path: PathBuf) -> Result<Self, RetentionError> {
        let draft = path.with_extension("zst.tmp");
        let begin = || {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            zstd::Encoder::new(Hashed::new(File::create(&draft)?), LEVEL)
        };
        let encoder = begin().map_err(|error| RetentionError::file(&draft, error))?;
        Ok(Self { path, draft, encoder, lines: 0 })
    }

    pub(crate) fn write(&mut self, line: &str) -> Result<(), RetentionError> {
        self.lines += 1;
        let written = self.encoder.write_all(line.as_bytes());
        let written = written.and_then(|()| self.encoder.write_all(b"\n"));
        written.map_err(|error| RetentionError::file(&self.draft, error))
    }

    /// Puts the file in its place.
    pub(crate) fn finish(self) -> Result<Facts, RetentionError> {
        let Self { path, draft, encoder, lines } = self;
        let end = || {
            let Hashed { inner, hash, bytes } = encoder.finish()?;
            put_in_place(&inner, &draft, &path)?;
            Ok(Facts { sha256: hash.finish(), size_bytes: bytes, lines })
        };
        end().map_err(|error| RetentionError::file(&path, error))
    }
}

pub(crate) fn changed(path: &Path) -> RetentionError {
    RetentionError::Changed { path: path.display().to_string() }
}

/// A file that is read line by line.
pub(crate) struct Reading {
    path: PathBuf,
    lines: BufReader<zstd::Decoder<'static, BufReader<Hashed<File>>>>,
    line: u64,
}

impl Reading {
    pub(crate) fn open(path: &Path) -> Result<Self, RetentionError> {
        let open = || zstd::Decoder::new(Hashed::new(File::open(path)?));
        let decoder = open().map_err(|error| RetentionError::file(path, error))?;
        Ok(Self { path: path.to_owned(), lines: BufReader::new(decoder), line: 0 })
    }

    /// The next line; None at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Exported>, RetentionError> {
        let mut text = Vec::new();
        let mut limited = self.lines.by_ref().take(MAX_LINE_BYTES);
        let count = limited.read_until(b'\n', &mut text);
        if count.map_err(|error| RetentionError::file(&self.path, error))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let text = text.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok());
        text.and_then(exported).map(Some).ok_or_else(|| RetentionError::Line {
            path: self.path.display().to_string(),
            line: self.line,
        })
    }

    /// Reads to the end; returns what the whole file is known by.
    pub(crate) fn rest(mut self) -> Result<Facts, RetentionError> {
        while self.next()?.is_some() {}
        let mut hashed = self.lines.into_inner().finish();
        // What follows the packed lines belongs to the file too.
        let rest = std::io::copy(&mut hashed, &mut std::io::sink());
        rest.map_err(|error| RetentionError::file(&self.path, error))?;
        let Hashed { hash, bytes, .. } = hashed.into_inner();
        Ok(Facts { sha256: hash.finish(), size_bytes: bytes, lines: self.line })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn line(auth_id: u32) -> String {
        let digest = "ab".repeat(32);
        format!(r#"{{"authId":"{auth_id}","digest":"{digest}","enterpriseId":"1"}}"#)
    }

    fn written(path: &Path) -> Facts {
        let mut draft = Draft::create(path.to_owned()).unwrap();
        for auth_id in 1..=2_000 {
            draft.write(&line(auth_id)).unwrap();
        }
        draft.finish().unwrap()
    }

    #[test]
    fn a_file_is_known_by_its_bytes_and_read_line_by_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("2025-10").join("part-00001.jsonl.zst");
        let facts = written(&path);
        assert_eq!(facts.lines, 2_000);
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(facts.sha256, crypto::sha256(&bytes));
        assert_eq!(facts.size_bytes, bytes.len() as u64);
        let mut reading = Reading::open(&path).unwrap();
        assert_eq!(reading.next().unwrap().unwrap().auth_id.as_i64(), 1);
        assert_eq!(reading.rest().unwrap(), facts);
        let names = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "no draft is left");
    }

    #[test]
    fn another_file_is_not_taken_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("part-00001.jsonl.zst");
        let facts = written(&path);
        let bytes = std::fs::read(&path).unwrap();
        type Damage = fn(&mut Vec<u8>);
        let shorter: Damage = |bytes| bytes.truncate(bytes.len() - 1);
        let longer: Damage = |bytes| bytes.push(0);
        let other: Damage = |bytes| bytes[40] ^= 1;
        for damage in [shorter, longer, other] {
            let mut bytes = bytes.clone();
            damage(&mut bytes);
            std::fs::write(&path, &bytes).unwrap();
            let read = Reading::open(&path).and_then(Reading::rest);
            assert!(read.ok() != Some(facts));
        }
    }
}
