//! The time that the platform adds to the enterprise's own answer, at a steady rate
//! that does not wait for answers.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::connection::Connection;
use crate::cost::IN_FLIGHT;
use crate::enterprise::EnterpriseProcess;
use crate::load::ticks;
use crate::platform::Platform;
use crate::purchase;
use crate::report::{Bound, Measurement};
use crate::statistics::{percentile, sorted};

/// Purchases a second.
pub const RATE: u32 = 200;
/// Number of warm-up purchases.
const WARM_UP: u32 = 2 * RATE;
/// Number of measured purchases.
const COUNT: u32 = 20 * RATE;

/// Measures on a platform that knows the enterprise.
pub async fn measure(
    platform: &Arc<Platform>,
    enterprise: &EnterpriseProcess,
    cards: &Arc<Vec<String>>,
) -> Result<Vec<Measurement>> {
    run(platform, enterprise, cards, WARM_UP).await?;
    let added_ms = sorted(run(platform, enterprise, cards, COUNT).await?);
    let info =
        |key, what, per_mille| Measurement::info(key, what, percentile(&added_ms, per_mille), "ms");
    Ok(vec![
        info("overhead_p50_ms", "added to the enterprise's answer, 200/s: p50", 500),
        info("overhead_p99_ms", "added to the enterprise's answer, 200/s: p99", 990)
            .held_to(Bound::AtMost(6.0)),
        info("overhead_p999_ms", "added to the enterprise's answer, 200/s: p99.9", 999),
    ])
}

/// Makes `count` purchases; returns the milliseconds that the platform added to each.
pub async fn run(
    platform: &Arc<Platform>,
    enterprise: &EnterpriseProcess,
    cards: &Arc<Vec<String>>,
    count: u32,
) -> Result<Vec<f64>> {
    let mut due = ticks(count, RATE);
    // A purchase uses any idle connection, and opens one if there is none.
    let idle: Arc<Mutex<Vec<Connection>>> = Arc::default();
    let mut running = Vec::with_capacity(count as usize);
    while let Some((number, moment)) = due.recv().await {
        let (platform, cards, idle) = (Arc::clone(platform), Arc::clone(cards), Arc::clone(&idle));
        running.push(tokio::spawn(async move {
            let free = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match free {
                Some(connection) => connection,
                None => Connection::open(platform.admin).await?,
            };
            let request = purchase::request(&platform, &cards[number as usize % cards.len()])?;
            let auth_id = purchase::buy(&mut connection, request).await?;
            let latency_us = moment.elapsed().as_secs_f64() * 1e6;
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IN_FLIGHT {
                idle.push(connection);
            }
            anyhow::Ok((auth_id, latency_us))
        }));
    }
    let mut latencies = Vec::with_capacity(running.len());
    for purchase in running {
        latencies.push(purchase.await??);
    }
    let handling_us = enterprise.delivered(count.into()).await?;
    latencies
        .into_iter()
        .map(|(auth_id, latency_us)| {
            let own = handling_us.get(&auth_id).context("the enterprise saw every notice")?;
            Ok((latency_us - own) / 1e3)
        })
        .collect()
}
