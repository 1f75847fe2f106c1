//! Ledger accounts: an enterprise's deposit in each currency.

use domain::{AccountOwner, Currency, EnterpriseId, Money, Timestamp};
use ledger::{Account, Transfer};

use crate::listing::{ListOrder, Page, PageRequest};
use crate::money::MoveFunds;
use crate::records::{select, sql};
use crate::{MoneyError, MovedFunds, Store, StoreError};

/// Selects the accounts of a list.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only accounts after this id.
    pub cursor: Option<domain::AccountId>,
    /// The order of the list.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

impl Store {
    /// The deposit account of an enterprise in a currency.
    pub async fn account(
        &self,
        enterprise_id: EnterpriseId,
        currency: Currency,
    ) -> Result<Option<Account>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND currency = $2 AND purpose = 'DEPOSIT'",
            select::<Account>()
        );
        self.one(sql, [enterprise_id.into(), currency.into()]).await
    }

    /// Accounts in order of id.
    pub async fn accounts(&self, filter: AccountFilter) -> Result<Vec<Account>, StoreError> {
        let AccountFilter { cursor, order, limit, .. } = filter;
        let requested = PageRequest { cursor, order, limit };
        let mut page = Page::new("account_id", requested, domain::AccountId::as_i64);
        page.only("enterprise_id", filter.enterprise_id);
        self.page(page).await
    }

    /// True if money was moved under this reference in an enterprise.
    pub async fn has_moved(
        &self,
        enterprise_id: EnterpriseId,
        reference: &str,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT transfer_id FROM ledger_transfer \
            WHERE enterprise_id = $1 AND reference = $2";
        self.finds(sql, [enterprise_id.into(), reference.into()]).await
    }

    /// The transfers of an authorisation, oldest first.
    pub async fn transfers_of(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: domain::AuthId,
    ) -> Result<Vec<Transfer>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND auth_id = $2 ORDER BY transfer_id",
            select::<Transfer>()
        );
        self.all(sql, [enterprise_id.into(), auth_id.into()]).await
    }

    /// Brings money to the deposit, and opens the account for the first in its currency. A
    /// reference moves money once.
    ///
    /// # Errors
    /// [`MoneyError`]; a reference used with another amount or direction is `ReferenceMismatch`.
    pub async fn deposit(
        &self,
        enterprise_id: EnterpriseId,
        amount: Money,
        reference: String,
        now: Timestamp,
    ) -> Result<MovedFunds, MoneyError> {
        let (owner, is_deposit) = (AccountOwner::Deposit, true);
        let request = MoveFunds { enterprise_id, owner, amount, reference, is_deposit, now };
        self.move_funds(request).await
    }

    /// Takes money from the deposit, but never money that is held.
    ///
    /// # Errors
    /// As [`Store::deposit`]; also if too little is available.
    pub async fn withdraw(
        &self,
        enterprise_id: EnterpriseId,
        amount: Money,
        reference: String,
        now: Timestamp,
    ) -> Result<MovedFunds, MoneyError> {
        let (owner, is_deposit) = (AccountOwner::Deposit, false);
        let request = MoveFunds { enterprise_id, owner, amount, reference, is_deposit, now };
        self.move_funds(request).await
    }
}
