//! The ledger's own word on the rows of a day: what its transfers say that was held and
//! posted, beside what the authorisations and postings say.

use domain::{AuthId, BusinessDay, EnterpriseId, SettlementFileType, Timestamp};

use crate::records::groups;
use crate::{Store, StoreError};

/// A day is compared in windows of so many seconds, so that no statement runs long.
const WINDOW_S: i64 = 60 * 60;
/// Most gaps that one comparison tells.
const MAX_GAPS: i64 = 1_000;

/// Records and transfers whose totals differ, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerGap {
    /// The authorisation that they name.
    pub auth_id: AuthId,
    /// When.
    pub moment: Timestamp,
    /// What the rows say.
    pub rows_minor: i64,
    /// What the transfers say.
    pub transfers_minor: i64,
}

impl Store {
    /// Where the total of a day's transfers differs from that of its rows. For transactions:
    /// what went into the posted bucket less what came out of it, against the postings of
    /// the same authorisation and moment. For authorisations: the hold that one took when
    /// it arrived, if it took any, against its amount; one that follows another may take
    /// less, since the other holds the rest. Only what moved the deposit counts: the cards of
    /// dialect 2 stand in no file.
    pub async fn ledger_gaps(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> Result<Vec<LedgerGap>, StoreError> {
        let sql = match file_type {
            SettlementFileType::Transaction => POSTED,
            SettlementFileType::Authorisation => HELD,
        };
        let mut gaps = Vec::new();
        let mut from = day.start();
        while from < day.end() {
            let to = from.plus_seconds(WINDOW_S);
            let limit = MAX_GAPS.saturating_sub_unsigned(gaps.len() as u64);
            let params = [enterprise_id.into(), from.into(), to.into(), limit.into()];
            gaps.extend(self.all::<LedgerGap>(sql, params).await?);
            from = to;
        }
        Ok(gaps)
    }
}

const POSTED: &str = "SELECT auth_id, moment, CAST(SUM(rows_minor) AS BIGINT), \
        CAST(SUM(transfers_minor) AS BIGINT) FROM ( \
        SELECT auth_id, posted_at AS moment, CASE WHEN direction = 'OUTGOING' \
            THEN amount_minor ELSE -amount_minor END AS rows_minor, 0 AS transfers_minor \
        FROM posting WHERE enterprise_id = $1 AND posted_at >= $2 AND posted_at < $3 \
            AND NOT EXISTS (SELECT 1 FROM vm_card own \
                WHERE own.enterprise_id = posting.enterprise_id AND own.card_id = posting.card_id) \
        UNION ALL \
        SELECT COALESCE(t.auth_id, 0), t.created_at, 0, CASE WHEN t.to_bucket = 'POSTED' \
            THEN t.amount_minor ELSE -t.amount_minor END \
        FROM ledger_transfer t JOIN ledger_account account \
            ON account.enterprise_id = t.enterprise_id AND account.account_id = t.account_id \
        WHERE t.enterprise_id = $1 AND t.created_at >= $2 AND t.created_at < $3 \
            AND (t.from_bucket = 'POSTED' OR t.to_bucket = 'POSTED') \
            AND account.purpose = 'DEPOSIT' \
    ) entry GROUP BY auth_id, moment HAVING SUM(rows_minor) <> SUM(transfers_minor) \
    ORDER BY moment, auth_id LIMIT $4";

const HELD: &str = "SELECT a.auth_id, a.created_at, a.amount_minor, \
        CAST(SUM(t.amount_minor) AS BIGINT) \
    FROM authorisation a JOIN ledger_transfer t ON t.enterprise_id = a.enterprise_id \
        AND t.auth_id = a.auth_id AND t.kind = 'HOLD' AND t.created_at = a.created_at \
    WHERE a.enterprise_id = $1 AND a.created_at >= $2 AND a.created_at < $3 \
        AND a.status <> 'PENDING' AND a.account_purpose = 'DEPOSIT' \
    GROUP BY a.auth_id, a.created_at, a.amount_minor, a.original_auth_id \
    HAVING SUM(t.amount_minor) > a.amount_minor \
        OR (a.original_auth_id IS NULL AND SUM(t.amount_minor) <> a.amount_minor) \
    ORDER BY a.created_at, a.auth_id LIMIT $4";

groups! {
    LedgerGap { auth_id: AuthId, moment: Timestamp, rows_minor: i64, transfers_minor: i64 }
}
