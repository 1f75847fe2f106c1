//! The events of a commit on their way to their numbers.

use std::collections::BTreeMap;

use domain::Event;

use super::NO_ENTERPRISE;
use super::packed::pack;
use crate::StoreError;
use crate::engine::Tx;

/// Records events as part of the caller's commit, in their order. The caller holds the locks of
/// the objects that are not new: an entry's place is taken here, so the entries of one object stand
/// in the order of its commits, whatever the clocks of their processes show.
pub(crate) async fn post(tx: &Tx, events: &[Event]) -> Result<(), StoreError> {
    let mut by_enterprise = BTreeMap::<_, Vec<Event>>::new();
    for event in events {
        let owner = event.enterprise_id.unwrap_or(NO_ENTERPRISE);
        by_enterprise.entry(owner.as_i64()).or_default().push(*event);
    }
    for (enterprise_id, events) in by_enterprise {
        let sql = "INSERT INTO feed_entry (enterprise_id, body) VALUES ($1, $2)";
        tx.post(sql, [enterprise_id.into(), pack(&events)?.into()]).await?;
    }
    Ok(())
}
