//! The cost of an authorisation to a full store, compared with a nearly empty one: every part of an
//! authorisation whose cost may depend on what is stored, which is all reads and both commits.
//!
//! The bound applies to a whole authorisation. Its other costs (RSA, HTTP) are the same in both
//! stores, so the whole is the result of the `cost` measurement in the same run plus what a full
//! store adds to it.

mod fill;
mod template;
mod traffic;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::report::{Bound, Measurement};
use crate::statistics::median;
use fill::Size;
use traffic::{Cost, Traffic};

/// The large store, at full scale.
pub const FULL: Size = Size { cards: 1_000_000, authorisations: 5_000_000 };
/// The store that it is compared with, at full scale.
const SMALL: Size = Size { cards: 10_000, authorisations: 10_000 };
/// Authorisations in one block at full scale: few, since they add to the small store.
const BLOCK: u32 = 600;
/// Measured blocks on each store, alternating.
const ROUNDS: usize = 8;
/// Pause after a block at full scale, longer than the interval between checkpoints: the checkpoint
/// that a block causes is part of its cost.
const SETTLE: Duration = Duration::from_millis(2_500);
/// The most that an authorisation may cost in the full store, as a multiple.
const MAX_RATIO: f64 = 1.3;
/// From so many authorisations on another bound applies.
const TEN_MILLION: u32 = 10_000_000;
const MAX_RATIO_OF_TEN_MILLION: f64 = 1.1;

/// Fills two stores below `work_dir`, the large one with `authorisations`, each `divisor` times
/// smaller than at full scale, and measures on both. At full scale they take more than 14 GB of
/// disk during the run. `whole_us` is the CPU of a whole authorisation in a nearly empty store;
/// without it the bound cannot be judged.
pub async fn measure(
    work_dir: &Path,
    authorisations: u32,
    divisor: u32,
    whole_us: Option<f64>,
) -> Result<Vec<Measurement>> {
    let directory = tempfile::tempdir_in(work_dir)?;
    let open = async |name: &str, size: Size| {
        let path = directory.path().join(name);
        let filled = fill::fill(&path, size.divided_by(divisor)).await;
        Traffic::on(&path, filled.with_context(|| format!("filling the {name} store"))?).await
    };
    let (small, full) =
        (open("small", SMALL).await?, open("full", Size { authorisations, ..FULL }).await?);
    let (block, settle) = ((BLOCK / divisor).max(1), SETTLE / divisor);
    // Not measured: it fills the caches of both.
    small.run(block, settle).await?;
    full.run(block, settle).await?;
    let (mut of_small, mut of_full) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_small.push(small.run(block, settle).await?);
        of_full.push(full.run(block, settle).await?);
    }
    small.close().await;
    full.close().await;
    let is_ten_million = authorisations / divisor >= TEN_MILLION;
    let bound = if is_ten_million { MAX_RATIO_OF_TEN_MILLION } else { MAX_RATIO };
    Ok(measurements(&of_small, &of_full, whole_us.map(|it| (it, bound))))
}

fn measurements(
    of_small: &[Cost],
    of_full: &[Cost],
    whole: Option<(f64, f64)>,
) -> Vec<Measurement> {
    let middle = |costs: &[Cost], of: fn(&Cost) -> f64| median(costs.iter().map(of).collect());
    let cpu = |costs| middle(costs, |cost| cost.cpu_us);
    let wall = |costs| middle(costs, |cost| cost.wall_us);
    let info = |key, what, value| Measurement::info(key, what, value, "us");
    let (small_us, full_us) = (cpu(of_small), cpu(of_full));
    let mut measurements = vec![
        info("scale_small_cpu_us", "the store's part, small store: CPU", small_us),
        info("scale_full_cpu_us", "the store's part, full store: CPU", full_us),
        info("scale_small_wall_us", "the store's part, small store: time", wall(of_small)),
        info("scale_full_wall_us", "the store's part, full store: time", wall(of_full)),
    ];
    if let Some((whole_us, bound)) = whole {
        let ratio = (whole_us + full_us - small_us) / whole_us;
        measurements.push(
            Measurement::info(
                "scale_ratio",
                "forwarded authorisation, full / small store",
                ratio,
                "",
            )
            .held_to(Bound::AtMost(bound)),
        );
    }
    measurements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    async fn a_tiny_run_measures_both_stores() {
        let directory = tempfile::tempdir().unwrap();
        let measured = measure(directory.path(), 20_000, 10_000, Some(1_000.0)).await.unwrap();
        assert_eq!(measured.len(), 5);
        assert!(measured.iter().all(|it| it.value > 0.0 && it.value.is_finite()));
        let left = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 0, "nothing is left on the disk");
    }

    #[test]
    fn the_cost_added_by_a_full_store_is_compared_with_a_whole_authorisation() {
        let cost = |cpu_us| [Cost { cpu_us, wall_us: 1.0 }];
        let bound = |full_us, whole_us: Option<f64>| {
            let measured =
                measurements(&cost(200.0), &cost(full_us), whole_us.map(|it| (it, MAX_RATIO)));
            measured.iter().find(|it| it.key == "scale_ratio").map(Measurement::is_ok)
        };
        assert_eq!(bound(500.0, Some(1_000.0)), Some(true));
        assert_eq!(bound(501.0, Some(1_000.0)), Some(false));
        assert_eq!(bound(501.0, None), None);
    }

    #[test]
    fn a_size_is_never_zero() {
        let size = SMALL.divided_by(u32::MAX);
        assert_eq!((size.cards, size.authorisations), (1, 1));
        assert_eq!(FULL.divided_by(20).cards, 50_000);
    }
}
