//! The row of a destination: when something is due there. It is kept with the commit that makes
//! something due, and only ever too early, so that whoever looks finds all that is due.

use domain::{Destination, Timestamp, VmAppId};

use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::records::NO_APP;

/// The key of a destination's row, by which commits lock several in one order.
pub(super) fn by_key(destination: Destination) -> [i64; 2] {
    let vm_app_id = destination.vm_app_id.map_or(NO_APP, VmAppId::as_i64);
    [destination.enterprise_id.as_i64(), vm_app_id]
}

/// [`by_key`] for a statement.
pub(super) fn key(destination: Destination) -> [Value; 2] {
    by_key(destination).map(Value::Int)
}

/// Says that something is due at `due_at` (business time). The row is written even where it
/// says so already: the claim that read it before then leaves it as it is. One whose places
/// are all taken is looked at again when one of them comes free.
pub(super) async fn is_due(
    tx: &Tx,
    destination: Destination,
    due_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO destination (enterprise_id, vm_app_id, has_url, next_due_at, look_at, \
        is_waiting, version) VALUES ($1, $2, 0, $3, NULL, 0, 1) \
        ON CONFLICT (enterprise_id, vm_app_id) DO UPDATE SET version = destination.version + 1, \
        next_due_at = CASE WHEN destination.is_waiting = 0 AND (destination.next_due_at IS NULL \
        OR destination.next_due_at > excluded.next_due_at) THEN excluded.next_due_at \
        ELSE destination.next_due_at END";
    let [enterprise_id, vm_app_id] = key(destination);
    tx.execute(sql, &[enterprise_id, vm_app_id, due_at.into()]).await.map(|_| ())
}

/// A place came free: what waits for one goes to the end of those that are due now. The row is
/// written even where nothing waits: a claim that found no place before then leaves it as it is.
pub(super) async fn has_place(
    tx: &Tx,
    destination: Destination,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE destination SET version = version + 1, is_waiting = 0, \
        next_due_at = CASE WHEN is_waiting = 1 THEN $3 ELSE next_due_at END \
        WHERE enterprise_id = $1 AND vm_app_id = $2";
    let [enterprise_id, vm_app_id] = key(destination);
    tx.execute(sql, &[enterprise_id, vm_app_id, now.into()]).await.map(|_| ())
}

/// Says whether a destination has a URL; it is looked at soon, since webhooks may have waited
/// for one.
pub(crate) async fn set_has_url(
    tx: &Tx,
    destination: Destination,
    has_url: bool,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO destination (enterprise_id, vm_app_id, has_url, next_due_at, look_at, \
        is_waiting, version) VALUES ($1, $2, $3, NULL, 0, 0, 1) \
        ON CONFLICT (enterprise_id, vm_app_id) DO UPDATE SET has_url = excluded.has_url, \
        look_at = 0, is_waiting = 0, version = destination.version + 1";
    let [enterprise_id, vm_app_id] = key(destination);
    tx.execute(sql, &[enterprise_id, vm_app_id, has_url.into()]).await.map(|_| ())
}

/// Looks at every destination soon: all leases ended.
pub(crate) async fn look_at_all(tx: &Tx) -> Result<(), StoreError> {
    let sql = "UPDATE destination SET look_at = 0, is_waiting = 0, version = version + 1 \
        WHERE look_at IS NOT NULL OR is_waiting = 1";
    tx.execute(sql, &[]).await.map(|_| ())
}
