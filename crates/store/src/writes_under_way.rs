//! The writes under way: something not found may still be in a commit that hangs.

use crate::{Store, StoreError};

/// The writes of all processes at a moment, by the server's transaction numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WritesUnderWay {
    /// All transactions below have ended.
    oldest: i64,
    /// No transaction from here on has begun.
    next: i64,
}

impl WritesUnderWay {
    /// True if all writes that had begun at `earlier` had ended at this moment.
    #[must_use]
    pub const fn have_ended_since(self, earlier: Self) -> bool {
        self.oldest >= earlier.next
    }
}

impl Store {
    /// The writes under way now. A commit that waits for a standby is among them, even if the
    /// connection that sent it is lost. A write of the embedded store ends before any read that
    /// could miss it begins.
    pub async fn writes_under_way(&self) -> Result<WritesUnderWay, StoreError> {
        if self.is_embedded() {
            return Ok(WritesUnderWay { oldest: 0, next: 0 });
        }
        // A snapshot's upper end covers only ended transactions: a newly drawn number lies after
        // all that have begun.
        let sql = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT), \
            CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)";
        let (oldest, next) = self.one(sql, []).await?.ok_or(StoreError::Corrupt("a snapshot"))?;
        Ok(WritesUnderWay { oldest, next })
    }
}
