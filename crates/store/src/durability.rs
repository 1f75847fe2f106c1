//! What a server's settings promise of what was committed on it.

use crate::engine::Tx;
use crate::{Store, StoreError};

/// What outlasts a crash of the server, and the loss of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durability {
    /// Whether a commit is on disk when it is told.
    pub fsync: bool,
    /// Whether a page that a crash tore in two is repaired.
    pub full_page_writes: bool,
    /// The servers that follow this one.
    pub standbys: Standbys,
}

/// The servers that follow another one, and could be promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standbys {
    /// None are connected.
    None,
    /// A commit waits for those that are connected, or for enough of them.
    Synchronous,
    /// There are such as no commit waits for: one that is promoted may lack the latest.
    Asynchronous,
    /// There are some, and this user may not see whether a commit waits for them.
    Unknown,
}

impl Store {
    /// What the server promises; none for the embedded store, which syncs each commit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn durability(&self) -> Result<Option<Durability>, StoreError> {
        if self.is_embedded() {
            return Ok(None);
        }
        self.read_one(|tx| Box::pin(ask(tx))).await.map(Some)
    }
}

async fn ask(tx: &Tx) -> Result<Durability, StoreError> {
    // A base backup is a follower only while it is taken. Users without the right to see
    // others' connections see the rows and nothing in them.
    let sql = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
        current_setting('synchronous_standby_names'), \
        COUNT(it.pid), COUNT(it.sync_state), \
        COUNT(CASE WHEN it.sync_state = 'async' THEN 1 END) \
        FROM pg_stat_replication AS it WHERE it.state IS DISTINCT FROM 'backup'";
    let row = tx.query_opt(sql, &[]).await?.ok_or(StoreError::Corrupt("settings"))?;
    let names = row.text(2)?;
    let standbys = match (row.int(3)?, row.int(4)?, row.int(5)?) {
        (0, _, _) => Standbys::None,
        (_, _, 1..) => Standbys::Asynchronous,
        (all, visible, _) if visible < all && names.trim().is_empty() => Standbys::Asynchronous,
        (all, visible, _) if visible < all => Standbys::Unknown,
        _ => Standbys::Synchronous,
    };
    let is_on = |text: String| text == "on";
    Ok(Durability { fsync: is_on(row.text(0)?), full_page_writes: is_on(row.text(1)?), standbys })
}
