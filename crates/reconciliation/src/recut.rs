//! The leased jobs that cut the files of one enterprise's day again: those that failed, or were not
//! final because an authorisation had no decision yet.

use domain::BusinessDay;
use schedule::{BackOff, JobError, LeasedJobs};
use store::{Job, JobKind, Store};

use super::cut::{CutError, SettlementFiles};

/// Most days cut again at a time; each may hold pieces of a large file.
const PLACES: u32 = 2;
/// Pause before a day is cut again, in seconds of business time.
pub(super) const FIRST_PAUSE_S: i64 = 60;
/// Pauses double up to a day; a day's files are given up after 20 attempts, in over nine days.
const BACK_OFF: BackOff =
    BackOff { first_pause_s: FIRST_PAUSE_S, longest_pause_s: 24 * 60 * 60, max_attempts: 20 };

/// Cuts files again until they are final.
#[must_use]
pub fn recut_worker(store: Store) -> LeasedJobs {
    let files = SettlementFiles::new(store.clone());
    let kind = ("settlement-recuts", JobKind::SettlementRecut);
    LeasedJobs::new(store, kind, PLACES, move |job| {
        let files = files.clone();
        Box::pin(async move { recut(&files, &job).await })
    })
    .long(BACK_OFF)
}

async fn recut(files: &SettlementFiles, job: &Job) -> Result<(), JobError> {
    let day = BusinessDay::from_i64(job.subject_id);
    let closed = files.close_for(job.enterprise_id, day).await;
    if closed.is_final() {
        return Ok(files.store.end_recut(job.enterprise_id, day).await?);
    }
    let is_failed = !closed.failed.is_empty();
    Err(if is_failed { CutError::Failed.into() } else { CutError::Undecided.into() })
}
