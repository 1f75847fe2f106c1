//! A link with many connections on which nothing happens: their memory and CPU.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::platform::Platform;
use crate::report::{Bound, Measurement};

/// Connections of the link.
const CONNECTIONS: usize = 1_000;
/// The time for which they idle, twice: without a connection and with all of them.
const IDLE: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a sign-on.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The sign-on V17 of network-iso8583.md section 10.2 in a frame with the default length.
const SIGN_ON: &[u8] = b"\x00\x3F0800822000000080000004000000000000001129115900000100TERM0001001";
/// Bytes of the answer's length.
const LENGTH_BYTES: usize = 2;

/// Measures on a store of its own.
pub async fn measure(server: &Path, work_dir: &Path) -> Result<Vec<Measurement>> {
    ensure!(server.is_file(), "{} is not there: build it first", server.display());
    let directory = tempfile::tempdir_in(work_dir)?;
    let config = directory.path().join("cardbridge.toml");
    let link = "[[links]]\nname = 'bench'\nlisten = '127.0.0.1:0'\n";
    fs::write(&config, format!("{link}max-connections = {CONNECTIONS}\n"))?;
    let config = config.to_str().context("a path that is text")?;
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir)?;
    let platform = Platform::start_with(server, &data_dir, &["--config", config])?;
    let address = platform.sandbox.links.get("bench").context("sandbox.json has the link")?;

    let cpu_alone = idle_cpu_ms(&platform).await?;
    let resident_before = platform.process.resident_bytes()?;
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(signed_on(*address).await?);
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

/// CPU of the platform while nothing happens, in milliseconds.
async fn idle_cpu_ms(platform: &Platform) -> Result<f64> {
    let before = platform.process.cpu_seconds()?;
    sleep(IDLE).await;
    Ok((platform.process.cpu_seconds()? - before) * 1e3)
}

/// A connection that is signed on.
async fn signed_on(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(SIGN_ON).await?;
    let answer = async {
        let mut length = [0; LENGTH_BYTES];
        stream.read_exact(&mut length).await?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = timeout(ANSWER_TIMEOUT, answer).await.context("a sign-on was not answered")??;
    ensure!(answer.starts_with(b"0810"), "a sign-on was answered by another message");
    Ok(stream)
}
