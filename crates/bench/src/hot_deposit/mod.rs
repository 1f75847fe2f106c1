//! Durable holds per second of many callers on one deposit: through the grouping
//! writer, beside callers that each commit their own hold on the same account row.
//!
//! Both write the same three rows with the same durability: the authorisation, the
//! ledger transfer, and the account.

mod postgres;
pub mod purchases;
mod row_text;
mod sqlite;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use store::{BeginOutcome, Store};

use crate::report::{Bound, Measurement};
use purchases::Purchases;

/// Callers at the same time.
const CALLERS: usize = 64;
/// How long each side runs at a time.
const RUN_TIME: Duration = Duration::from_secs(3);
/// How often each side runs, in turns.
const ROUNDS: u32 = 2;
/// Most holds of one caller in one run.
const MAX_HOLDS: u64 = 200_000;

/// Measures both engines; PostgreSQL only if there is one.
pub async fn measure(work_dir: &Path, postgres_url: Option<&str>) -> Result<Vec<Measurement>> {
    let sqlite = sqlite::measure(work_dir).await.context("hot deposit on SQLite")?;
    let best_single = sqlite.waiting.max(sqlite.in_turns);
    let told = |key, what, rate| Measurement::told(key, what, rate, "holds/s");
    let mut measurements = vec![
        told("hot_sqlite_grouped", "hot deposit, SQLite: grouped", sqlite.grouped),
        told("hot_sqlite_waiting", "hot deposit, SQLite: one by one, busy wait", sqlite.waiting),
        told("hot_sqlite_in_turns", "hot deposit, SQLite: one by one, in turns", sqlite.in_turns),
        Measurement::told(
            "hot_sqlite_ratio",
            "hot deposit, SQLite: grouped / better of both",
            sqlite.grouped / best_single,
            "",
        )
        .held_to(Bound::AtLeast(3.0)),
    ];
    let Some(url) = postgres_url else {
        eprintln!("hot deposit: no PostgreSQL given, only SQLite is measured");
        return Ok(measurements);
    };
    let (grouped, single) = postgres::measure(url).await.context("hot deposit on PostgreSQL")?;
    measurements.extend([
        told("hot_postgres_grouped", "hot deposit, PostgreSQL: grouped", grouped),
        told("hot_postgres_single", "hot deposit, PostgreSQL: one by one", single),
        Measurement::told(
            "hot_postgres_ratio",
            "hot deposit, PostgreSQL: grouped / one by one",
            grouped / single,
            "",
        )
        .held_to(Bound::AtLeast(8.0)),
    ]);
    Ok(measurements)
}

/// Holds and the time they took.
#[derive(Clone, Copy, Default)]
struct Tally {
    holds: u64,
    seconds: f64,
}

impl Tally {
    fn per_second(self) -> f64 {
        self.holds as f64 / self.seconds
    }

    fn add(&mut self, other: Self) {
        self.holds += other.holds;
        self.seconds += other.seconds;
    }
}

/// Holds through the grouping writer, by callers that each wait for their answer.
async fn run_grouped(store: &Store, purchases: &Purchases) -> Result<Tally> {
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (store, purchases) = (store.clone(), purchases.clone());
            tokio::spawn(async move {
                let mut holds = 0;
                while started.elapsed() < RUN_TIME && holds < MAX_HOLDS {
                    match store.begin_authorisation(purchases.draw()).await? {
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
