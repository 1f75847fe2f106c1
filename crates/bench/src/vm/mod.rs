//! Dialect 2: what its envelope costs beside the RSA operations that no design can save, and
//! what a storm on one app does to another.

mod app;
mod detail;
mod floor;
mod page;
mod storm;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::platform::Platform;
use crate::report::Measurement;

/// Whoever calls from this machine is believed about the addresses that it calls for, so that
/// a storm comes from many peers.
const OPTIONS: [&str; 2] = ["--trusted-proxies", "127.0.0.1/32"];

/// Measures what is asked for, on a platform and a store of its own.
pub async fn measure(
    server: &Path,
    work_dir: &Path,
    [detail, page, storm]: [bool; 3],
) -> Result<Vec<Measurement>> {
    ensure!(server.is_file(), "{} is not there: build it first", server.display());
    let data_dir = tempfile::tempdir_in(work_dir)?;
    let platform = Platform::start_with(server, data_dir.path(), &OPTIONS)?;
    let mut measurements = Vec::new();
    if detail {
        eprintln!("cardDetail of dialect 2 ...");
        measurements.extend(detail::measure(&platform).await?);
    }
    if page {
        eprintln!("page of 500 transactions of dialect 2 ...");
        measurements.extend(page::measure(&platform).await?);
    }
    if storm {
        eprintln!("storm of bad envelopes ...");
        measurements.extend(storm::measure(&platform).await?);
    }
    platform.process.terminate()?;
    Ok(measurements)
}
