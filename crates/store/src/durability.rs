//! The durability that a server's settings promise for committed data.

use crate::records::groups;
use crate::{Store, StoreError};

/// The protection of committed data against a crash of the server, and against its loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durability {
    /// True if a commit is on disk when it is reported.
    pub fsync: bool,
    /// True if a page that a crash tore in two is repaired.
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
    /// No commit waits for some of them: one of those may lack the latest commits when promoted.
    Asynchronous,
    /// There are some, and this user may not see whether a commit waits for them.
    Unknown,
}

impl Store {
    /// The server's durability; None for the embedded store, which syncs each commit.
    pub async fn durability(&self) -> Result<Option<Durability>, StoreError> {
        if self.is_embedded() {
            return Ok(None);
        }
        // A base backup is a follower only while it is taken. Users without the right to see
        // others' connections see the rows, but nothing in them.
        let sql = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
            current_setting('synchronous_standby_names'), \
            COUNT(it.pid), COUNT(it.sync_state), \
            COUNT(CASE WHEN it.sync_state = 'async' THEN 1 END) \
            FROM pg_stat_replication AS it WHERE it.state IS DISTINCT FROM 'backup'";
        let found: Option<Settings> = self.one(sql, []).await?;
        found.map(Durability::from).map(Some).ok_or(StoreError::Corrupt("settings"))
    }
}

/// The server's own statement.
struct Settings {
    fsync: String,
    full_page_writes: String,
    standby_names: String,
    /// The number of servers that follow it.
    all: i64,
    /// The number of those whose replication this user may see.
    visible: i64,
    /// The number of those that no commit waits for.
    asynchronous: i64,
}

groups! {
    Settings {
        fsync: String,
        full_page_writes: String,
        standby_names: String,
        all: i64,
        visible: i64,
        asynchronous: i64
    }
}

impl From<Settings> for Durability {
    fn from(it: Settings) -> Self {
        let has_names = !it.standby_names.trim().is_empty();
        let standbys = match (it.all, it.visible, it.asynchronous) {
            (0, _, _) => Standbys::None,
            (_, _, 1..) => Standbys::Asynchronous,
            (all, visible, _) if visible < all && !has_names => Standbys::Asynchronous,
            (all, visible, _) if visible < all => Standbys::Unknown,
            _ => Standbys::Synchronous,
        };
        let is_on = |text: String| text == "on";
        Self { fsync: is_on(it.fsync), full_page_writes: is_on(it.full_page_writes), standbys }
    }
}
