//! The deliveries that a worker may take now.
//!
//! Destinations whose rows say that something is due are served in turn. For each, a claim reads
//! the webhooks that may be sent, through an index of only those: webhooks that wait behind them,
//! were delivered, or go to other destinations cost nothing.

use std::collections::BTreeMap;

use domain::{Destination, Timestamp, WebhookEvent};
use futures_util::future::try_join_all;

use super::Delivery;
use super::destination::{by_key, key};
use crate::StoreError;
use crate::engine::{Row, Statement, Tx};
use crate::jobs::Lease;
use crate::records::{Fields, columns, groups, read_row, sql};

/// An app may take 10 s to answer (vm-api.md section 10.3), twice an enterprise's time: the
/// lease of its delivery is longer by this many milliseconds of real time.
const APP_LEASE_EXTRA_MS: i64 = 5_000;
/// The time for which a destination without a free place is skipped if none of its places comes
/// free, milliseconds of real time.
const PASSED_OVER_MS: i64 = 2_000;

/// The first moment at which a destination has something due.
pub(super) const NEXT_DUE: &str = "SELECT next_due_at FROM destination WHERE has_url = 1 \
    AND next_due_at IS NOT NULL ORDER BY next_due_at LIMIT 1";
/// The first lease or pause that is over.
pub(super) const NEXT_LOOK: &str = "SELECT look_at FROM destination WHERE has_url = 1 \
    AND look_at IS NOT NULL AND look_at <= $1 ORDER BY look_at LIMIT 1";
/// Destinations with something due.
pub(super) const DUE: &str = "SELECT enterprise_id, vm_app_id, version FROM destination \
    WHERE has_url = 1 AND next_due_at IS NOT NULL AND next_due_at <= $1 \
    ORDER BY next_due_at LIMIT $2";
/// Destinations whose lease or pause is over.
pub(super) const LOOKS_OVER: &str = "SELECT enterprise_id, vm_app_id, version FROM destination \
    WHERE has_url = 1 AND look_at IS NOT NULL AND look_at <= $1 ORDER BY look_at LIMIT $2";
/// The due time of a destination's first webhook that is due after now.
pub(super) const NEXT_SENDABLE: &str = "SELECT next_attempt_at FROM webhook \
    WHERE enterprise_id = $1 AND vm_app_id = $2 AND is_first = 1 AND next_attempt_at > $3 \
    ORDER BY next_attempt_at LIMIT 1";
/// The end of the first lease of the due webhooks, and the number of those without one.
pub(super) const LEASES: &str = "SELECT MIN(CASE WHEN leased_until > $4 THEN leased_until END), \
    COUNT(CASE WHEN leased_until > $4 THEN NULL ELSE 1 END) FROM webhook \
    WHERE enterprise_id = $1 AND vm_app_id = $2 AND is_first = 1 AND next_attempt_at <= $3";

/// The webhooks of a destination that are due and not leased, each with its tries and place.
pub(super) fn sendable_sql() -> &'static str {
    sql!(
        "SELECT {}, tries, seq FROM webhook WHERE enterprise_id = $1 \
         AND vm_app_id = $2 AND is_first = 1 AND next_attempt_at <= $3 \
         AND (leased_until IS NULL OR leased_until <= $4) \
         ORDER BY next_attempt_at, webhook_id LIMIT $5 FOR UPDATE SKIP LOCKED",
        columns::<WebhookEvent>()
    )
}

/// A destination where something may be due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueDestination {
    /// The receiver of the webhooks.
    pub destination: Destination,
    /// The version of its row as read; a row with another version is not overwritten.
    pub version: i64,
}

/// The number of deliveries of a destination that a claim may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The destination.
    pub due: DueDestination,
    /// At most so many; 0 if it is skipped for now.
    pub places: u32,
}

/// The due time of the next delivery that is not leased.
pub(super) async fn next_due(
    tx: &Tx,
    now: Timestamp,
    real_now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let statements = [Statement::new(NEXT_DUE, []), Statement::new(NEXT_LOOK, [real_now.into()])];
    let mut answers = tx.together(&statements).await?;
    let (due, look): (Option<Timestamp>, Option<Timestamp>) = (answers.one()?, answers.one()?);
    if due.is_some_and(|due| due <= now) {
        return Ok(due);
    }
    Ok(look.map(|_| now).or(due))
}

/// Destinations with something due, or with a lease or a pause that is over, in turn.
pub(super) async fn due_destinations(
    tx: &Tx,
    now: Timestamp,
    real_now: Timestamp,
    limit: u32,
) -> Result<Vec<DueDestination>, StoreError> {
    let by = |sql: &'static str, time: Timestamp| Statement::new(sql, [time.into(), limit.into()]);
    let mut answers = tx.together(&[by(DUE, now), by(LOOKS_OVER, real_now)]).await?;
    let mut found: Vec<DueDestination> = answers.all()?;
    for due in answers.all::<DueDestination>()? {
        if found.iter().all(|it| it.destination != due.destination) {
            found.push(due);
        }
    }
    found.truncate(limit as usize);
    Ok(found)
}

groups! {
    DueDestination { destination: Destination, version: i64 }
}

/// Takes deliveries of each destination, earliest due first, and records when to look at it again.
/// All rows of webhooks are locked before those of destinations, as in every commit.
pub(super) async fn claim(
    tx: &Tx,
    lease: Lease,
    grants: &[Grant],
) -> Result<Vec<Delivery>, StoreError> {
    let taken = try_join_all(grants.iter().map(|grant| take_at(tx, lease, *grant))).await?;
    let mut deliveries = Vec::new();
    let mut outlooks = BTreeMap::new();
    for (grant, (taken, outlook)) in grants.iter().zip(taken) {
        deliveries.extend(taken);
        outlooks.insert(by_key(grant.due.destination), (grant.due, outlook));
    }
    // In the order of their keys, as `insert_events` writes them, and without a pause between them:
    // every commit with a webhook for a destination waits for its row.
    for (due, outlook) in outlooks.values() {
        outlook.write(tx, *due).await?;
    }
    Ok(deliveries)
}

