//! The place of an export.

use std::path::PathBuf;
use std::sync::Arc;

use domain::BusinessDay;

use crate::bucket::ExportBucket;
use crate::error::RetentionError;

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

    /// Files in a bucket, with copies below this directory of this process.
    #[must_use]
    pub fn to_bucket(bucket: ExportBucket, directory: PathBuf) -> Self {
        Self { directory, bucket: Some(Arc::new(bucket)) }
    }

    /// The directory of a month, by its first day.
    pub(crate) fn month(&self, month: BusinessDay) -> PathBuf {
        self.directory.join(month_name(month))
    }

    /// Puts a file of a month where it is kept.
    pub(crate) async fn publish(
        &self,
        month: BusinessDay,
        name: &str,
    ) -> Result<(), RetentionError> {
        let Some(bucket) = &self.bucket else { return Ok(()) };
        let key = format!("{}/{name}", month_name(month));
        bucket.write(&key, &self.month(month).join(name)).await
    }

    /// Gets a file of a month from where it is kept, if it is there.
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

    /// Removes the copies of a month whose files are in a bucket.
    pub(crate) fn forget_copies(&self, month: BusinessDay) {
        if self.bucket.is_some()
            && let Err(error) = std::fs::remove_dir_all(self.month(month))
        {
            tracing::warn!(%month, %error, "copies of exported files were not removed");
        }
    }
}

/// `yyyy-MM`
fn month_name(month: BusinessDay) -> String {
    // `yyyyMMdd`
    let day = month.to_string();
    let (year, rest) = day.split_at(day.len().min(4));
    format!("{year}-{}", rest.get(..2).unwrap_or(rest))
}

/// The name of a part within its month.
pub(crate) fn part_name(part: u32) -> String {
    format!("part-{part:05}.jsonl.zst")
}
