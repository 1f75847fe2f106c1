//! Which deliveries a worker may take now.
//!
//! The search goes enterprise by enterprise, each through its own part of the index on
//! pending webhooks. So webhooks that pile up at an enterprise without a URL, and those
//! delivered long ago, cost the others nothing.

use domain::{EnterpriseId, Timestamp};
use futures_util::future::try_join_all;

use super::Delivery;
use crate::StoreError;
use crate::engine::{Row, Tx};
use crate::jobs::Lease;
use crate::rows::{EVENT_COLUMNS, Fields, event_from};

/// Enterprises looked at by one claim at most.
const MAX_DUE_ENTERPRISES: i64 = 1_000;

/// No earlier webhook of the same object is pending. The `+` keeps planners off indexes
/// that begin with the enterprise: the object's own is far shorter.
const IS_FIRST_OF_ITS_OBJECT: &str = "NOT EXISTS (SELECT 1 FROM webhook earlier \
    WHERE earlier.business_id = w.business_id AND +earlier.enterprise_id = w.enterprise_id \
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
         WHERE w.enterprise_id = e.enterprise_id AND w.status = 'PENDING' \
         AND {IS_FIRST_OF_ITS_OBJECT} ORDER BY w.next_attempt_at LIMIT 1) AS due_at \
         FROM enterprise e WHERE e.webhook_url IS NOT NULL) due"
    );
    tx.query_opt(&sql, &[]).await?.map_or(Ok(None), |row| row.opt_time(0))
}

/// Takes deliveries, earliest due first.
pub(super) async fn claim(
    tx: &Tx,
    lease: Lease,
    passing_over: &[EnterpriseId],
) -> Result<Vec<Delivery>, StoreError> {
    let limit = lease.limit as usize;
    let mut found: Vec<Candidate> = Vec::new();
    for (enterprise_id, first_due_at) in due_enterprises(tx, lease.now).await? {
        // Enterprises come in order of their earliest due time: all others are later.
        let is_enough =
            found.len() >= limit && found.last().is_none_or(|last| first_due_at > last.due_at);
        if is_enough {
            break;
        }
        if passing_over.contains(&enterprise_id) {
            continue;
        }
        found.extend(candidates(tx, enterprise_id, lease).await?);
        found.sort_by_key(|it| (it.due_at, it.delivery.event.webhook_id));
        found.truncate(limit);
    }
    let taken = try_join_all(found.iter().map(|it| take(tx, &it.delivery, lease))).await?;
    let both = found.into_iter().zip(taken);
    Ok(both.filter_map(|(it, is_taken)| is_taken.then_some(it.delivery)).collect())
}

/// Enterprises with a webhook URL and a webhook due, by their earliest.
async fn due_enterprises(
    tx: &Tx,
    now: Timestamp,
) -> Result<Vec<(EnterpriseId, Timestamp)>, StoreError> {
    let sql = "SELECT enterprise_id, due_at FROM (SELECT e.enterprise_id AS enterprise_id, \
        (SELECT w.next_attempt_at FROM webhook w WHERE w.enterprise_id = e.enterprise_id \
        AND w.status = 'PENDING' ORDER BY w.next_attempt_at LIMIT 1) AS due_at \
        FROM enterprise e WHERE e.webhook_url IS NOT NULL) due \
        WHERE due_at <= $1 ORDER BY due_at, enterprise_id LIMIT $2";
    let rows = tx.query(sql, &[now.into(), MAX_DUE_ENTERPRISES.into()]).await?;
    rows.iter().map(|row| Ok((EnterpriseId::from_i64(row.int(0)?), row.time(1)?))).collect()
}

async fn candidates(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    lease: Lease,
) -> Result<Vec<Candidate>, StoreError> {
    let sql = format!(
        "SELECT {EVENT_COLUMNS}, tries, next_attempt_at FROM webhook w \
         WHERE enterprise_id = $1 AND status = 'PENDING' AND next_attempt_at <= $2 \
         AND (leased_until IS NULL OR leased_until <= $3) AND {IS_FIRST_OF_ITS_OBJECT} \
         ORDER BY next_attempt_at, webhook_id LIMIT $4"
    );
    let params =
        [enterprise_id.into(), lease.now.into(), lease.real_now.into(), lease.limit.into()];
    tx.query(&sql, &params).await?.iter().map(|row| candidate_from(row, lease)).collect()
}

fn candidate_from(row: &Row, lease: Lease) -> Result<Candidate, StoreError> {
    let mut fields = Fields::of(row);
    let f = &mut fields;
    let delivery = Delivery {
        event: event_from(f)?,
        tries: f.small("webhook.tries")?,
        leased_until: lease.until,
    };
    Ok(Candidate { due_at: f.time()?, delivery })
}

/// Takes one delivery unless another worker was faster.
async fn take(tx: &Tx, delivery: &Delivery, lease: Lease) -> Result<bool, StoreError> {
    let sql = "UPDATE webhook SET leased_until = $1 \
        WHERE enterprise_id = $2 AND webhook_id = $3 AND status = 'PENDING' \
        AND next_attempt_at <= $4 AND (leased_until IS NULL OR leased_until <= $5)";
    let params = [
        lease.until.into(),
        delivery.event.enterprise_id.into(),
        delivery.event.webhook_id.into(),
        lease.now.into(),
        lease.real_now.into(),
    ];
    tx.execute(sql, &params).await.map(|count| count == 1)
}
