//! How long data are kept, and the standby that old data are read from.

use std::ops::RangeInclusive;

use retention::RetentionWorker;
use store::ServerLocation;

use super::layers::Layers;
use super::s3;
use super::values::{self, Database};
use crate::failure::Failure;

/// The permitted numbers of months that are kept.
const RETENTION_MONTHS: RangeInclusive<u16> = RetentionWorker::MIN_KEPT_MONTHS..=600;

/// A server beside that of `database-url`; the embedded store has none.
pub fn read_database(layers: &Layers) -> Result<Option<ServerLocation>, Failure> {
    let Some(given) = layers.optional("read-database-url") else { return Ok(None) };
    if layers.optional("database-url").is_none() {
        return Err(given.refused("unset without database-url, whose standby it names"));
    }
    let pooler = values::pooler(&layers.required("database-pooler")?)?;
    match values::server(&given, pooler, ServerLocation::LEAST_CONNECTIONS)? {
        Database::Postgres(server) => Ok(Some(server)),
        Database::Embedded => Ok(None),
    }
}

pub fn retention_months(layers: &Layers) -> Result<Option<u16>, Failure> {
    let given = layers.optional("retention-months");
    given.map(|given| values::number(&given, RETENTION_MONTHS)).transpose()
}

/// A prefix that makes one place in the bucket, ending with `/`.
pub fn export_s3_prefix(layers: &Layers) -> Result<Option<String>, Failure> {
    let Some(given) = layers.optional("export-s3-prefix") else { return Ok(None) };
    if layers.optional("export-dir").is_some() {
        return Err(given.refused("unset beside export-dir, since exports have one place"));
    }
    if s3::bucket(layers)?.is_none() {
        return Err(given.refused("unset without [s3], in whose bucket it is"));
    }
    let parts: Vec<_> = given.text.trim_end_matches('/').split('/').collect();
    let is_plain = |part: &&str| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_allowed)
    };
    if !parts.iter().all(is_plain) {
        return Err(given.refused("names of letters, digits, -, _ and . with / between them"));
    }
    Ok(Some(format!("{}/", parts.join("/"))))
}
