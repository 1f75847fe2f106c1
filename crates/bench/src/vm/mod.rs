//! Dialect 2: the cost of its envelope compared with the RSA operations that no design can avoid,
//! and the effect of a storm on one app on another app.

mod app;
mod detail;
mod floor;
mod page;
mod storm;

use std::path::Path;

use anyhow::{Result, ensure};

pub use app::App;

use crate::platform::Platform;
use crate::report::Measurement;

/// Makes the platform trust this machine's `X-Forwarded-For`, so a storm comes from many peers.
const OPTIONS: [&str; 2] = ["--trusted-proxies", "127.0.0.1/32"];

/// Runs the selected measurements, on a separate platform and store.
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
