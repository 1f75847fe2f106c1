//! The feed of events: every committed event gets a number, once, in the order of the commits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{EnterpriseId, EventKind, Timestamp, WebhookId};
use store::{AttemptOutcome, EventFilter, JobKind, ListOrder, NumberedEvent, PageRequest, Store};
use tokio::task::JoinSet;

use crate::both_engines;
use crate::outbox::{claim, finish, ready};
use crate::samples::{ENTERPRISE, NOW, tell, tell_as};

const OTHER: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_021);

async fn number(store: &Store) {
    while store.number_events().await.unwrap().is_more {}
}

async fn read(
    store: &Store,
    enterprise_id: Option<EnterpriseId>,
    cursor: Option<i64>,
    order: ListOrder,
    limit: u32,
) -> Vec<NumberedEvent> {
    let requested = PageRequest { cursor, order, limit };
    store.events(EventFilter { enterprise_id, requested }).await.unwrap()
}

/// All events behind a cursor, read in pages.
async fn follow(
    store: &Store,
    enterprise_id: Option<EnterpriseId>,
    mut after: i64,
    limit: u32,
) -> Vec<NumberedEvent> {
    let mut all = Vec::new();
    loop {
        let page = read(store, enterprise_id, Some(after), ListOrder::OldestFirst, limit).await;
        let Some(last) = page.last() else { return all };
        after = if enterprise_id.is_some() { last.number } else { last.position };
        all.extend(page);
    }
}

fn kinds(events: &[NumberedEvent]) -> Vec<(EventKind, i64)> {
    events.iter().map(|it| (it.event.kind, it.event.subject_id)).collect()
}

both_engines!(what_happens_to_a_webhook_is_in_the_feed, |store| {
    ready(&store).await;
    let first = tell(&store, ENTERPRISE, 1).await;
    assert_eq!(follow(&store, None, 0, 10).await, [], "not numbered yet");
    let claimed = claim(&store, NOW, 10).await.remove(0);
    assert!(finish(&store, &claimed, AttemptOutcome::RetryAt(NOW.plus_seconds(5))).await);
    let claimed = claim(&store, NOW.plus_seconds(5), 10).await.remove(0);
    assert!(finish(&store, &claimed, AttemptOutcome::Dead).await);
    assert!(!finish(&store, &claimed, AttemptOutcome::Delivered).await, "the lease was lost");
    assert!(store.resend_delivery(first, NOW).await.unwrap().is_some());
    let claimed = claim(&store, NOW, 10).await.remove(0);
    assert!(finish(&store, &claimed, AttemptOutcome::Delivered).await);
    number(&store).await;
    let told = follow(&store, Some(ENTERPRISE), 0, 2).await;
    let expected = [
        EventKind::WebhookQueued,
        EventKind::WebhookFailed,
        EventKind::WebhookParked,
        EventKind::WebhookResent,
        EventKind::WebhookDelivered,
    ];
    assert_eq!(kinds(&told), expected.map(|kind| (kind, first.as_i64())));
    assert_eq!(told.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(follow(&store, Some(OTHER), 0, 10).await, []);
});

both_engines!(jobs_that_were_given_up_are_in_the_feed, |store| {
    tell(&store, ENTERPRISE, 1).await;
    let job = store
        .lease_jobs(JobKind::OrderStep, Timestamp::from_micros(i64::MAX - 1), 60_000, 1)
        .await
        .unwrap()
        .remove(0);
    store.park_job(&job).await.unwrap();
    store.park_job(&job).await.unwrap();
    assert!(store.retry_job(job.job_id, NOW).await.unwrap().is_some());
    number(&store).await;
    let told = follow(&store, Some(job.enterprise_id), 0, 10).await;
    let of_jobs: Vec<_> =
        kinds(&told).into_iter().filter(|(_, id)| *id == job.job_id.as_i64()).collect();
    let id = job.job_id.as_i64();
    assert_eq!(of_jobs, [(EventKind::JobParked, id), (EventKind::JobRetried, id)]);
});

both_engines!(pages_are_read_in_both_directions, |store| {
    for object in 0..130 {
        tell(&store, if object % 3 == 0 { OTHER } else { ENTERPRISE }, object).await;
        // The first pages have one event each, the last ones up to 50.
        if object < 60 {
            number(&store).await;
        }
    }
    number(&store).await;
    let all = follow(&store, None, 0, 500).await;
    let positions: Vec<_> = all.iter().map(|it| it.position).collect();
    assert_eq!(positions, (1..=130).collect::<Vec<_>>());
    for (enterprise_id, limit) in
        [None, Some(ENTERPRISE), Some(OTHER)].into_iter().flat_map(|it| [(it, 7), (it, 50)])
    {
        let oldest_first = follow(&store, enterprise_id, 0, limit).await;
        let (mut newest_first, mut before) = (Vec::new(), None);
        loop {
            let page = read(&store, enterprise_id, before, ListOrder::NewestFirst, limit).await;
            // A page with fewer events than the limit is the last one.
            let is_last = page.len() < limit as usize;
            if let Some(last) = page.last() {
                before = Some(if enterprise_id.is_some() { last.number } else { last.position });
            }
            newest_first.extend(page);
            if is_last {
                break;
            }
        }
        newest_first.reverse();
        assert_eq!(newest_first, oldest_first);
        let owned = |it: &&NumberedEvent| {
            enterprise_id.is_none() || it.event.enterprise_id == enterprise_id
        };
        assert_eq!(oldest_first.len(), all.iter().filter(owned).count());
    }
});

// The ids of this store's second process are drawn by a clock that is far behind.
both_engines!(an_objects_events_follow_its_commits_and_no_clock, |store, database| {
    let behind = database.open_as(2).await;
    let mut expected = Vec::new();
    for round in 0..10 {
        expected.push(tell(&store, ENTERPRISE, 1).await);
        let early = WebhookId::from_i64(5 + round);
        expected.push(tell_as(&behind, ENTERPRISE, 1, early).await);
    }
    number(&behind).await;
    let told: Vec<_> = follow(&store, Some(ENTERPRISE), 0, 500)
        .await
        .iter()
        .map(|it| WebhookId::from_i64(it.event.subject_id))
        .collect();
    assert_eq!(told, expected);
    behind.close().await;
});

// Writers, numberers and a reader of two processes at once: the reader, which never looks back,
// has everything in the end.
both_engines!(a_reader_that_goes_on_misses_nothing, |store, database| {
    let other = database.open_as(2).await;
    let (mut writers, mut others) = (JoinSet::new(), JoinSet::new());
    for writer in 0..4 {
        let store = if writer % 2 == 0 { store.clone() } else { other.clone() };
        writers.spawn(async move {
            let mut told = Vec::new();
            for round in 0..25 {
                let enterprise_id = if round % 2 == 0 { ENTERPRISE } else { OTHER };
                told.push(tell(&store, enterprise_id, writer).await);
            }
            told
        });
    }
    let is_over = Arc::new(AtomicBool::new(false));
    for store in [store.clone(), other.clone()] {
        let is_over = Arc::clone(&is_over);
        others.spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                store.number_events().await.unwrap();
                tokio::task::yield_now().await;
            }
            Vec::new()
        });
    }
    let (reader, until) = (store.clone(), Arc::clone(&is_over));
    others.spawn(async move {
        let mut seen: Vec<NumberedEvent> = Vec::new();
        while !until.load(Ordering::SeqCst) {
            let after = seen.last().map_or(0, |it| it.position);
            seen.extend(read(&reader, None, Some(after), ListOrder::OldestFirst, 3).await);
            tokio::task::yield_now().await;
        }
        seen
    });
    let told: Vec<Vec<WebhookId>> = writers.join_all().await;
    is_over.store(true, Ordering::SeqCst);
    let mut seen: Vec<NumberedEvent> = others.join_all().await.into_iter().flatten().collect();
    number(&other).await;
    seen.extend(follow(&other, None, seen.last().map_or(0, |it| it.position), 100).await);
    let positions: Vec<_> = seen.iter().map(|it| it.position).collect();
    assert_eq!(positions, (1..=100).collect::<Vec<_>>());
    let mut numbers = BTreeMap::new();
    for it in &seen {
        let last = numbers.entry(it.event.enterprise_id.map(EnterpriseId::as_i64)).or_insert(0);
        *last += 1;
        assert_eq!(it.number, *last);
    }
    let place: BTreeMap<_, _> = seen.iter().map(|it| (it.event.subject_id, it.position)).collect();
    assert_eq!(place.len(), 100);
    for of_writer in &told {
        for owner in 0..2 {
            let of_owner = of_writer.iter().skip(owner).step_by(2);
            let places: Vec<_> = of_owner.map(|id| place[&id.as_i64()]).collect();
            assert!(places.is_sorted(), "{places:?}");
        }
    }
    let ids: BTreeSet<_> = told.iter().flatten().map(|id| id.as_i64()).collect();
    assert_eq!(ids, place.into_keys().collect());
    other.close().await;
});

