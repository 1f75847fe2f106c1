//! An account, its buckets, and the transfers that move money between them.

use domain::{
    AccountId, AccountOwner, AmountError, AuthId, Currency, EnterpriseId, Money, Timestamp,
    TransferId, VmAppId, text_enum,
};
use thiserror::Error;

text_enum! {
    /// One of the four buckets of an account, between which money moves.
    Bucket {
        /// Money that the owner brought in and has not taken back.
        Funding = "FUNDING",
        /// Money that can be spent or withdrawn.
        Available = "AVAILABLE",
        /// Money set aside for authorisations.
        Held = "HELD",
        /// Money that was spent.
        Posted = "POSTED",
    }
}

text_enum! {
    /// The reason for a transfer.
    TransferKind {
        /// The owner brings money.
        Deposit = "DEPOSIT",
        /// The owner takes money back.
        Withdrawal = "WITHDRAWAL",
        /// Money is set aside for an authorisation.
        Hold = "HOLD",
        /// Money set aside is released.
        Release = "RELEASE",
        /// Money set aside is released because the hold expired.
        Expiry = "EXPIRY",
        /// Money is spent for good.
        Clearing = "CLEARING",
        /// Spent money comes back.
        Refund = "REFUND",
        /// Money goes from one account of an enterprise to another of its accounts.
        Transfer = "TRANSFER",
        /// Money is charged for a service.
        Fee = "FEE",
    }
}

/// Why a movement is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// The movement takes more than is available.
    #[error("not enough available")]
    InsufficientFunds,
    /// The movement takes more than the hold has left.
    #[error("more than is held")]
    ExceedsHold,
    /// The amount is zero or negative.
    #[error("an amount must be above zero")]
    NotPositive,
    /// The account is in another currency.
    #[error("account and amount differ in currency")]
    CurrencyMismatch,
    /// A balance would not fit in 64 bits.
    #[error("balance out of range")]
    OutOfRange,
    /// The hold is not open.
    #[error("the hold is not open")]
    HoldClosed,
}

impl From<AmountError> for LedgerError {
    fn from(error: AmountError) -> Self {
        match error {
            AmountError::CurrencyMismatch => Self::CurrencyMismatch,
            _ => Self::OutOfRange,
        }
    }
}

/// An account whose balances break a rule of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("account {account_id}: {rule}")]
pub struct AccountViolation {
    /// The account.
    pub account_id: AccountId,
    /// The rule that does not hold.
    pub rule: &'static str,
}

/// One owner's money in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub account_id: AccountId,
    /// Currency of all four balances.
    pub currency: Currency,
    /// The owner of the money.
    pub owner: AccountOwner,
    /// Brought in and not taken back, minor units.
    pub funding_minor: i64,
    /// Free to spend, minor units. Goes below zero only when the network, or a fee for a service
    /// already rendered, forces it.
    pub available_minor: i64,
    /// Set aside, minor units.
    pub held_minor: i64,
    /// Spent, minor units.
    pub posted_minor: i64,
    /// True if `available` or `posted` was ever forced below zero.
    pub forced_negative: bool,
    /// The app whose balance inherits what a deleted card still receives or owes.
    pub closed_into: Option<VmAppId>,
}

/// One movement of money between two buckets of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub transfer_id: TransferId,
    /// Account.
    pub account_id: AccountId,
    /// The reason.
    pub kind: TransferKind,
    /// Bucket the money leaves.
    pub from: Bucket,
    /// Bucket the money enters.
    pub to: Bucket,
    /// The amount, above zero.
    pub amount: Money,
    /// The authorisation it belongs to.
    pub auth_id: Option<AuthId>,
    /// The operator's reference of a deposit or withdrawal.
    pub reference: Option<String>,
    /// When (business time).
    pub created_at: Timestamp,
}

impl Account {
    /// A new, empty deposit account of an enterprise.
    #[must_use]
    pub const fn empty(
        enterprise_id: EnterpriseId,
        account_id: AccountId,
        currency: Currency,
    ) -> Self {
        Self {
            enterprise_id,
            account_id,
            currency,
            owner: AccountOwner::Deposit,
            funding_minor: 0,
            available_minor: 0,
            held_minor: 0,
            posted_minor: 0,
            forced_negative: false,
            closed_into: None,
        }
    }

    /// This account with another owner than its enterprise.
    #[must_use]
    pub const fn owned_by(self, owner: AccountOwner) -> Self {
        Self { owner, ..self }
    }

    /// The balance of one bucket in minor units.
    #[must_use]
    pub const fn balance_minor(&self, bucket: Bucket) -> i64 {
        match bucket {
            Bucket::Funding => self.funding_minor,
            Bucket::Available => self.available_minor,
            Bucket::Held => self.held_minor,
            Bucket::Posted => self.posted_minor,
        }
    }

    /// Checks that the four balances obey the rules of the ledger.
    ///
    /// # Errors
    /// Names the first broken rule.
    pub fn check(&self) -> Result<(), AccountViolation> {
        let violation = |rule| Err(AccountViolation { account_id: self.account_id, rule });
        let parts = i128::from(self.available_minor)
            + i128::from(self.held_minor)
            + i128::from(self.posted_minor);
        if parts != i128::from(self.funding_minor) {
            return violation("funding differs from available + held + posted");
        }
        if self.held_minor < 0 {
            return violation("held is below zero");
        }
        if self.available_minor < 0 && !self.forced_negative {
            return violation("available is below zero and the network did not force it");
        }
        if self.posted_minor < 0 && !self.forced_negative {
            return violation("posted is below zero and the network did not force it");
        }
        Ok(())
    }

    /// Moves `amount_minor` between two buckets. Funding counts what the owner brought in, so it
    /// grows when money leaves it for `Available`.
    ///
    /// # Errors
    /// The amount is not above zero, or a balance would not fit.
    pub(crate) fn shift(
        &mut self,
        from: Bucket,
        to: Bucket,
        amount_minor: i64,
    ) -> Result<(), LedgerError> {
        if amount_minor <= 0 {
            return Err(LedgerError::NotPositive);
        }
        let mut moved = self.clone();
        moved.add(from, if from == Bucket::Funding { amount_minor } else { -amount_minor })?;
        moved.add(to, if to == Bucket::Funding { -amount_minor } else { amount_minor })?;
        *self = moved;
        Ok(())
    }

    fn add(&mut self, bucket: Bucket, delta_minor: i64) -> Result<(), LedgerError> {
        let balance = match bucket {
            Bucket::Funding => &mut self.funding_minor,
            Bucket::Available => &mut self.available_minor,
            Bucket::Held => &mut self.held_minor,
            Bucket::Posted => &mut self.posted_minor,
        };
        *balance = balance.checked_add(delta_minor).ok_or(LedgerError::OutOfRange)?;
        Ok(())
    }

    /// Reapplies a recorded transfer, as `ledger verify` does.
    ///
    /// # Errors
    /// The transfer is in another currency, is not above zero, or does not fit.
    pub fn replay(&mut self, transfer: &Transfer) -> Result<(), LedgerError> {
        if transfer.amount.currency() != self.currency {
            return Err(LedgerError::CurrencyMismatch);
        }
        self.shift(transfer.from, transfer.to, transfer.amount.amount_minor())
    }
}
