//! Leased jobs on both engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::{BusinessDay, EnterpriseId};
use schedule::{BackOff, Boxed, JobError, LeasedJobs, Worker as _};
use store::{Job, JobKind, Store};
use testkit::database::Database;
use tokio::time::{sleep, timeout};

const OWNER: EnterpriseId = EnterpriseId::from_i64(1);
const DAY: BusinessDay = BusinessDay::from_i64(7);
/// Longer than the interval between two renewals of a lease.
const BEYOND_A_RENEWAL: Duration = Duration::from_millis(3_500);
/// A job that waits for itself would never end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Leases the only job and waits until it was attempted.
async fn attempt(
    store: &Store,
    run: impl Fn(Job) -> Boxed<'static, Result<(), JobError>> + Send + Sync + 'static,
) {
    let now = store.clock().now();
    store.recut_later(OWNER, DAY, now).await.unwrap();
    let kind = ("tested", JobKind::SettlementRecut);
    let worker = LeasedJobs::new(store.clone(), kind, 1, run).long(BackOff::USUAL);
    assert_eq!(worker.start_due(now).await.unwrap(), 1);
    timeout(PATIENCE, worker.settled()).await.expect("the job waits for itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_that_waits_for_the_commit_of_its_job_delays_nothing() {
    let database = Arc::new(Database::on_server().await);
    let store = database.open().await;
    let is_done = Arc::new(AtomicBool::new(false));
    let (of, done) = (Arc::clone(&database), Arc::clone(&is_done));
    attempt(&store, move |_| {
        let (database, done) = (Arc::clone(&of), Arc::clone(&done));
        Box::pin(async move {
            let client = database.connect().await;
            client.batch_execute("BEGIN; DELETE FROM job").await?;
            sleep(BEYOND_A_RENEWAL).await;
            client.batch_execute("COMMIT").await?;
            done.store(true, Ordering::SeqCst);
            Ok(())
        })
    })
    .await;
    assert!(is_done.load(Ordering::SeqCst));
    assert_eq!(store.next_job_due(JobKind::SettlementRecut).await.unwrap(), None);
    store.close().await;
    Database::drop(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_has_ended_itself_runs_on_to_its_end() {
    let database = Database::embedded();
    let store = database.open().await;
    let is_done = Arc::new(AtomicBool::new(false));
    let (of, done) = (store.clone(), Arc::clone(&is_done));
    attempt(&store, move |_| {
        let (store, done) = (of.clone(), Arc::clone(&done));
        Box::pin(async move {
            store.end_recut(OWNER, DAY).await?;
            sleep(BEYOND_A_RENEWAL).await;
            done.store(true, Ordering::SeqCst);
            Ok(())
        })
    })
    .await;
    assert!(is_done.load(Ordering::SeqCst));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_after_a_renewal_is_given_back_with_its_pause() {
    let database = Database::embedded();
    let store = database.open().await;
    let before = store.clock().now();
    attempt(&store, |_| {
        Box::pin(async {
            sleep(BEYOND_A_RENEWAL).await;
            Err("as it shall".into())
        })
    })
    .await;
    let due = store.next_job_due(JobKind::SettlementRecut).await.unwrap().unwrap();
    assert!(due >= before.plus_seconds(BackOff::USUAL.pause_s(1)), "{due:?}");
    let leased = store.lease_jobs(JobKind::SettlementRecut, due, 1_000, 1).await.unwrap();
    assert_eq!((leased.len(), leased[0].attempts), (1, 2));
    store.close().await;
}
