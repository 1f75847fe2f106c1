//! The use of limits by PANs, against the authorisations that count.

use domain::{EnterpriseId, PanId};

use super::report::{PAGE_ROWS, VerifyReport};
use crate::StoreError;
use crate::engine::Tx;

/// A page of uses, each number beside the total of the authorisations of its PAN's cards.
const PAGE: &str = "SELECT used.pan_id, used.month, \
    used.day_amount_minor, \
    CAST(SUM(CASE WHEN it.velocity_day = used.day THEN it.velocity_minor ELSE 0 END) AS BIGINT), \
    used.day_count, \
    CAST(SUM(CASE WHEN it.velocity_day = used.day AND it.velocity_minor > 0 \
        AND it.original_auth_id IS NULL THEN 1 ELSE 0 END) AS BIGINT), \
    used.month_amount_minor, \
    CAST(SUM(COALESCE(it.velocity_minor, 0)) AS BIGINT), \
    used.month_count, \
    CAST(SUM(CASE WHEN it.velocity_minor > 0 AND it.original_auth_id IS NULL \
        THEN 1 ELSE 0 END) AS BIGINT), \
    used.total_minor, \
    COALESCE((SELECT carried.total_minor FROM carried_use carried \
        WHERE carried.enterprise_id = used.enterprise_id AND carried.pan_id = used.pan_id), 0) + \
    (SELECT CAST(COALESCE(SUM(every.velocity_minor), 0) AS BIGINT) FROM card holder \
        JOIN authorisation every ON every.enterprise_id = holder.enterprise_id \
        AND every.card_id = holder.card_id \
        WHERE holder.enterprise_id = used.enterprise_id AND holder.pan_id = used.pan_id) \
    FROM (SELECT * FROM velocity_use WHERE enterprise_id = $1 AND pan_id > $2 \
        ORDER BY pan_id LIMIT $3) used \
    LEFT JOIN card ON card.enterprise_id = used.enterprise_id AND card.pan_id = used.pan_id \
    LEFT JOIN authorisation it ON it.enterprise_id = used.enterprise_id \
        AND it.card_id = card.card_id AND it.velocity_day >= used.month \
    GROUP BY used.enterprise_id, used.pan_id, used.month, used.total_minor, used.day_amount_minor, \
        used.day_count, used.month_amount_minor, used.month_count ORDER BY used.pan_id";
/// The names of the numbers of [`PAGE`], in order.
const NUMBERS: [&str; 5] =
    ["day's amount", "day's count", "month's amount", "month's count", "total"];

/// Derives each PAN's use of its newest day and month again, from the authorisations of its cards.
/// Of months that began before the day `complete_from` some are deleted, so only the total of all
/// time is compared.
pub(super) async fn verify_uses(
    tx: &Tx,
    (enterprise_id, complete_from): (EnterpriseId, i64),
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let mut after = i64::MIN;
    loop {
        let params = [enterprise_id.into(), after.into(), PAGE_ROWS.into()];
        let page: Vec<Compared> = tx.all(PAGE, &params).await?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        after = last.as_i64();
        for compared in &page {
            compare(compared, complete_from, report);
        }
    }
}

/// A PAN, the first day of its newest month, and for each of [`NUMBERS`] the stored and the right
/// value.
type Compared = (PanId, i64, [(i64, i64); NUMBERS.len()]);

fn compare((pan_id, month, numbers): &Compared, complete_from: i64, report: &mut VerifyReport) {
    let compared = if *month < complete_from { NUMBERS.len() - 1 } else { 0 };
    for (name, (is, should)) in NUMBERS.iter().zip(numbers).skip(compared) {
        if is != should {
            let rule = format!("its {name} is {is}, its authorisations come to {should}");
            report.note(format!("limits of PAN {pan_id}"), rule);
        }
    }
}
