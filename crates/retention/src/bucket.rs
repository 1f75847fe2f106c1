//! Exports in a bucket: each file is written to it, and read from it before anything is deleted.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use domain::Clock;
use files::Bucket;
use http::{HeaderMap, Method, StatusCode};
use outbound::{Answer, Outbound, Post};
use tokio::time::Instant;

use crate::error::RetentionError;
use crate::local_file::{beside, write_whole};

/// The longest time for a file to reach the bucket or to come from it.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(300);
/// The largest file: 50,000 authorisations are a tenth of it.
const MAX_FILE_BYTES: usize = 256 * 1024 * 1024;
/// The longest answer to a file that was written.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A bucket, and where in it exports are kept.
pub struct ExportBucket {
    /// Signs the addresses.
    pub bucket: Bucket,
    /// Reaches the bucket.
    pub client: Outbound,
    /// What the names of all objects begin with, such as `exports/`.
    pub prefix: String,
    /// The clock by which addresses are signed.
    pub clock: Clock,
}

impl ExportBucket {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Writes a local file to the bucket.
    pub(crate) async fn write(&self, name: &str, path: &Path) -> Result<(), RetentionError> {
        let local = path.to_owned();
        let read =
            move || std::fs::read(&local).map_err(|error| RetentionError::file(&local, error));
        let body = beside(read).await?;
        if body.len() > MAX_FILE_BYTES {
            let reason = format!("{} bytes, at most {MAX_FILE_BYTES} are read again", body.len());
            return Err(RetentionError::Bucket { key: self.key(name), reason });
        }
        let url = self.bucket.object_put_url(&self.key(name), self.clock.real_now());
        let sent = self.exchange(Method::PUT, &url, body.into(), MAX_ANSWER_BYTES).await;
        self.accepted(name, sent).map(drop)
    }

    /// Reads an object into a local file.
    pub(crate) async fn read(&self, name: &str, path: &Path) -> Result<(), RetentionError> {
        let url = self.bucket.object_url(&self.key(name), self.clock.real_now());
        let sent = self.exchange(Method::GET, &url, Bytes::new(), MAX_FILE_BYTES).await;
        if sent.as_ref().is_ok_and(|answer| answer.status == StatusCode::NOT_FOUND.as_u16()) {
            return Err(RetentionError::Missing { key: self.key(name) });
        }
        let body = self.accepted(name, sent)?.body;
        let local = path.to_owned();
        beside(move || put(&local, &body).map_err(|error| RetentionError::file(&local, error)))
            .await
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        body: Bytes,
        max_response_bytes: usize,
    ) -> Result<Answer, String> {
        let deadline = Instant::now() + EXCHANGE_TIMEOUT;
        let headers = HeaderMap::new();
        let post =
            Post { url, headers, body, deadline, resend_until: deadline, max_response_bytes };
        self.client.send(method, post).await.map_err(|error| error.to_string())
    }

    fn accepted(&self, name: &str, sent: Result<Answer, String>) -> Result<Answer, RetentionError> {
        let refused = |reason| RetentionError::Bucket { key: self.key(name), reason };
        let answer = sent.map_err(refused)?;
        match answer.status {
            200..=299 => Ok(answer),
            status => Err(refused(format!("the bucket answers {status}"))),
        }
    }
}

fn put(path: &Path, body: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    write_whole(path, body)
}
