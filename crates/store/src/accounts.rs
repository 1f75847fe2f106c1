//! Ledger accounts: an enterprise's deposit in each currency.

use domain::{Currency, EnterpriseId, Money, Timestamp};
use ledger::{Account, Transfer};

use crate::money::MoveFunds;
use crate::{MoneyError, Store, StoreError};

/// Which accounts to list.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only after this id.
    pub cursor: Option<domain::AccountId>,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// The outcome of a deposit or withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedFunds {
    /// The account afterwards.
    pub account: Account,
    /// Whether the reference was used before, so that nothing moved now.
    pub repeated: bool,
}

impl Store {
    /// The deposit account of an enterprise in a currency.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn account(
        &self,
        enterprise_id: EnterpriseId,
        currency: Currency,
    ) -> Result<Option<Account>, StoreError> {
        let _ = (enterprise_id, currency);
        todo!()
    }

    /// Accounts in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn accounts(&self, filter: AccountFilter) -> Result<Vec<Account>, StoreError> {
        let _ = filter;
        todo!()
    }

    /// The transfers of an authorisation, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn transfers_of(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: domain::AuthId,
    ) -> Result<Vec<Transfer>, StoreError> {
        let _ = (enterprise_id, auth_id);
        todo!()
    }

    /// Brings money to the deposit, opening the account if it is the first in its currency.
    /// A reference moves money once.
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
        self.move_funds(MoveFunds { enterprise_id, amount, reference, is_deposit: true, now }).await
    }

    /// Takes money from the deposit, never what is held.
    ///
    /// # Errors
    /// As [`Store::deposit`], and not enough available.
    pub async fn withdraw(
        &self,
        enterprise_id: EnterpriseId,
        amount: Money,
        reference: String,
        now: Timestamp,
    ) -> Result<MovedFunds, MoneyError> {
        self.move_funds(MoveFunds { enterprise_id, amount, reference, is_deposit: false, now })
            .await
    }
}
