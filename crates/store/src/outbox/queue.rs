//! The queue of an object's webhooks at a destination: each has a place, and only the first
//! that is not delivered may be sent.

use std::collections::{BTreeMap, BTreeSet};

use domain::{DeliveryStatus, Event, EventKind, Timestamp, WebhookEvent};

use super::destination;
use crate::engine::{Statement, Tx, Value};
use crate::records::{NO_APP, record};
use crate::{StoreError, feed};

/// Enterprise, object and app (or None): the webhooks of one queue are delivered in order.
type Queue = [i64; 3];

const fn queue_of(event: &WebhookEvent) -> Queue {
    let vm_app_id = match event.vm_app_id {
        Some(id) => id.as_i64(),
        None => NO_APP,
    };
    [event.enterprise_id.as_i64(), event.business_id, vm_app_id]
}

/// The last place in a queue.
pub(super) const LAST: &str = "SELECT seq FROM webhook WHERE enterprise_id = $1 \
    AND business_id = $2 AND vm_app_id = $3 AND seq > 0 ORDER BY seq DESC LIMIT 1";
/// The first pending webhook of a queue.
pub(super) const FIRST_PENDING: &str = "SELECT webhook_id, is_first FROM webhook \
    WHERE enterprise_id = $1 AND business_id = $2 AND vm_app_id = $3 AND status = 'PENDING' \
    ORDER BY seq, webhook_id LIMIT 1 FOR UPDATE";

/// An event on its way into the outbox.
struct NewWebhook {
    event: WebhookEvent,
    status: DeliveryStatus,
    tries: i64,
    next_attempt_at: Timestamp,
    seq: i64,
    is_first: bool,
}

record! {
    NewWebhook in "webhook" key (enterprise_id, webhook_id) {
        event of WebhookEvent,
        status,
        tries,
        next_attempt_at,
        seq,
        is_first,
    }
}

/// The end of a queue.
struct End {
    last_seq: i64,
    has_pending: bool,
}

/// Puts events into the outbox, due at once. This is part of the caller's commit, after which
/// `outbox_changed` must be notified. The caller holds the lock of each object that is not new, so
/// places are given in the order of the changes, even if the processes' clocks differ.
pub(crate) async fn insert_events(tx: &Tx, events: &[WebhookEvent]) -> Result<(), StoreError> {
    let told = queue_events(tx, events).await?;
    feed::post(tx, &told).await
}

/// As [`insert_events`]; returns what the caller records in the feed.
pub(crate) async fn queue_events(
    tx: &Tx,
    events: &[WebhookEvent],
) -> Result<Vec<Event>, StoreError> {
    let queues: BTreeSet<Queue> = events.iter().map(queue_of).collect();
    // The first is locked, so the commit that finishes it sees what is now behind it.
    let statements: Vec<_> = queues.iter().flat_map(|queue| ends(*queue)).collect();
    let mut answers = tx.together(&statements).await?;
    let mut ends = BTreeMap::new();
    for queue in queues {
        let (last, first): (Option<i64>, _) = (answers.one()?, answers.one::<(i64, bool)>()?);
        ends.insert(queue, End { last_seq: last.unwrap_or(0), has_pending: first.is_some() });
    }
    let mut due = BTreeMap::new();
    let mut rows = Vec::with_capacity(events.len());
    for event in events {
        let queue = ends.entry(queue_of(event)).or_insert(End { last_seq: 0, has_pending: false });
        queue.last_seq += 1;
        let is_first = !std::mem::replace(&mut queue.has_pending, true);
        if is_first {
            let place = [queue_of(event)[0], queue_of(event)[2]];
            let (_, due_at) = due.entry(place).or_insert((event.destination(), event.created_at));
            *due_at = event.created_at.min(*due_at);
        }
        rows.push(NewWebhook {
            event: event.clone(),
            status: DeliveryStatus::Pending,
            tries: 0,
            next_attempt_at: event.created_at,
            seq: queue.last_seq,
            is_first,
        });
    }
    tx.post_all(&rows).await?;
    // In the order of their keys, so two commits cannot wait for one another.
    for (destination, due_at) in due.into_values() {
        destination::is_due(tx, destination, due_at).await?;
    }
    Ok(events.iter().map(|it| told(it, EventKind::WebhookQueued, it.created_at)).collect())
}

/// What happened to a webhook, `at` in business time.
pub(super) const fn told(webhook: &WebhookEvent, kind: EventKind, at: Timestamp) -> Event {
    Event {
        enterprise_id: Some(webhook.enterprise_id),
        vm_app_id: webhook.vm_app_id,
        kind,
        subject_id: webhook.webhook_id.as_i64(),
        at,
    }
}

/// The queries for both ends of a queue.
fn ends(queue: Queue) -> [Statement; 2] {
    [LAST, FIRST_PENDING].map(|sql| Statement::new(sql, queue.map(Value::Int)))
}

/// The query for the first pending webhook of an event's queue, locked, with whether it may be
/// sent.
pub(super) fn first_pending(event: &WebhookEvent) -> Statement {
    Statement::new(FIRST_PENDING, queue_of(event).map(Value::Int))
}

/// Lets the first pending webhook of an event's queue be sent; false if there is none, or it may be
/// sent already.
pub(super) async fn let_go(
    tx: &Tx,
    event: &WebhookEvent,
    first: Option<(i64, bool)>,
) -> Result<bool, StoreError> {
    let Some((webhook_id, false)) = first else { return Ok(false) };
    let sql = "UPDATE webhook SET is_first = 1 WHERE enterprise_id = $1 AND webhook_id = $2";
    tx.post(sql, [event.enterprise_id.into(), webhook_id.into()]).await?;
    Ok(true)
}

/// Makes a webhook that is pending again the first of its queue, unless an earlier one is pending,
/// and makes those behind it wait.
pub(super) async fn put_back(tx: &Tx, event: &WebhookEvent, seq: i64) -> Result<(), StoreError> {
    let queue = queue_of(event);
    let behind = "UPDATE webhook SET is_first = 0 WHERE enterprise_id = $1 AND business_id = $2 \
        AND vm_app_id = $3 AND status = 'PENDING' AND is_first = 1 \
        AND (seq > $4 OR (seq = $4 AND webhook_id > $5))";
    let [enterprise_id, business_id, vm_app_id] = queue.map(Value::Int);
    let params = [enterprise_id, business_id, vm_app_id, seq.into(), event.webhook_id.into()];
    tx.post(behind, params).await?;
    let first = tx.together(&[first_pending(event)]).await?.one()?;
    let_go(tx, event, first).await.map(drop)
}
