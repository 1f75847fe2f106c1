//! Which deliveries a worker may take now.
//!
//! The search goes destination by destination (an enterprise, or an app of dialect 2), each
//! through its own part of the index on pending webhooks. So webhooks that pile up at one
//! without a URL, and those delivered long ago, cost the others nothing.

use domain::{Destination, EnterpriseId, Timestamp, VmAppId};
use futures_util::future::try_join_all;

use super::Delivery;
use crate::StoreError;
use crate::engine::{Row, Tx};
use crate::jobs::Lease;
use crate::rows::{EVENT_COLUMNS, Fields, NO_APP, event_from};

/// Destinations looked at by one claim at most.
const MAX_DUE_DESTINATIONS: i64 = 1_000;
/// An app may take 10 s to answer (vm-api.md section 10.3), twice an enterprise's time: the
/// lease of its delivery is longer by this many milliseconds of real time.
const APP_LEASE_EXTRA_MS: i64 = 5_000;

/// Whoever has a webhook URL.
const DESTINATIONS: &str = "SELECT enterprise_id, 0 AS vm_app_id FROM enterprise \
    WHERE webhook_url IS NOT NULL UNION ALL SELECT enterprise_id, vm_app_id FROM vm_app \
    WHERE webhook_url IS NOT NULL";

/// No earlier webhook of the same object is pending at the same destination. The `+` keeps planners off indexes
/// that begin with the enterprise: the object's own is far shorter.
const IS_FIRST_OF_ITS_OBJECT: &str = "NOT EXISTS (SELECT 1 FROM webhook earlier \
    WHERE earlier.business_id = w.business_id AND +earlier.enterprise_id = w.enterprise_id \
    AND +earlier.vm_app_id = w.vm_app_id \
    AND earlier.webhook_id < w.webhook_id AND earlier.status = 'PENDING')";

/// A delivery that may be claimed, and when it was due.
struct Candidate {
    due_at: Timestamp,
    delivery: Delivery,
}

/// When the next delivery is due, leased or not.
pub(super) async fn next_due(tx: &Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = format!(
        "SELECT MIN(due_at) FROM (SELECT (SELECT w.next_attempt_at FROM webhook w \
         WHERE w.enterprise_id = e.enterprise_id AND w.vm_app_id = e.vm_app_id \
         AND w.status = 'PENDING' AND {IS_FIRST_OF_ITS_OBJECT} ORDER BY w.next_attempt_at LIMIT 1) AS due_at \
         FROM ({DESTINATIONS}) e) due"
    );
    tx.query_opt(&sql, &[]).await?.map_or(Ok(None), |row| row.opt_time(0))
}

/// Takes deliveries, earliest due first.
pub(super) async fn claim(
    tx: &Tx,
    lease: Lease,
    passing_over: &[Destination],
) -> Result<Vec<Delivery>, StoreError> {
    let limit = lease.limit as usize;
    let mut found: Vec<Candidate> = Vec::new();
    for (destination, first_due_at) in due_destinations(tx, lease.now).await? {
        // Destinations come in order of their earliest due time: all others are later.
        let is_enough =
            found.len() >= limit && found.last().is_none_or(|last| first_due_at > last.due_at);
        if is_enough {
            break;
        }
        if passing_over.contains(&destination) {
            continue;
        }
        found.extend(candidates(tx, destination, lease).await?);
        found.sort_by_key(|it| (it.due_at, it.delivery.event.webhook_id));
        found.truncate(limit);
    }
    let taken = try_join_all(found.iter().map(|it| take(tx, &it.delivery, lease))).await?;
    let both = found.into_iter().zip(taken);
    Ok(both.filter_map(|(it, is_taken)| is_taken.then_some(it.delivery)).collect())
}

/// Destinations with a webhook URL and a webhook due, by their earliest.
async fn due_destinations(
    tx: &Tx,
    now: Timestamp,
) -> Result<Vec<(Destination, Timestamp)>, StoreError> {
    let sql = format!(
        "SELECT enterprise_id, vm_app_id, due_at FROM (SELECT e.enterprise_id AS enterprise_id, \
         e.vm_app_id AS vm_app_id, (SELECT w.next_attempt_at FROM webhook w \
         WHERE w.enterprise_id = e.enterprise_id AND w.vm_app_id = e.vm_app_id \
         AND w.status = 'PENDING' ORDER BY w.next_attempt_at LIMIT 1) AS due_at \
         FROM ({DESTINATIONS}) e) due \
         WHERE due_at <= $1 ORDER BY due_at, enterprise_id, vm_app_id LIMIT $2"
    );
    let rows = tx.query(&sql, &[now.into(), MAX_DUE_DESTINATIONS.into()]).await?;
    rows.iter().map(|row| Ok((destination_from(row)?, row.time(2)?))).collect()
}

fn destination_from(row: &Row) -> Result<Destination, StoreError> {
    let vm_app_id = Some(row.int(1)?).filter(|id| *id != NO_APP).map(VmAppId::from_i64);
    Ok(Destination { enterprise_id: EnterpriseId::from_i64(row.int(0)?), vm_app_id })
}

async fn candidates(
    tx: &Tx,
    destination: Destination,
    lease: Lease,
) -> Result<Vec<Candidate>, StoreError> {
    let sql = format!(
        "SELECT {EVENT_COLUMNS}, tries, next_attempt_at FROM webhook w \
         WHERE enterprise_id = $1 AND vm_app_id = $5 AND status = 'PENDING' \
         AND next_attempt_at <= $2 AND (leased_until IS NULL OR leased_until <= $3) AND {IS_FIRST_OF_ITS_OBJECT} \
         ORDER BY next_attempt_at, webhook_id LIMIT $4"
    );
    let params = [
        destination.enterprise_id.into(),
        lease.now.into(),
        lease.real_now.into(),
        lease.limit.into(),
        destination.vm_app_id.map_or(NO_APP, VmAppId::as_i64).into(),
    ];
    tx.query(&sql, &params).await?.iter().map(|row| candidate_from(row, lease)).collect()
}

fn candidate_from(row: &Row, lease: Lease) -> Result<Candidate, StoreError> {
    let mut fields = Fields::of(row);
    let f = &mut fields;
    let event = event_from(f)?;
    let extra_ms = event.vm_app_id.map_or(0, |_| APP_LEASE_EXTRA_MS);
    let delivery = Delivery {
        event,
        tries: f.small("webhook.tries")?,
        leased_until: lease.until.plus_millis(extra_ms),
    };
    Ok(Candidate { due_at: f.time()?, delivery })
}

/// Takes one delivery unless another worker was faster.
async fn take(tx: &Tx, delivery: &Delivery, lease: Lease) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook SET leased_until = $1 \
        WHERE enterprise_id = $2 AND webhook_id = $3 AND status = 'PENDING' \
        AND next_attempt_at <= $4 AND (leased_until IS NULL OR leased_until <= $5)";
    let params = [
        delivery.leased_until.into(),
        delivery.event.enterprise_id.into(),
        delivery.event.webhook_id.into(),
        lease.now.into(),
        lease.real_now.into(),
    ];
    tx.execute(sql, &params).await.map(|count| count == 1)
}
