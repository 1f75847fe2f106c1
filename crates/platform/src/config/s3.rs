//! The `[s3]` table: the bucket that uploaded documents go to.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::layers::{Layers, S3_SECRET_VARIABLE};
use crate::failure::Failure;

/// The source of the secret access key, which is never a key of the TOML file.
pub enum S3Secret {
    /// A file of mode 0600.
    File(PathBuf),
    /// The text itself, from [`S3_SECRET_VARIABLE`].
    Text(Zeroizing<String>),
}

/// The bucket, checked.
pub struct S3Config {
    /// Address of the service.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// Access key id.
    pub access_key_id: String,
    /// The secret's source.
    pub secret: S3Secret,
    /// True if the bucket's name is in the path instead of before the host.
    pub path_style: bool,
}

/// The bucket that the file names, if it names one.
pub fn bucket(layers: &Layers) -> Result<Option<S3Config>, Failure> {
    let Some(document) = layers.file() else { return Ok(None) };
    let Some(section) = document.s3() else { return Ok(None) };
    let refused = |should_be: &str| {
        Failure::configuration(format_args!("{}: s3: {should_be}", document.name()))
    };
    let texts = [&section.endpoint, &section.region, &section.bucket, &section.access_key_id];
    if texts.iter().any(|text| text.trim().is_empty()) {
        return Err(refused("endpoint, region, bucket and access-key-id should not be empty"));
    }
    let secret = match (&section.secret_access_key_file, layers.s3_secret()) {
        (Some(path), None) => S3Secret::File(path.clone()),
        (None, Some(text)) => S3Secret::Text(text),
        _ => {
            let sources = format!(
                "the secret access key should come from secret-access-key-file or from \
                 {S3_SECRET_VARIABLE}, and from one of them"
            );
            return Err(refused(&sources));
        }
    };
    Ok(Some(S3Config {
        endpoint: section.endpoint.clone(),
        region: section.region.clone(),
        bucket: section.bucket.clone(),
        access_key_id: section.access_key_id.clone(),
        secret,
        path_style: section.path_style,
    }))
}
