//! Documents that enterprises upload: the addresses that take them, and the places that store them.
//!
//! A caller gets an [`ObjectKey`] and a pre-signed address that takes one PUT of the raw bytes for
//! an hour of real time. The address belongs either to this process, which keeps the bytes in its
//! data directory ([`EmbeddedFiles`]), or to an S3 bucket ([`Bucket`]); in that case no byte passes
//! through here.

mod bucket;
mod disk;
mod embedded;
mod error;
mod incoming;
mod object_key;
mod shares;
mod stored;
mod upload_link;

use domain::Timestamp;

pub use bucket::{Bucket, BucketSettings};
pub use embedded::{EmbeddedFiles, EmbeddedSettings};
pub use error::{BucketError, FileError, LinkError};
pub use incoming::Incoming;
pub use object_key::{Folder, NotAKey, ObjectKey};
pub use stored::StoredFile;
pub use upload_link::PATH_PREFIX as UPLOAD_PATH_PREFIX;

/// The validity of an upload address, seconds (cardbridge-open-api.md section 6.5.1).
pub const UPLOAD_SECONDS: u32 = 3_600;

/// Largest file, bytes (cardbridge-open-api.md section 14, U27).
pub const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// The store of uploaded files.
pub enum Files {
    /// In a directory of this process.
    Embedded(EmbeddedFiles),
    /// In a bucket elsewhere.
    Bucket(Bucket),
}

impl Files {
    /// The upload address for `key`, valid until [`UPLOAD_SECONDS`] after `now`, a real time.
    #[must_use]
    pub fn upload_url(&self, key: &ObjectKey, now: Timestamp) -> String {
        match self {
            Self::Embedded(files) => files.upload_url(key, now),
            Self::Bucket(bucket) => bucket.upload_url(key, now),
        }
    }
}
