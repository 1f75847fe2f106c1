//! Leases of jobs: held, lost, taken over.

use domain::{BusinessDay, CardOrder, OrderStatus};
use store::{Job, JobKind, OrderStep, OrderStepOutcome, Renewal, Store};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, claim_for, tell};

const LEASE_MS: i64 = 60_000;

async fn lease(store: &Store, lease_ms: i64, limit: u32) -> Vec<Job> {
    store.lease_jobs(JobKind::OrderStep, NOW, lease_ms, limit).await.unwrap()
}

both_engines!(a_leased_job_is_passed_over, |store| {
    tell(&store, ENTERPRISE, 1).await;
    let first = lease(&store, LEASE_MS, 10).await;
    assert_eq!((first.len(), first[0].attempts), (1, 1));
    assert_eq!(lease(&store, LEASE_MS, 10).await, []);
    assert_eq!(store.next_job_due(JobKind::OrderStep).await.unwrap(), Some(NOW));
});

both_engines!(a_job_is_not_leased_before_it_is_due, |store| {
    tell(&store, ENTERPRISE, 1).await;
    let early = NOW.plus_millis(-1);
    let leased = store.lease_jobs(JobKind::OrderStep, early, LEASE_MS, 10).await.unwrap();
    assert_eq!(leased, []);
});

both_engines!(workers_at_once_never_share_a_job, |store| {
    for business_id in 0..20 {
        tell(&store, ENTERPRISE, business_id).await;
    }
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { lease(&store, LEASE_MS, 5).await })
        })
        .collect();
    let mut leased = Vec::new();
    for task in tasks {
        leased.extend(task.await.unwrap().into_iter().map(|job| job.job_id));
    }
    leased.extend(lease(&store, LEASE_MS, 20).await.into_iter().map(|job| job.job_id));
    leased.sort();
    let all = leased.len();
    leased.dedup();
    assert_eq!((leased.len(), all), (20, 20));
});

both_engines!(an_expired_lease_is_taken_over_and_its_first_holder_is_stale, |store| {
    tell(&store, ENTERPRISE, 1).await;
    // A lease of no time has ended by the time anyone looks.
    let dead = lease(&store, 0, 1).await.remove(0);
    let heir = lease(&store, LEASE_MS, 1).await.remove(0);
    assert_eq!((heir.job_id, heir.attempts), (dead.job_id, 2));
    let order_id = domain::OrderId::from_i64(dead.subject_id);
    let order = store.find::<CardOrder>((ENTERPRISE, order_id)).await.unwrap().unwrap();
    let step = |job: &Job| OrderStep {
        order: domain::CardOrder { status: OrderStatus::CustomerPass, ..order.clone() },
        expected_status: OrderStatus::Pending,
        job: job.clone(),
        next_due_at: Some(NOW),
        issued: None,
        events: Vec::new(),
    };
    assert_eq!(store.advance_order(step(&dead)).await.unwrap(), OrderStepOutcome::Stale);
    assert_eq!(store.advance_order(step(&heir)).await.unwrap(), OrderStepOutcome::Done);
});

both_engines!(a_job_given_back_is_due_when_it_says, |store| {
    tell(&store, ENTERPRISE, 1).await;
    let job = lease(&store, LEASE_MS, 1).await.remove(0);
    store.postpone_job(&job, NOW.plus_seconds(5)).await.unwrap();
    assert_eq!(lease(&store, LEASE_MS, 1).await, []);
    let due = store.next_job_due(JobKind::OrderStep).await.unwrap();
    assert_eq!(due, Some(NOW.plus_seconds(5)));
    let later = NOW.plus_seconds(5);
    let again = store.lease_jobs(JobKind::OrderStep, later, LEASE_MS, 1).await.unwrap();
    assert_eq!(again.len(), 1);
    // The first lease has ended; giving back with it changes nothing.
    store.postpone_job(&job, NOW.plus_seconds(9)).await.unwrap();
    let due = store.next_job_due(JobKind::OrderStep).await.unwrap();
    assert_eq!(due, Some(NOW.plus_seconds(5)));
});

both_engines!(a_start_takes_over_every_lease, |store| {
    crate::samples::found(&store, ENTERPRISE, Some("https://hook.example")).await;
    tell(&store, ENTERPRISE, 1).await;
    assert_eq!(lease(&store, LEASE_MS, 1).await.len(), 1);
    assert_eq!(claim_for(&store, NOW, LEASE_MS, 1).await.len(), 1);
    store.take_over_leases().await.unwrap();
    assert_eq!(lease(&store, LEASE_MS, 1).await.len(), 1);
    assert_eq!(claim_for(&store, NOW, LEASE_MS, 1).await.len(), 1);
});

both_engines!(a_renewal_tells_a_lost_lease_from_a_job_that_has_ended, |store| {
    let day = BusinessDay::from_i64(7);
    store.recut_later(ENTERPRISE, day, NOW).await.unwrap();
    let lease = async || store.lease_jobs(JobKind::SettlementRecut, NOW, 0, 1).await.unwrap();
    let first = lease().await.remove(0);
    let second = lease().await.remove(0);
    assert_eq!(store.renew_job(&first, LEASE_MS).await.unwrap(), Renewal::Lost);
    let Renewal::Held(until) = store.renew_job(&second, LEASE_MS).await.unwrap() else {
        panic!("its lease is held by nobody else")
    };
    assert!(until > store.clock().real_now());
    store.end_recut(ENTERPRISE, day).await.unwrap();
    let held = Job { leased_until: Some(until), ..second };
    assert_eq!(store.renew_job(&held, LEASE_MS).await.unwrap(), Renewal::Ended);
});

both_engines!(a_parked_job_is_tried_again_once_it_is_asked_for, |store| {
    let day = BusinessDay::from_i64(7);
    let kind = JobKind::SettlementRecut;
    store.recut_later(ENTERPRISE, day, NOW).await.unwrap();
    let job = store.lease_jobs(kind, NOW, LEASE_MS, 1).await.unwrap().remove(0);
    // A job that is under way or waits for a time is not parked.
    assert_eq!(store.retry_job(job.job_id, NOW).await.unwrap(), None);
    store.park_job(&job).await.unwrap();
    let fresh = Job { due_at: NOW, attempts: 0, leased_until: None, ..job.clone() };
    assert_eq!(store.retry_job(job.job_id, NOW).await.unwrap(), Some(fresh));
    assert_eq!(store.retry_job(job.job_id, NOW).await.unwrap(), None);
    let again = store.lease_jobs(kind, NOW, LEASE_MS, 1).await.unwrap().remove(0);
    assert_eq!((again.job_id, again.attempts), (job.job_id, 1));
    // A new reason to cut the day again also makes it due; a job that waits for its time keeps it.
    store.park_job(&again).await.unwrap();
    let later = NOW.plus_seconds(5);
    store.recut_later(ENTERPRISE, day, later).await.unwrap();
    store.recut_later(ENTERPRISE, day, NOW).await.unwrap();
    assert_eq!(store.next_job_due(kind).await.unwrap(), Some(later));
    let third = store.lease_jobs(kind, later, LEASE_MS, 2).await.unwrap();
    assert_eq!((third.len(), third[0].attempts), (1, 1));
});
