//! What dead processes leave behind on a server that several share: any live process finds it.

use std::time::Duration;

use domain::{AuthId, IdGenerator};

use crate::open_ends::undecided;
use crate::process::{SERVER_NOW, micros};
use crate::{Store, StoreError};

/// The time after which an undecided authorisation is nobody's, in the server's time: no process
/// works on one for so long.
const ABANDONED_AFTER: Duration = Duration::from_secs(15);
/// The most authorisations in one answer.
const MAX_ROWS: u32 = 1_000;

impl Store {
    /// Undecided authorisations of any process that began more than 15 s ago and come after
    /// `after`, in order of id, at most `limit`. The embedded store has none: its only process
    /// declines them at its start.
    pub async fn abandoned_authorisations(
        &self,
        after: AuthId,
        limit: u32,
    ) -> Result<Vec<AuthId>, StoreError> {
        if self.is_embedded() {
            return Ok(Vec::new());
        }
        let condition = format!("begun_at < {SERVER_NOW} - $1 AND auth_id > $2");
        let sql = undecided("auth_id", &condition);
        let sql = format!("SELECT auth_id FROM ({sql}) it ORDER BY auth_id LIMIT $3");
        self.all(sql, [micros(ABANDONED_AFTER).into(), after.into(), limit.min(MAX_ROWS).into()])
            .await
    }

    /// Ends the answers of processes whose node number is held no longer: whether they were written
    /// is not known. Does nothing on the embedded store.
    pub async fn forget_answers_of_dead_processes(&self) -> Result<(), StoreError> {
        if self.is_embedded() {
            return Ok(());
        }
        let (shift, mask) = (IdGenerator::NODE_SHIFT, IdGenerator::MAX_NODE);
        let sql = format!(
            "UPDATE link_message SET delivery = 'UNKNOWN' \
             WHERE delivery = 'PENDING' AND delivery <> 'WRITTEN' \
             AND (message_id >> {shift}) & {mask} NOT IN \
             (SELECT node FROM process WHERE expires_at > {SERVER_NOW})"
        );
        self.execute(sql, []).await.map(drop)
    }
}
