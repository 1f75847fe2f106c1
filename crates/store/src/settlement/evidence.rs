//! The ledger's own evidence of the rows of a day: the amounts that its transfers held and posted,
//! beside those of the authorisations and postings.

use domain::{AuthId, BusinessDay, EnterpriseId, SettlementFileType, Timestamp};

use crate::records::groups;
use crate::{Store, StoreError};

/// A day is compared in windows of so many seconds, so no statement runs long.
const WINDOW_S: i64 = 60 * 60;
/// The most gaps that one comparison reports.
const MAX_GAPS: i64 = 1_000;

/// Records and transfers whose totals differ, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerGap {
    /// The authorisation that they name.
    pub auth_id: AuthId,
    /// The moment of both.
    pub moment: Timestamp,
    /// The total of the rows.
    pub rows_minor: i64,
    /// The total of the transfers.
    pub transfers_minor: i64,
}

impl Store {
    /// The differences between the totals of a day's transfers and those of its rows. For
    /// transactions: transfers into the posted bucket less those out of it, against the postings of
    /// the same authorisation and moment. For authorisations: the hold that one took when it
    /// arrived, if it took any, against its amount; one that follows another may take less, because
    /// the other holds the rest. Only movements of the deposit count: the cards of dialect 2 are in
    /// no file.
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
