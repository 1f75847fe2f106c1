//! The server's time.

use std::time::Duration;

/// The server's present time in microseconds since 1970.
pub(crate) const SERVER_NOW: &str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";

/// A duration as the server counts time.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
