//! What was approved in place of an enterprise on each day, against its authorisations.

use domain::{Currency, EnterpriseId};

use super::report::{MAX_VIOLATIONS, VerifyReport};
use crate::StoreError;
use crate::engine::Tx;

/// The days whose stored total is not that of their authorisations: currency, day, both totals. A
/// day of UTC+8 begins 28,800 s before that of UTC.
const DIFFERENT: &str = "SELECT currency, day, CAST(SUM(stored_minor) AS BIGINT), \
    CAST(SUM(approved_minor) AS BIGINT) FROM ( \
        SELECT currency, day, approved_minor AS stored_minor, 0 AS approved_minor \
            FROM stand_in_use WHERE enterprise_id = $1 \
        UNION ALL SELECT currency, (decided_at + 28800000000) / 86400000000, 0, amount_minor \
            FROM authorisation WHERE enterprise_id = $1 AND detail = 'stand_in_approved' \
    ) both_totals WHERE day >= $3 GROUP BY currency, day \
    HAVING SUM(stored_minor) <> SUM(approved_minor) \
    ORDER BY currency, day LIMIT $2";

/// Derives each day's total again from the authorisations, from the day `complete_from` on.
pub(super) async fn verify_stand_ins(
    tx: &Tx,
    (enterprise_id, complete_from): (EnterpriseId, i64),
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let limit = i64::try_from(MAX_VIOLATIONS).unwrap_or(i64::MAX);
    let params = [enterprise_id.into(), limit.into(), complete_from.into()];
    let different: Vec<(Currency, i64, i64, i64)> = tx.all(DIFFERENT, &params).await?;
    for (currency, day, is, should) in different {
        report.note(
            format!("stand-in of enterprise {enterprise_id} in {currency}"),
            format!("the total of day {day} is {is}, its authorisations come to {should}"),
        );
    }
    Ok(())
}
