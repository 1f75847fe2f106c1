//! The ledger: accounts, and whether everything adds up.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::{AmountError, Money};
use ledger::Account;
use serde::Serialize;
use store::{AccountFilter, VerifyReport};
use utoipa::ToSchema;

use super::balance::BalanceBody;
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::state::ApiState;

/// A ledger account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AccountBody {
    account_id: String,
    enterprise_id: String,
    #[serde(flatten)]
    balance: BalanceBody,
    /// Brought in and not taken back.
    funded_amount: String,
    /// Whether the network ever forced the available amount below zero.
    forced_negative: bool,
}

impl AccountBody {
    fn of(account: &Account) -> Result<Self, AmountError> {
        Ok(Self {
            account_id: account.account_id.to_string(),
            enterprise_id: account.enterprise_id.to_string(),
            balance: BalanceBody::of(account)?,
            funded_amount: Money::new(account.funding_minor, account.currency).to_major(),
            forced_negative: account.forced_negative,
        })
    }
}

/// Ledger accounts, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/ledger/accounts", tag = "ledger",
    params(("enterpriseId" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<AccountBody>)))]
pub(crate) async fn accounts(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<Page<AccountBody>>, Problem> {
    let limit = query.limit()?;
    let enterprise_id = query.id("enterpriseId")?;
    let (cursor, order) = (query.cursor()?, query.order()?);
    let filter = AccountFilter { enterprise_id, cursor, order, limit };
    let rows = state.store.accounts(filter).await?;
    let next_cursor = Page::<AccountBody>::cursor_after(&rows, limit, order, |row| row.account_id);
    let items = rows.iter().map(AccountBody::of).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor }))
}

/// Something that does not add up.
#[derive(Serialize, ToSchema)]
pub(crate) struct ViolationBody {
    /// The account or authorisation, by id.
    subject: String,
    /// The rule that does not hold.
    rule: String,
}

/// Every balance derived again from its entries.
#[derive(Serialize, ToSchema)]
pub(crate) struct VerifyBody {
    ok: bool,
    accounts: u64,
    transfers: u64,
    violations: Vec<ViolationBody>,
}

impl From<VerifyReport> for VerifyBody {
    fn from(report: VerifyReport) -> Self {
        let violations = report.violations.into_iter();
        Self {
            ok: violations.len() == 0,
            accounts: report.accounts,
            transfers: report.transfers,
            violations: violations
                .map(|found| ViolationBody { subject: found.subject, rule: found.rule })
                .collect(),
        }
    }
}

/// Derives every balance again from its entries.
#[utoipa::path(get, path = "/admin/v1/ledger/verify", tag = "ledger",
    responses((status = 200, body = VerifyBody)))]
pub(crate) async fn verify(
    State(state): State<Arc<ApiState>>,
) -> Result<Json<VerifyBody>, Problem> {
    Ok(Json(VerifyBody::from(state.store.verify_ledger().await?)))
}
