//! One run of one side: its limits, its result, and the run of the grouped side.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use store::{BeginAuthorisation, BeginOutcome, Store};

use super::purchases::Purchases;

/// Concurrent callers.
pub const CALLERS: usize = 64;
/// Duration of one run of a side.
pub const RUN_TIME: Duration = Duration::from_secs(3);
/// Runs of each side, alternating.
pub const ROUNDS: u32 = 2;
/// Most holds of one caller in one run.
pub const MAX_HOLDS: u64 = 200_000;

/// Holds and the time they took.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub holds: u64,
    pub seconds: f64,
}

impl Tally {
    pub fn per_second(self) -> f64 {
        self.holds as f64 / self.seconds
    }

    pub fn add(&mut self, other: Self) {
        self.holds += other.holds;
        self.seconds += other.seconds;
    }
}

/// Holds through the grouping writer, by callers that each wait for their answer.
pub async fn run_grouped(store: &Store, purchases: &Purchases) -> Result<Tally> {
    run_drawn(store, purchases, Purchases::draw).await
}

/// The same of purchases that `draw` draws.
pub async fn run_drawn(
    store: &Store,
    purchases: &Purchases,
    draw: fn(&Purchases) -> BeginAuthorisation,
) -> Result<Tally> {
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, purchases) = (store.clone(), purchases.clone());
            tokio::spawn(async move {
                let mut holds = 0;
                while started.elapsed() < RUN_TIME && holds < MAX_HOLDS {
                    match store.begin_authorisation(draw(&purchases)).await? {
                        BeginOutcome::Held(_) => holds += 1,
                        other => bail!("a hold was not taken: {other:?}"),
                    }
                }
                Ok(holds)
            })
        })
        .collect();
    let mut holds = 0;
    for caller in callers {
        holds += caller.await??;
    }
    Ok(Tally { holds, seconds: started.elapsed().as_secs_f64() })
}
