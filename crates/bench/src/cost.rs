//! CPU of the server's process for one forwarded authorisation, including the delivery of its
//! result webhook, compared with the four RSA operations that no design can avoid.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::enterprise::EnterpriseProcess;
use crate::platform::Platform;
use crate::report::{Bound, Measurement};
use crate::{load, purchase, rsa_cost};

/// Purchases in flight; each caller has its own card.
pub const IN_FLIGHT: usize = 64;
/// Number of warm-up purchases.
const WARM_UP: u64 = 1_000;
/// Number of measured purchases.
const COUNT: u64 = 6_000;
/// Wait after the last webhook: remaining work, such as a checkpoint, counts too.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Measures on a platform that knows the enterprise.
pub async fn measure(
    platform: &Arc<Platform>,
    enterprise: &EnterpriseProcess,
    cards: &Arc<Vec<String>>,
) -> Result<Vec<Measurement>> {
    let floor_before = tokio::task::spawn_blocking(rsa_cost::measure).await??;
    let sides = (enterprise, cards);
    run(platform, sides, IN_FLIGHT, WARM_UP).await?;
    let (cpu_before, started) = (platform.process.cpu_seconds()?, Instant::now());
    run(platform, sides, IN_FLIGHT, COUNT).await?;
    let seconds = started.elapsed().as_secs_f64();
    tokio::time::sleep(AFTERMATH).await;
    let cpu = (platform.process.cpu_seconds()? - cpu_before) / COUNT as f64;
    // The floor is measured before and after, in case the machine's speed drifts.
    let floor_after = tokio::task::spawn_blocking(rsa_cost::measure).await??;
    let floor = f64::midpoint(floor_before, floor_after);
    Ok(vec![
        Measurement::info("rsa_us", "four RSA-2048 operations", floor * 1e6, "us CPU"),
        Measurement::info("authorisation_us", "forwarded authorisation", cpu * 1e6, "us CPU"),
        Measurement::info(
            "authorisations_per_second",
            "authorisations, 64 in flight, all on this machine",
            COUNT as f64 / seconds,
            "/s",
        ),
        Measurement::info(
            "cost_ratio",
            "cost of a forwarded authorisation / RSA (goal 1.25)",
            cpu / floor,
            "",
        )
        .held_to(Bound::AtMost(1.5)),
    ])
}

/// Makes purchases by so many callers, and waits for their webhooks.
pub async fn run(
    platform: &Arc<Platform>,
    (enterprise, cards): (&EnterpriseProcess, &Arc<Vec<String>>),
    in_flight: usize,
    count: u64,
) -> Result<()> {
    let taken = Arc::new(AtomicU64::new(0));
    let done = load::callers(platform.admin, in_flight, |caller, mut connection| {
        let (taken, platform, cards) =
            (Arc::clone(&taken), Arc::clone(platform), Arc::clone(cards));
        async move {
            let mut done = 0;
            while taken.fetch_add(1, Ordering::Relaxed) < count {
                let request = purchase::request(&platform, &cards[caller % cards.len()])?;
                purchase::buy(&mut connection, request).await?;
                done += 1;
            }
            Ok(done)
        }
    })
    .await?;
    enterprise.delivered(done).await.map(|_| ())
}
