//! A link with many connections on which nothing happens: their memory and CPU.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::link_peer::signed_on;
use crate::platform::Platform;
use crate::report::{Bound, Measurement};

/// The name of the link.
const LINK: &str = "bench";
/// Requests that it takes a second: more than are sent.
const PER_SECOND: u32 = 100_000;
/// Connections of the link.
const CONNECTIONS: usize = 1_000;
/// The time for which they idle, twice: without a connection and with all of them.
const IDLE: Duration = Duration::from_secs(10);

/// Measures on a store of its own.
pub async fn measure(server: &Path, work_dir: &Path) -> Result<Vec<Measurement>> {
    ensure!(server.is_file(), "{} is not there: build it first", server.display());
    let directory = tempfile::tempdir_in(work_dir)?;
    let platform = with_link(Command::new(server), directory.path(), CONNECTIONS)?;
    let address = link_of(&platform)?;

    let cpu_alone = idle_cpu_ms(&platform).await?;
    let resident_before = platform.process.resident_bytes()?;
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(signed_on(address).await?);
    }
    let cpu = idle_cpu_ms(&platform).await?;
    let resident = platform.process.resident_bytes()?;
    drop(connections);
    platform.process.terminate()?;
    let grown_mb = (resident - resident_before) / 1e6;
    let more_ms = (cpu - cpu_alone).max(0.0);
    Ok(vec![
        Measurement::info("links_idle_mb", "1,000 idle connections of a link", grown_mb, "MB")
            .held_to(Bound::AtMost(30.0)),
        Measurement::info("links_idle_cpu_ms", "their CPU in 10 s", more_ms, "ms")
            .held_to(Bound::AtMost(50.0)),
    ])
}

/// A platform whose link takes so many connections, on a store of its own in `directory`.
pub fn with_link(command: Command, directory: &Path, connections: usize) -> Result<Platform> {
    let config = directory.join("cardbridge.toml");
    let link = format!("[[links]]\nname = '{LINK}'\nlisten = '127.0.0.1:0'\n");
    let limits = format!("max-connections = {connections}\nmax-per-second = {PER_SECOND}\n");
    fs::write(&config, link + &limits)?;
    let config = config.to_str().context("a path that is text")?;
    let data_dir = directory.join("data");
    fs::create_dir(&data_dir)?;
    Platform::start_by(command, &data_dir, &["--config", config])
}

/// Where its link listens.
pub fn link_of(platform: &Platform) -> Result<SocketAddr> {
    platform.sandbox.links.get(LINK).copied().context("sandbox.json has the link")
}

/// CPU of the platform while nothing happens, in milliseconds.
async fn idle_cpu_ms(platform: &Platform) -> Result<f64> {
    let before = platform.process.cpu_seconds()?;
    sleep(IDLE).await;
    Ok((platform.process.cpu_seconds()? - before) * 1e3)
}
