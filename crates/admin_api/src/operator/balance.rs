//! A ledger account as operators see it.

use domain::{AmountError, Money};
use ledger::Account;
use serde::Serialize;
use utoipa::ToSchema;

/// The balance of a deposit in one currency, decimal texts in major units.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BalanceBody {
    /// Numeric ISO 4217 code.
    currency: String,
    /// Available and used together.
    total_amount: String,
    /// Free to spend.
    available_amount: String,
    /// Held and posted together.
    used_amount: String,
    /// Set aside for authorisations.
    held_amount: String,
    /// Spent for good.
    posted_amount: String,
}

impl BalanceBody {
    /// # Errors
    /// A sum is out of range.
    pub(crate) fn of(account: &Account) -> Result<Self, AmountError> {
        let money = |amount_minor| Money::new(amount_minor, account.currency);
        let available = money(account.available_minor);
        let (held, posted) = (money(account.held_minor), money(account.posted_minor));
        let used = held.checked_add(posted)?;
        Ok(Self {
            currency: account.currency.to_string(),
            total_amount: available.checked_add(used)?.to_major(),
            available_amount: available.to_major(),
            used_amount: used.to_major(),
            held_amount: held.to_major(),
            posted_amount: posted.to_major(),
        })
    }
}
