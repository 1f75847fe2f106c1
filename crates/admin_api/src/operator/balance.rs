//! A ledger account as operators see it.

use domain::{AmountError, Money};
use ledger::Account;

use crate::answer_body::answer_body;

answer_body! {
    /// The balance of a deposit in one currency, decimal texts in major units.
    pub(crate) struct BalanceBody of account: &Account, used: Money, total: Money {
        /// Numeric ISO 4217 code.
        currency: String = account.currency.to_string(),
        /// Available and used together.
        total_amount: String = total.to_major(),
        /// Free to spend.
        available_amount: String = major(account, account.available_minor),
        /// Held and posted together.
        used_amount: String = used.to_major(),
        /// Set aside for authorisations.
        held_amount: String = major(account, account.held_minor),
        /// Spent for good.
        posted_amount: String = major(account, account.posted_minor),
    }
}

/// An amount of the account in major units.
pub(super) fn major(account: &Account, amount_minor: i64) -> String {
    Money::new(amount_minor, account.currency).to_major()
}

/// Shows the balance of an account.
///
/// # Errors
/// A sum is out of range.
pub(super) fn balance(account: &Account) -> Result<BalanceBody, AmountError> {
    let money = |amount_minor| Money::new(amount_minor, account.currency);
    let used = money(account.held_minor).checked_add(money(account.posted_minor))?;
    let total = money(account.available_minor).checked_add(used)?;
    Ok(BalanceBody::of(account, used, total))
}
