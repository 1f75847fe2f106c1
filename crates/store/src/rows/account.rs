//! The columns of a ledger account.

use domain::{AccountId, AccountOwner, Currency, EnterpriseId, VmAppId};
use ledger::Account;

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a ledger account.
pub(crate) const ACCOUNT_COLUMNS: &str = "enterprise_id, account_id, currency, funding_minor, \
    available_minor, held_minor, posted_minor, forced_negative, purpose, owner_id, \
    closed_into";

/// Reads an account from [`ACCOUNT_COLUMNS`].
pub(crate) fn account_from(row: &Row) -> Result<Account, StoreError> {
    let mut f = Fields::of(row);
    Ok(Account {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        account_id: f.id(AccountId::from_i64)?,
        currency: f.currency()?,
        funding_minor: f.int()?,
        available_minor: f.int()?,
        held_minor: f.int()?,
        posted_minor: f.int()?,
        forced_negative: f.flag()?,
        owner: f.account_owner()?,
        closed_into: f.opt_id(VmAppId::from_i64)?,
    })
}

/// Reads the enterprise, the currency and the owner that name an account.
pub(crate) fn account_key_from(
    row: &Row,
) -> Result<(EnterpriseId, Currency, AccountOwner), StoreError> {
    let mut f = Fields::of(row);
    Ok((f.id(EnterpriseId::from_i64)?, f.currency()?, f.account_owner()?))
}

/// The values of an account for [`ACCOUNT_COLUMNS`].
pub(crate) fn account_values(account: &Account) -> Vec<Value> {
    vec![
        account.enterprise_id.into(),
        account.account_id.into(),
        account.currency.into(),
        account.funding_minor.into(),
        account.available_minor.into(),
        account.held_minor.into(),
        account.posted_minor.into(),
        account.forced_negative.into(),
        account.owner.purpose().into(),
        account.owner.owner_id().into(),
        account.closed_into.into(),
    ]
}
