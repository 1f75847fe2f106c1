//! The place of an export.

use std::path::PathBuf;
use std::sync::Arc;

use domain::BusinessDay;

use crate::bucket::ExportBucket;
use crate::error::RetentionError;
use crate::local_file::beside;

/// Where exported files are kept: in a directory, or in a bucket, with copies in the directory
/// while they are worked on.
#[derive(Clone)]
pub struct Export {
    directory: PathBuf,
    bucket: Option<Arc<ExportBucket>>,
}

impl Export {
    /// Files below this directory, which is made with the first of them.
    #[must_use]
    pub const fn to(directory: PathBuf) -> Self {
        Self { directory, bucket: None }
    }

    /// Files in a bucket, with copies below this directory, which is this process's alone: whatever
    /// else lies there is removed.
    #[must_use]
    pub fn to_bucket(bucket: ExportBucket, directory: PathBuf) -> Self {
        Self { directory, bucket: Some(Arc::new(bucket)) }
    }

    /// The directory of a month, by its first day.
    pub(crate) fn month(&self, month: BusinessDay) -> PathBuf {
        self.directory.join(month_name(month))
    }

    /// The name of a part. In a bucket it has the first digits of its SHA-256: a process that was
    /// paused while it wrote a part, and has lost it, cannot write over that of its successor.
    pub(crate) fn part_name(&self, part: u32, sha256: &[u8; 32]) -> String {
        match &self.bucket {
            Some(_) => format!("part-{part:05}-{}.jsonl.zst", hex::encode(&sha256[..8])),
            None => draft_name(part),
        }
    }

    /// Puts the file that was written as `draft` where it is kept.
    pub(crate) async fn publish(
        &self,
        month: BusinessDay,
        draft: &str,
        name: &str,
    ) -> Result<(), RetentionError> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        let key = format!("{}/{name}", month_name(month));
        bucket.write(&key, &self.month(month).join(draft)).await
    }

    /// Gets a file of a month from where it is kept.
    pub(crate) async fn fetch(
        &self,
        month: BusinessDay,
        name: &str,
    ) -> Result<PathBuf, RetentionError> {
        let path = self.month(month).join(name);
        if let Some(bucket) = &self.bucket {
            bucket.read(&format!("{}/{name}", month_name(month)), &path).await?;
        }
        Ok(path)
    }

    /// True if files are kept elsewhere, and copies of them here while they are worked on.
    pub(crate) const fn has_copies(&self) -> bool {
        self.bucket.is_some()
    }

    /// Removes all copies that this process has.
    pub(crate) async fn forget_copies(&self) -> Result<(), RetentionError> {
        if !self.has_copies() {
            return Ok(());
        }
        let directory = self.directory.clone();
        beside(move || match std::fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(RetentionError::file(&directory, error))
            }
            _ => Ok(()),
        })
        .await
    }
}

/// `yyyy-MM`
fn month_name(month: BusinessDay) -> String {
    // `yyyyMMdd`
    let day = month.to_string();
    let (year, rest) = day.split_at(day.len().min(4));
    format!("{year}-{}", rest.get(..2).unwrap_or(rest))
}

/// The name of a part within its month while it is written.
pub(crate) fn draft_name(part: u32) -> String {
    format!("part-{part:05}.jsonl.zst")
}
