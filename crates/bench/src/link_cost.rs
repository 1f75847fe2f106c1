//! An authorisation by a link compared with one by the sandbox API, each with the delivery of its
//! result webhook: CPU in alternating rounds, and instructions counted by valgrind, since the
//! machine's speed drifts by more than they differ.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http::Method;
use serde_json::json;

use crate::cards::{self, Owner};
use crate::connection::Connection;
use crate::cost;
use crate::enterprise::EnterpriseProcess;
use crate::link_peer::{LinkPeer, ReadCard};
use crate::links::{link_of, with_link};
use crate::platform::Platform;
use crate::report::{Bound, Measurement};

/// Connections of the acquirer.
const CONNECTIONS: usize = 2;
/// Rounds of each side, alternating.
const ROUNDS: u32 = 4;
/// Purchases of a round whose CPU is measured.
const CPU_COUNT: u64 = 2_000;
/// The same where instructions are counted, and how many purchases at once: valgrind makes
/// everything some 50 times as slow.
const COUNTED_ROUNDS: u32 = 2;
const COUNTED: u64 = 100;
const COUNTED_IN_FLIGHT: usize = 4;
/// Runs valgrind so that the server finds what it looks for in its process.
const LAUNCHER: &str = include_str!("counted.py");
/// The Python that runs it, unless another one is given.
const PYTHON: &str = "python3";
/// The deadline of the enterprise meanwhile, milliseconds: the longest.
const DEADLINE_MS: u32 = 3_000;
/// Longest time for the counts of a round to be written, and the interval between two looks.
const DUMP_DEADLINE: Duration = Duration::from_secs(60);
const DUMP_POLL: Duration = Duration::from_millis(100);

/// A platform with a link, an enterprise, and both sides of purchases on the same cards.
pub struct Bed {
    pub platform: Arc<Platform>,
    pub enterprise: EnterpriseProcess,
    pub cards: Arc<Vec<String>>,
    pub read: Arc<Vec<ReadCard>>,
    pub peers: Vec<Arc<LinkPeer>>,
}

