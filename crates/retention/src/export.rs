//! The directory of an export.

use std::path::{Path, PathBuf};

use domain::BusinessDay;

/// Where exported files are kept.
#[derive(Debug, Clone)]
pub struct Export {
    directory: PathBuf,
}

impl Export {
    /// Files below this directory, which is made with the first of them.
    #[must_use]
    pub const fn to(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The directory of a month, by its first day.
    pub(crate) fn month(&self, month: BusinessDay) -> PathBuf {
        // `yyyyMMdd`
        let day = month.to_string();
        let (year, rest) = day.split_at(day.len().min(4));
        self.directory.join(format!("{year}-{}", rest.get(..2).unwrap_or(rest)))
    }
}

/// The name of a part within its month.
pub(crate) fn part_name(part: u32) -> String {
    format!("part-{part:05}.jsonl.zst")
}

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
