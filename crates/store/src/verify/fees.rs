//! The fees charged to apps, against the rows of their cards' lists and against the authorisations
//! that the fees were for.

use std::collections::BTreeMap;

use domain::{AccountOwner, AuthId, EnterpriseId};
use ledger::Account;

use super::report::{MAX_VIOLATIONS, VerifyReport};
use crate::StoreError;
use crate::engine::Tx;

/// The number of fees charged to an app, and their total, minor units.
type Charged = (i64, i64);

/// Compares the fees charged to the balance of each app with those in the lists of its cards, and
/// the fees of authorisations with their decisions.
pub(super) async fn verify_fees(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    accounts: &[Account],
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    // Without an app there is nobody to charge.
    if accounts.iter().all(|account| account.owner == AccountOwner::Deposit) {
        return Ok(());
    }
    let transfers = "SELECT account.owner_id, CAST(SUM(charged.fees) AS BIGINT), \
        CAST(SUM(charged.fees_minor) AS BIGINT) FROM ( \
            SELECT account_id, 1 AS fees, amount_minor AS fees_minor FROM ledger_transfer \
                WHERE enterprise_id = $1 AND kind = 'FEE' \
            UNION ALL SELECT account_id, fees, fees_minor FROM carried_forward \
                WHERE enterprise_id = $1 AND fees > 0 \
        ) charged JOIN ledger_account account ON account.enterprise_id = $1 \
            AND account.account_id = charged.account_id AND account.purpose = 'VM_BALANCE' \
        GROUP BY account.owner_id";
    let rows = "SELECT vm_app_id, COUNT(*), CAST(SUM(-amount_minor) AS BIGINT) FROM vm_flow \
        WHERE enterprise_id = $1 AND kind = 'Fee' GROUP BY vm_app_id";
    let charged = by_app(tx, enterprise_id, transfers).await?;
    let mut told = by_app(tx, enterprise_id, rows).await?;
    for (app, charged) in charged {
        compare(app, charged, told.remove(&app).unwrap_or_default(), report);
    }
    for (app, told) in told {
        compare(app, Charged::default(), told, report);
    }
    verify_decisions(tx, enterprise_id, report).await
}

fn compare(app: i64, (fees, minor): Charged, told: Charged, report: &mut VerifyReport) {
    if (fees, minor) != told {
        let (rows, told_minor) = told;
        let rule = format!(
            "its balance was charged {fees} fees of {minor}, its cards' lists tell of {rows} of \
             {told_minor}"
        );
        report.note(format!("app {app}"), rule);
    }
}

async fn by_app(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    sql: &str,
) -> Result<BTreeMap<i64, Charged>, StoreError> {
    Ok(tx.all(sql, &[enterprise_id.into()]).await?.into_iter().collect())
}

/// A decline has one fee; an approval has one, and another one if it is from abroad; an undecided
/// authorisation, and one that gives to the cardholder, has no fee.
async fn verify_decisions(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let sql = "SELECT it.auth_id FROM ledger_transfer fee JOIN authorisation it \
        ON it.enterprise_id = fee.enterprise_id AND it.auth_id = fee.auth_id \
        WHERE fee.enterprise_id = $1 AND fee.kind = 'FEE' \
        GROUP BY it.auth_id, it.direction, it.status, it.currency, it.acquirer_currency \
        HAVING it.direction <> 'OUTGOING' OR COUNT(*) > CASE it.status \
            WHEN 'APPROVED' THEN CASE WHEN it.currency <> it.acquirer_currency THEN 2 ELSE 1 END \
            WHEN 'DECLINED' THEN 1 ELSE 0 END \
        ORDER BY it.auth_id LIMIT $2";
    let limit = i64::try_from(MAX_VIOLATIONS).unwrap_or(i64::MAX);
    for auth_id in tx.all::<AuthId>(sql, &[enterprise_id.into(), limit.into()]).await? {
        report.note(
            format!("authorisation {auth_id}"),
            "it was charged more fees than its decision has",
        );
    }
    Ok(())
}