impl Bed {
    /// A fresh store in `directory` with so many cards.
    pub async fn new(command: Command, directory: &Path, cards: usize) -> Result<Self> {
        let platform = Arc::new(with_link(command, directory, CONNECTIONS)?);
        let keys = &platform.sandbox.enterprise;
        let enterprise = EnterpriseProcess::start(&keys.platform_public_key, &keys.secret_key)?;
        platform.register(&enterprise).await?;
        let path = format!("/admin/v1/enterprises/{}", keys.enterprise_id);
        let deadline = json!({ "authDeadlineMs": DEADLINE_MS });
        let request = platform.admin_request(Method::PATCH, &path, &deadline)?;
        Connection::open(platform.admin).await?.expect_ok(request).await?;
        let owner = Owner::of_sandbox(&platform)?;
        let cards = cards::issue(&owner, cards).await?;
        let read = Arc::new(ReadCard::all(&platform, &owner, &cards).await?);
        let mut peers = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            peers.push(Arc::new(LinkPeer::connect(link_of(&platform)?).await?));
        }
        Ok(Self { platform, enterprise, cards: Arc::new(cards), read, peers })
    }

    /// Makes purchases by the sandbox API, each caller on a card of its own.
    async fn by_api(&self, count: u64) -> Result<()> {
        let in_flight = self.cards.len();
        cost::run(&self.platform, (&self.enterprise, &self.cards), in_flight, count).await
    }

    /// Makes purchases by the link, in the same way.
    async fn by_link(&self, count: u64) -> Result<()> {
        let taken = Arc::new(AtomicU64::new(0));
        let callers: Vec<_> = (0..self.read.len())
            .map(|caller| {
                let peer = Arc::clone(&self.peers[caller % self.peers.len()]);
                let (read, taken) = (Arc::clone(&self.read), Arc::clone(&taken));
                tokio::spawn(async move {
                    while taken.fetch_add(1, Ordering::Relaxed) < count {
                        peer.buy(&read[caller]).await?;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        self.enterprise.delivered(count).await.map(|_| ())
    }

    /// Ends the platform.
    pub fn end(self) -> Result<()> {
        drop(self.peers);
        let platform = Arc::into_inner(self.platform).context("every caller has ended")?;
        platform.process.terminate()
    }
}

/// Measures on stores of their own.
pub async fn measure(
    server: &Path,
    work_dir: &Path,
    python: Option<&Path>,
) -> Result<Vec<Measurement>> {
    ensure!(server.is_file(), "{} is not there: build it first", server.display());
    let (api, link) = cpu(server, work_dir).await?;
    let info = Measurement::info;
    let mut measurements = vec![
        info("link_api_us", "authorisation by the sandbox API", api * 1e6, "us CPU"),
        info("link_us", "authorisation by a link", link * 1e6, "us CPU"),
        info("link_cpu_ratio", "CPU by a link / by the sandbox API", link / api, ""),
    ];
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("link-cost: valgrind is not installed, so no instructions are counted");
        return Ok(measurements);
    }
    eprintln!("link-cost: counting instructions takes minutes ...");
    let python = python.unwrap_or_else(|| Path::new(PYTHON));
    let (api, link) = instructions(server, work_dir, python).await?;
    measurements.extend([
        info("link_api_instructions", "authorisation by the sandbox API", api / 1e6, "M instr."),
        info("link_instructions", "authorisation by a link", link / 1e6, "M instr."),
        info("link_cost_ratio", "instructions by a link / by the sandbox API", link / api, "")
            .held_to(Bound::AtMost(1.05)),
    ]);
    Ok(measurements)
}

/// CPU seconds of an authorisation by the API and by the link.
async fn cpu(server: &Path, work_dir: &Path) -> Result<(f64, f64)> {
    let directory = tempfile::tempdir_in(work_dir)?;
    let bed = Bed::new(Command::new(server), directory.path(), cost::IN_FLIGHT).await?;
    bed.by_api(CPU_COUNT / 2).await?;
    bed.by_link(CPU_COUNT / 2).await?;
    let (mut api, mut link) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let before = bed.platform.process.cpu_seconds()?;
        bed.by_api(CPU_COUNT).await?;
        let between = bed.platform.process.cpu_seconds()?;
        bed.by_link(CPU_COUNT).await?;
        api += between - before;
        link += bed.platform.process.cpu_seconds()? - between;
    }
    bed.end()?;
    let all = f64::from(ROUNDS) * CPU_COUNT as f64;
    Ok((api / all, link / all))
}

/// Instructions of an authorisation by the API and by the link.
async fn instructions(server: &Path, work_dir: &Path, python: &Path) -> Result<(f64, f64)> {
    let directory = tempfile::tempdir_in(work_dir)?;
    let counts = directory.path().join("counts");
    let mut command = Command::new(python);
    command
        .args(["-c", LAUNCHER, "valgrind", "--quiet", "--tool=callgrind", "--dump-line=no"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(server);
    let bed = Bed::new(command, directory.path(), COUNTED_IN_FLIGHT).await?;
    let mut counter = Counter { process: bed.platform.process.id(), counts, dumps: 0 };
    bed.by_api(COUNTED / 2).await?;
    bed.by_link(COUNTED / 2).await?;
    let (mut api, mut link) = (0.0, 0.0);
    for _ in 0..COUNTED_ROUNDS {
        counter.since_last().await?;
        bed.by_api(COUNTED).await?;
        api += counter.since_last().await?;
        bed.by_link(COUNTED).await?;
        link += counter.since_last().await?;
    }
    // It ends slowly, and its end is not measured.
    drop(bed);
    let all = f64::from(COUNTED_ROUNDS) * COUNTED as f64;
    Ok((api / all, link / all))
}

/// Reads the counts of a process that runs under callgrind.
struct Counter {
    process: u32,
    counts: PathBuf,
    dumps: u32,
}

impl Counter {
    /// Instructions since the last look.
    async fn since_last(&mut self) -> Result<f64> {
        let dump = Command::new("callgrind_control")
            .args(["--dump", &self.process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        ensure!(dump.context("callgrind_control")?.success(), "the counts could not be read");
        self.dumps += 1;
        let file = self.counts.with_extension(self.dumps.to_string());
        let deadline = Instant::now() + DUMP_DEADLINE;
        while Instant::now() < deadline {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Some(total) = total_of(&text) {
                return Ok(total);
            }
            tokio::time::sleep(DUMP_POLL).await;
        }
        bail!("{} has no total", file.display())
    }
}

/// The last line of a complete dump.
fn total_of(text: &str) -> Option<f64> {
    let totals = text.lines().rfind(|line| line.starts_with("totals:"))?;
    totals.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total_of;

    #[test]
    fn a_dump_ends_with_its_total() {
        assert_eq!(total_of("events: Ir\nfn=(1) main\n0 7\n\ntotals: 7000\n"), Some(7_000.0));
        assert_eq!(total_of("events: Ir\nfn=(1) main\n0 7\n"), None);
    }
}
