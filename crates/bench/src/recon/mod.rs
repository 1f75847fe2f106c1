//! A large reconciliation file cut by the platform, compared with a plain SQL dump of the same
//! columns of the same rows from the same SQLite file, alternating.
//!
//! Both end with the file on disk: the dump in its own file, synced once; the cut in the store,
//! where it is also hashed and counted.

mod day;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use domain::SettlementFileType;
use reconciliation::SettlementFiles;

use crate::process::{forget_peak, own_resident_bytes, peak_resident_bytes};
use crate::report::{Bound, Measurement};
use day::FullDay;

/// Rows of the file that the bounds apply to.
pub const ROWS: u64 = 1_000_000;
/// Runs of each side, alternating.
const ROUNDS: u32 = 2;
const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// Measures a file of this many rows.
pub async fn measure(work_dir: &Path, rows: u64) -> Result<Vec<Measurement>> {
    let dir = tempfile::tempdir_in(work_dir)?;
    let day = FullDay::make(dir.path(), rows).await?;
    let files = SettlementFiles::new(day.store.clone());
    let [mut cut_seconds, mut dump_seconds, mut added_bytes] = [0.0, 0.0, 0.0_f64];
    for _ in 0..ROUNDS {
        let before = own_resident_bytes()?;
        forget_peak()?;
        let started = Instant::now();
        let cut = files.cut(day.enterprise_id, day.day, SettlementFileType::Authorisation).await?;
        cut_seconds += started.elapsed().as_secs_f64();
        added_bytes = added_bytes.max(peak_resident_bytes()? - before);
        ensure!(cut.file.rows == rows && !cut.differs, "the cut has {} rows", cut.file.rows);
        let started = Instant::now();
        let dumped = day.dump(&dir.path().join("dump.txt")).context("the dump")?;
        dump_seconds += started.elapsed().as_secs_f64();
        ensure!(dumped == rows, "the dump has {dumped} rows");
    }
    day.store.close().await;
    let all = rows as f64 * f64::from(ROUNDS);
    let (cut, dump) = (all / cut_seconds, all / dump_seconds);
    let rate = |key, what, value| Measurement::info(key, what, value, "rows/s");
    Ok(vec![
        rate("recon_cut", "reconciliation file, SQLite: cut", cut),
        rate("recon_dump", "reconciliation file, SQLite: plain dump", dump),
        Measurement::info("recon_ratio", "reconciliation file, SQLite: cut / dump", cut / dump, "")
            .held_to(Bound::AtLeast(0.5)),
        Measurement::info(
            "recon_memory",
            "reconciliation file: memory added at the peak",
            added_bytes / BYTES_PER_MIB,
            "MiB",
        )
        .held_to(Bound::AtMost(64.0)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_sides_write_every_row() {
        let dir = tempfile::tempdir().unwrap();
        let measured = measure(dir.path(), 3_000).await.unwrap();
        assert!(measured.iter().all(|it| it.value >= 0.0 && it.value.is_finite()));
    }
}
