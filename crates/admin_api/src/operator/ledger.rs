//! The ledger: its accounts and its verification.

use axum::Json;
use domain::AmountError;
use ledger::Account;
use store::{AccountFilter, VerifyReport, Violation};

use super::balance::{BalanceBody, balance, major};
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::paging::Page;

answer_body! {
    /// A ledger account.
    pub(crate) struct AccountBody of account: &Account, balance: BalanceBody {
        account_id: String = account.account_id.to_string(),
        enterprise_id: String = account.enterprise_id.to_string(),
        #[serde(flatten)]
        balance: BalanceBody = balance,
        /// Brought in and not taken back.
        funded_amount: String = major(account, account.funding_minor),
        /// Whether the network ever forced the available amount below zero.
        forced_negative: bool = account.forced_negative,
    }
}

/// `GET /admin/v1/ledger/accounts`.
pub(crate) async fn accounts(call: Call) -> Answer<Page<AccountBody>> {
    let query = call.query()?;
    let limit = query.limit()?;
    let enterprise_id = query.id("enterpriseId")?;
    let (cursor, order) = (query.cursor()?, query.order()?);
    let filter = AccountFilter { enterprise_id, cursor, order, limit };
    let rows = call.state.store.accounts(filter).await?;
    let next_cursor = query.cursor_after(&rows, |row| row.account_id)?;
    let body = |row| Ok::<_, AmountError>(AccountBody::of(row, balance(row)?));
    let items = rows.iter().map(body).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor }))
}

answer_body! {
    /// Something that does not add up.
    pub(crate) struct ViolationBody of found: &Violation {
        /// The account or authorisation, by id.
        subject: String = found.subject.clone(),
        /// The rule that does not hold.
        rule: String = found.rule.clone(),
    }
}

answer_body! {
    /// Every balance derived again from its entries.
    pub(crate) struct VerifyBody of report: &VerifyReport {
        ok: bool = report.violations.is_empty(),
        accounts: u64 = report.accounts,
        transfers: u64 = report.transfers,
        violations: Vec<ViolationBody> =
            report.violations.iter().map(ViolationBody::of).collect(),
    }
}

/// `GET /admin/v1/ledger/verify`.
pub(crate) async fn verify(call: Call) -> Answer<VerifyBody> {
    Ok(Json(VerifyBody::of(&call.state.store.verify_ledger().await?)))
}