both_engines!(events_are_kept_for_a_time, |store| {
    for object in 0..120 {
        tell(&store, ENTERPRISE, object).await;
    }
    number(&store).await;
    let numbered_at = store.clock().now();
    assert!(!store.forget_events(numbered_at.plus_seconds(-3_600)).await.unwrap());
    tell(&store, ENTERPRISE, 500).await;
    assert_eq!(store.oldest_event(ENTERPRISE).await.unwrap(), Some(1));
    while store.forget_events(numbered_at.plus_seconds(3_600)).await.unwrap() {}
    assert_eq!(store.oldest_event(ENTERPRISE).await.unwrap(), None);
    number(&store).await;
    let left = follow(&store, Some(ENTERPRISE), 0, 10).await;
    assert_eq!(left.iter().map(|it| (it.number, it.position)).collect::<Vec<_>>(), [(121, 121)]);
    assert_eq!(store.oldest_event(ENTERPRISE).await.unwrap(), Some(121));
});

/// A number that was given at the commit would be passed by the reader here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_ends_late_is_not_skipped() {
    let database = testkit::database::Database::on_server().await;
    let store = database.open().await;
    let early = tell(&store, ENTERPRISE, 1).await;
    number(&store).await;
    let session = database.connect().await;
    let copy = "BEGIN; INSERT INTO feed_entry (enterprise_id, body) \
        SELECT enterprise_id, body FROM feed_page ORDER BY last_number LIMIT 1";
    session.batch_execute(copy).await.unwrap();
    let next = tell(&store, ENTERPRISE, 2).await;
    number(&store).await;
    let seen = follow(&store, None, 0, 10).await;
    session.batch_execute("COMMIT").await.unwrap();
    number(&store).await;
    let later = follow(&store, None, seen.last().unwrap().position, 10).await;
    let ids = |events: &[NumberedEvent]| -> Vec<i64> {
        events.iter().map(|it| it.event.subject_id).collect()
    };
    assert_eq!(ids(&seen), [early.as_i64(), next.as_i64()]);
    assert_eq!(ids(&later), [early.as_i64()], "the late one comes last");
    store.close().await;
    database.drop().await;
}