/// The time to look at a destination again.
struct Outlook {
    next_due_at: Option<Timestamp>,
    look_at: Option<Timestamp>,
    is_waiting: bool,
}

impl Outlook {
    /// Writes only over the row that the claim began with: anything that became due meanwhile is
    /// missing from this outlook.
    async fn write(&self, tx: &Tx, due: DueDestination) -> Result<(), StoreError> {
        let sql = "UPDATE destination SET next_due_at = $3, look_at = $4, is_waiting = $5, \
            version = version + 1 WHERE enterprise_id = $1 AND vm_app_id = $2 AND version = $6";
        let [enterprise_id, vm_app_id] = key(due.destination);
        let params = [
            enterprise_id,
            vm_app_id,
            self.next_due_at.into(),
            self.look_at.into(),
            self.is_waiting.into(),
            due.version.into(),
        ];
        tx.post(sql, params).await
    }
}

async fn take_at(
    tx: &Tx,
    lease: Lease,
    grant: Grant,
) -> Result<(Vec<Delivery>, Outlook), StoreError> {
    let destination = grant.due.destination;
    if grant.places == 0 {
        let look_at = Some(lease.real_now.plus_millis(PASSED_OVER_MS));
        return Ok((Vec::new(), Outlook { next_due_at: None, look_at, is_waiting: true }));
    }
    let extra_ms = destination.vm_app_id.map_or(0, |_| APP_LEASE_EXTRA_MS);
    let lease = Lease { until: lease.until.plus_millis(extra_ms), ..lease };
    let found = Found::by(tx, lease, grant).await?;
    let places = grant.places as usize;
    for row in found.rows.iter().take(places) {
        take(tx, lease, row).await?;
    }
    let taken: Vec<_> = found.rows.iter().take(places).filter_map(|row| read(row, lease)).collect();
    let outlook = if found.rows.len() <= places {
        found.outlook(lease)
    } else {
        // A webhook that cannot be read takes no place.
        let is_waiting = taken.len() == places;
        let next_due_at = (!is_waiting).then_some(lease.now);
        Outlook { next_due_at, look_at: Some(lease.until), is_waiting }
    };
    Ok((taken, outlook))
}

/// What a claim finds at a destination.
struct Found {
    /// The webhooks that are due and not leased, at most one more than may be taken.
    rows: Vec<Row>,
    /// The due time of the first webhook that is due later.
    later: Option<Timestamp>,
    /// The end of the first lease of somebody else.
    held_until: Option<Timestamp>,
    /// The number of webhooks that are due and not leased, also those that somebody is about to
    /// lease.
    free: u64,
}

impl Found {
    async fn by(tx: &Tx, lease: Lease, grant: Grant) -> Result<Self, StoreError> {
        let [enterprise_id, vm_app_id] = key(grant.due.destination);
        let limit = i64::from(grant.places) + 1;
        let now = [enterprise_id, vm_app_id, lease.now.into()];
        let leased = [now.as_slice(), &[lease.real_now.into()]].concat();
        let limited = [leased.as_slice(), &[limit.into()]].concat();
        let statements = [
            Statement::new(sendable_sql(), limited),
            Statement::new(NEXT_SENDABLE, now),
            Statement::new(LEASES, leased),
        ];
        let mut answers = tx.together(&statements).await?;
        let (rows, later) = (answers.rows()?, answers.one()?);
        let leases: Option<(Option<Timestamp>, u64)> = answers.one()?;
        let (held_until, free) = leases.unwrap_or_default();
        Ok(Self { rows, later, held_until, free })
    }

    /// The outlook of the destination once all rows are leased.
    fn outlook(&self, lease: Lease) -> Outlook {
        let own = (!self.rows.is_empty()).then_some(lease.until);
        let look_at = if self.free > self.rows.len() as u64 {
            Some(Timestamp::default())
        } else {
            self.held_until.into_iter().chain(own).min()
        };
        Outlook { next_due_at: self.later, look_at, is_waiting: false }
    }
}

/// Leases the webhook of a row that is locked.
async fn take(tx: &Tx, lease: Lease, row: &Row) -> Result<(), StoreError> {
    let sql = "UPDATE webhook SET leased_until = $1 WHERE enterprise_id = $2 AND webhook_id = $3";
    let (enterprise_id, webhook_id): (i64, i64) = read_row(row)?;
    let params = [lease.until.into(), enterprise_id.into(), webhook_id.into()];
    tx.post(sql, params).await
}

/// The delivery of a row; None if it cannot be read. Such a webhook is leased nevertheless, so it
/// does not block others.
fn read(row: &Row, lease: Lease) -> Option<Delivery> {
    match delivery_from(row, lease) {
        Ok(delivery) => Some(delivery),
        Err(error) => {
            let (enterprise_id, webhook_id) = read_row::<(i64, i64)>(row).ok().unzip();
            tracing::error!(
                enterprise_id, webhook_id, %error, "a webhook cannot be read; it is not sent"
            );
            None
        }
    }
}

fn delivery_from(row: &Row, lease: Lease) -> Result<Delivery, StoreError> {
    let mut fields = Fields::of(row);
    let event = fields.read()?;
    let (tries, seq) = fields.named(&["webhook.tries", "webhook.seq"]).read()?;
    Ok(Delivery { event, tries, seq, leased_until: lease.until })
}
