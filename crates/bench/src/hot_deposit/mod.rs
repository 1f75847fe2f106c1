//! Durable holds per second by many callers on one deposit: through the grouping writer, compared
//! with callers that each commit their own hold on the same account row.
//!
//! Both write the same three rows with the same durability: the authorisation, the
//! ledger transfer, and the account.

pub mod postgres;
pub mod purchases;
mod row_text;
mod run;
mod sqlite;

use std::path::Path;

use anyhow::{Context, Result};

use crate::report::{Bound, Measurement};

/// Measures both engines; PostgreSQL only if there is one.
pub async fn measure(work_dir: &Path, postgres_url: Option<&str>) -> Result<Vec<Measurement>> {
    let sqlite = sqlite::measure(work_dir).await.context("hot deposit on SQLite")?;
    let best_single = sqlite.waiting.max(sqlite.in_turns);
    let info = |key, what, rate| Measurement::info(key, what, rate, "holds/s");
    let mut measurements = vec![
        info("hot_sqlite_grouped", "hot deposit, SQLite: grouped", sqlite.grouped),
        info("hot_sqlite_linked", "hot deposit, SQLite: grouped, by links", sqlite.linked),
        Measurement::info(
            "hot_sqlite_link_ratio",
            "hot deposit, SQLite: by links / by the sandbox API",
            sqlite.linked / sqlite.grouped,
            "",
        ),
        info("hot_sqlite_waiting", "hot deposit, SQLite: one by one, busy wait", sqlite.waiting),
        info("hot_sqlite_in_turns", "hot deposit, SQLite: one by one, in turns", sqlite.in_turns),
        Measurement::info(
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
    let postgres::Rates { grouped, linked, single } =
        postgres::measure(url).await.context("hot deposit on PostgreSQL")?;
    measurements.extend([
        info("hot_postgres_grouped", "hot deposit, PostgreSQL: grouped", grouped)
            .held_to(Bound::AtLeast(20_000.0)),
        info("hot_postgres_linked", "hot deposit, PostgreSQL: grouped, by links", linked),
        Measurement::info(
            "hot_postgres_link_ratio",
            "hot deposit, PostgreSQL: by links / by the sandbox API",
            linked / grouped,
            "",
        ),
        info("hot_postgres_single", "hot deposit, PostgreSQL: one by one", single),
        Measurement::info(
            "hot_postgres_ratio",
            "hot deposit, PostgreSQL: grouped / one by one",
            grouped / single,
            "",
        )
        .held_to(Bound::AtLeast(8.0)),
    ]);
    Ok(measurements)
}
