//! Start to ready on an existing embedded store, and memory when idle.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::platform::Platform;
use crate::report::{Bound, Measurement};
use crate::statistics::median;

/// Starts of the server.
const STARTS: usize = 7;
/// The time for which the last server idles before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

/// Measures on the store that the previous measurements filled.
pub async fn measure(server: &Path, data_dir: &Path) -> Result<Vec<Measurement>> {
    let mut ready_ms = Vec::with_capacity(STARTS);
    let mut resident_mb = 0.0;
    for number in 1..=STARTS {
        let platform = Platform::start(server, data_dir)?;
        ready_ms.push(platform.ready_in.as_secs_f64() * 1e3);
        if number == STARTS {
            tokio::time::sleep(IDLE).await;
            resident_mb = platform.process.resident_bytes()? / 1e6;
        }
        platform.process.terminate()?;
    }
    Ok(vec![
        Measurement::info("start_ms", "start to ready, existing store", median(ready_ms), "ms")
            .held_to(Bound::AtMost(200.0)),
        Measurement::info("idle_mb", "resident memory when idle", resident_mb, "MB")
            .held_to(Bound::AtMost(45.0)),
    ])
}
