//! The row of a destination: the time at which something is due there. The commit that makes
//! something due writes it, and it is never too late, so a worker that looks then finds everything
//! that is due.

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

/// Records that something is due at `due_at` (business time). The row is written even if it says so
/// already, so a claim that read it earlier does not overwrite it. A destination with all its
/// places taken is looked at again when one of them comes free.
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
    tx.post(sql, [enterprise_id, vm_app_id, due_at.into()]).await
}

/// Records that a place came free: a destination that waits for one goes to the end of those that
/// are due now. The row is written even if nothing waits, so a claim that found no place earlier
/// does not overwrite it.
pub(super) async fn has_place(
    tx: &Tx,
    destination: Destination,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE destination SET version = version + 1, is_waiting = 0, \
        next_due_at = CASE WHEN is_waiting = 1 THEN $3 ELSE next_due_at END \
        WHERE enterprise_id = $1 AND vm_app_id = $2";
    let [enterprise_id, vm_app_id] = key(destination);
    tx.post(sql, [enterprise_id, vm_app_id, now.into()]).await
}

/// Records whether a destination has a URL. The destination is looked at soon, because webhooks may
/// have waited for one.
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

/// Has every destination looked at soon: all leases have ended.
pub(crate) async fn look_at_all(tx: &Tx) -> Result<(), StoreError> {
    let sql = "UPDATE destination SET look_at = 0, is_waiting = 0, version = version + 1 \
        WHERE look_at IS NOT NULL OR is_waiting = 1";
    tx.execute(sql, &[]).await.map(|_| ())
}
