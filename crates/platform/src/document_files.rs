//! The place of uploaded documents: the data directory, or the bucket of `[s3]`.

use std::sync::Arc;

use domain::Mode;
use files::{Bucket, BucketSettings, EmbeddedFiles, EmbeddedSettings, Files};
use vault::SecretText;

use super::data_dir::DataDir;
use super::secrets;
use crate::assembly::Parts;
use crate::config::{Config, Database, S3Config, S3Secret};
use crate::failure::Failure;

/// Directory of uploaded documents in the data directory.
const DIRECTORY: &str = "files";
const SECRET_KEY: &str = "s3: secret-access-key-file";

/// Opens the configured store of files.
///
/// # Errors
/// One line that names the option and what it should be.
pub fn open(
    config: &Config,
    data_dir: &DataDir,
    public_url: &str,
    parts: &Parts,
) -> Result<Files, Failure> {
    if let Some(s3) = &config.s3 {
        return bucket(s3).map(Files::Bucket);
    }
    if config.mode == Mode::Production && config.database != Database::Embedded {
        tracing::warn!(
            "uploaded documents are kept in this process's data directory: further processes \
             need [s3] to start"
        );
    }
    let settings = EmbeddedSettings {
        directory: data_dir.path().join(DIRECTORY),
        public_url: public_url.to_owned(),
        node: u16::try_from(parts.store.ids().node()).map_err(Failure::run)?,
        reserve_bytes: EmbeddedSettings::DEFAULT_RESERVE_BYTES,
        daily_bytes: EmbeddedSettings::DEFAULT_DAILY_BYTES,
    };
    EmbeddedFiles::open(settings, Arc::clone(&parts.vault), Arc::clone(&parts.random))
        .map(Files::Embedded)
        .map_err(|error| {
            Failure::configuration(format_args!(
                "data-dir: {} should be a directory that can be written: {error}",
                data_dir.path().join(DIRECTORY).display()
            ))
        })
}

/// The bucket of `[s3]`. Nothing is sent.
///
/// # Errors
/// One line that names the option and what it should be.
pub fn bucket(s3: &S3Config) -> Result<Bucket, Failure> {
    let secret = match &s3.secret {
        S3Secret::Text(text) => text.as_str().trim().to_owned(),
        S3Secret::File(path) => secrets::read_private(SECRET_KEY, path)?.trim().to_owned(),
    };
    if secret.is_empty() {
        return Err(Failure::configuration("s3: the secret access key should not be empty"));
    }
    Bucket::new(BucketSettings {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        name: s3.bucket.clone(),
        path_style: s3.path_style,
        access_key_id: s3.access_key_id.clone(),
        secret_access_key: SecretText::new(secret),
    })
    .map_err(|error| Failure::configuration(format_args!("s3: {error}")))
}
