//! Which writes have ended: what is not found may still be in a commit that hangs.

use crate::{Store, StoreError};

/// The writes of all processes at a moment, as the server numbers its transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WritesUnderWay {
    /// All below have ended.
    oldest: i64,
    /// None from here on has begun.
    next: i64,
}

impl WritesUnderWay {
    /// Whether all writes that had begun at `earlier` had ended at this moment.
    #[must_use]
    pub const fn have_ended_since(self, earlier: Self) -> bool {
        self.oldest >= earlier.next
    }
}

impl Store {
    /// The writes of this moment. A commit that waits for a standby is among them, whatever
    /// became of the connection that sent it. The embedded store's writes end before a read
    /// begins that could miss them.
    pub async fn writes_under_way(&self) -> Result<WritesUnderWay, StoreError> {
        if self.is_embedded() {
            return Ok(WritesUnderWay { oldest: 0, next: 0 });
        }
        // A snapshot's own end is that of what has ended: only a number that is drawn lies
        // behind all that have begun.
        let sql = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT), \
            CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)";
        let (oldest, next) = self.one(sql, []).await?.ok_or(StoreError::Corrupt("a snapshot"))?;
        Ok(WritesUnderWay { oldest, next })
    }
}
