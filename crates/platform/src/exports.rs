//! The place of what retention exports: a directory, or the bucket of `[s3]`.

use domain::Clock;
use outbound::{AddressPolicy, Outbound};
use retention::{Export, ExportBucket};

use crate::config::Config;
use crate::document_files;
use crate::failure::Failure;

/// Directory of exports in the data directory.
const DIRECTORY: &str = "exports";
/// Directory of copies of exports that are in a bucket. Another one, since copies are removed.
const COPIES: &str = "export-copies";

/// The configured place.
///
/// # Errors
/// One line that names the option and what it should be.
pub fn place(config: &Config, clock: &Clock) -> Result<Export, Failure> {
    let own = config.data_dir.join(DIRECTORY);
    let (Some(prefix), Some(s3)) = (&config.export_s3_prefix, &config.s3) else {
        return Ok(Export::to(config.export_dir.clone().unwrap_or(own)));
    };
    // The operator chose the address, not an enterprise: it may be private, and plain http as for
    // documents.
    let everywhere = ["0.0.0.0/0", "::/0"].map(str::parse).into_iter().flatten().collect();
    let policy = AddressPolicy { loopback_allowed: true, https_only: false, allow: everywhere };
    let bucket = ExportBucket {
        bucket: document_files::bucket(s3)?,
        client: Outbound::new(policy).map_err(Failure::run)?,
        prefix: prefix.clone(),
        clock: clock.clone(),
    };
    Ok(Export::to_bucket(bucket, config.data_dir.join(COPIES)))
}
