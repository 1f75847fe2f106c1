//! How long data are kept, and the standby that old data are read from.

use std::ops::RangeInclusive;

use retention::RetentionWorker;
use store::ServerLocation;

use super::layers::Layers;
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
