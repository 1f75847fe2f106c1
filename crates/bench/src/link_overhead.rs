//! The time that the platform adds to the enterprise's own answer by a link, compared with that by
//! the sandbox API: rounds of both take turns on one platform.
//!
//! The store is in memory where the machine has a place for that: on a disk, a few slow syncs
//! decide which side has the larger p99.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::cost::IN_FLIGHT;
use crate::link_cost::Bed;
use crate::load::ticks;
use crate::overhead::{self, RATE};
use crate::report::{Bound, Measurement};
use crate::statistics::{median, percentile, sorted};

/// Rounds of each side, alternating; odd, so that one of them is the median.
const ROUNDS: u32 = 11;
/// Purchases of a round.
const COUNT: u32 = 3 * RATE;
/// A file system in memory.
const IN_MEMORY: &str = "/dev/shm";

/// Measures on a store of its own, in `work_dir` if there is no file system in memory.
pub async fn measure(server: &Path, work_dir: &Path) -> Result<Vec<Measurement>> {
    ensure!(server.is_file(), "{} is not there: build it first", server.display());
    let place = Some(Path::new(IN_MEMORY)).filter(|place| place.is_dir()).unwrap_or(work_dir);
    let directory = tempfile::tempdir_in(place)?;
    let bed = Bed::new(Command::new(server), directory.path(), IN_FLIGHT).await?;
    by_api(&bed, RATE).await?;
    by_link(&bed, RATE).await?;
    let (mut of_api, mut of_link) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_api.push(sorted(by_api(&bed, COUNT).await?));
        of_link.push(sorted(by_link(&bed, COUNT).await?));
    }
    bed.end()?;
    let [api_p50, link_p50] = [&of_api, &of_link].map(|rounds| median_of(rounds, 500));
    let [api_p99, link_p99] = [&of_api, &of_link].map(|rounds| median_of(rounds, 990));
    let info = Measurement::info;
    Ok(vec![
        info("link_api_p50_ms", "added by the sandbox API, 200/s: p50", api_p50, "ms"),
        info("link_p50_ms", "added by a link, 200/s: p50", link_p50, "ms"),
        info("link_api_p99_ms", "added by the sandbox API, 200/s: p99", api_p99, "ms"),
        info("link_p99_ms", "added by a link, 200/s: p99", link_p99, "ms"),
        info("link_p99_ratio", "p99 by a link / by the sandbox API", link_p99 / api_p99, "")
            .held_to(Bound::AtMost(1.0)),
    ])
}

/// The median, over the rounds, of a percentile of each.
fn median_of(rounds: &[Vec<f64>], per_mille: usize) -> f64 {
    median(rounds.iter().map(|added| percentile(added, per_mille)).collect())
}

async fn by_api(bed: &Bed, count: u32) -> Result<Vec<f64>> {
    overhead::run(&bed.platform, &bed.enterprise, &bed.cards, count).await
}

/// Makes purchases by the link; returns the milliseconds that the platform added to each.
async fn by_link(bed: &Bed, count: u32) -> Result<Vec<f64>> {
    let mut due = ticks(count, RATE);
    let mut running = Vec::with_capacity(count as usize);
    while let Some((number, moment)) = due.recv().await {
        let peer = Arc::clone(&bed.peers[number as usize % bed.peers.len()]);
        let read = Arc::clone(&bed.read);
        running.push(tokio::spawn(async move {
            let shop = peer.buy(&read[number as usize % read.len()]).await?;
            anyhow::Ok((shop, moment.elapsed().as_secs_f64() * 1e6))
        }));
    }
    let mut latencies = Vec::with_capacity(running.len());
    for purchase in running {
        latencies.push(purchase.await??);
    }
    let handling_us = bed.enterprise.delivered(count.into()).await?;
    latencies
        .into_iter()
        .map(|(shop, latency_us)| {
            let own = handling_us.get(&shop).context("the enterprise saw every notice")?;
            Ok((latency_us - own) / 1e3)
        })
        .collect()
}
