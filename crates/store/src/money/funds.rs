//! Money that is brought in, taken back, or moved from one account to another.

use domain::{AccountId, AccountOwner, VmFlow, VmFlowId, VmFlowKind};
use ledger::{Account, LedgerError, TransferKind};

use super::apply::Group;
use super::batch::LoadedAccount;
use super::terms::AccountKey;
use super::{ChargeFee, CloseCard, MoneyError, MoveFunds, MovedFunds, TransferFunds};
use crate::StoreError;

impl Group<'_> {
    /// Brings money in or takes it back; a reference moves money once.
    pub(super) fn move_funds(&mut self, request: &MoveFunds) -> Result<MovedFunds, MoneyError> {
        let key = request.key();
        let kind =
            if request.is_deposit { TransferKind::Deposit } else { TransferKind::Withdrawal };
        let reference = (request.enterprise_id, request.reference.clone());
        if let Some(earlier) = self.batch.references.get(&reference) {
            if earlier.kind != kind || earlier.amount != request.amount {
                return Err(MoneyError::ReferenceMismatch);
            }
            let account = self.batch.accounts.get(&key).ok_or(MoneyError::ReferenceMismatch)?;
            if account.account.account_id != earlier.account_id {
                return Err(MoneyError::ReferenceMismatch);
            }
            return Ok(MovedFunds { account: account.account.clone(), repeated: true });
        }
        let mut account = self.account_or_new(key);
        let movement = if request.is_deposit {
            ledger::deposit(&mut account, request.amount)?
        } else {
            ledger::withdraw(&mut account, request.amount)?
        };
        let mut transfer =
            self.transfer(request.enterprise_id, account.account_id, movement, request.now);
        transfer.reference = Some(request.reference.clone());
        self.batch.references.insert(reference, transfer.clone());
        self.batch.transfers.push(transfer);
        self.keep_account(key, account.clone());
        Ok(MovedFunds { account, repeated: false })
    }

    /// Moves money from one account to another; returns both afterwards.
    pub(super) fn transfer_funds(
        &mut self,
        request: &TransferFunds,
    ) -> Result<(Account, Account), MoneyError> {
        let (from_key, to_key) = request.keys();
        let from = self.batch.accounts.get(&from_key).map(|loaded| loaded.account.clone());
        let mut from = from.ok_or(LedgerError::InsufficientFunds)?;
        let mut to = self.account_or_new(to_key);
        let (left, entered) = ledger::transfer(&mut from, &mut to, request.amount)?;
        for (account, movement) in [(&from, left), (&to, entered)] {
            let (owner, id) = (request.enterprise_id, account.account_id);
            let transfer = self.transfer(owner, id, movement, request.now);
            self.batch.transfers.push(transfer);
        }
        self.keep_account(from_key, from.clone());
        self.keep_account(to_key, to.clone());
        Ok((from, to))
    }

    /// Charges a fee; returns the account afterwards.
    pub(super) fn charge_fee(&mut self, request: &ChargeFee) -> Result<Account, MoneyError> {
        let account = self.batch.account(request.key()).ok_or(LedgerError::InsufficientFunds)?;
        let movement = ledger::charge(account, request.amount)?;
        let account = account.clone();
        let (owner, id) = (request.enterprise_id, account.account_id);
        let transfer = self.transfer(owner, id, movement, request.now);
        self.batch.transfers.push(transfer);
        Ok(account)
    }

    /// Marks a card's account, which is then swept at the end of the group.
    pub(super) fn close_card(&mut self, request: &CloseCard) {
        let (card_key, _) = request.keys();
        if let Some(account) = self.batch.account(card_key) {
            account.closed_into = Some(request.into);
        }
    }

    /// Moves what deleted cards got in this group to the balances of their apps, and what they lack
    /// from there.
    pub(super) fn sweep_closed(&mut self) -> Result<(), StoreError> {
        let is_due = |account: &Account| account.closed_into.zip(Some(account.available_minor));
        let due: Vec<_> = self
            .batch
            .accounts
            .iter()
            .filter(|(_, loaded)| loaded.is_changed)
            .filter_map(|(key, loaded)| Some((*key, is_due(&loaded.account)?)))
            .collect();
        for (key, (app, available_minor)) in due {
            let (enterprise_id, currency, owner) = key;
            let heir_key = (enterprise_id, currency, AccountOwner::VmBalance(app));
            let mut closed = self.account_or_new(key);
            let mut heir = self.account_or_new(heir_key);
            let swept = ledger::sweep(&mut closed, &mut heir);
            let swept = swept.map_err(|_| StoreError::Corrupt("the account of a deleted card"))?;
            let Some((on_closed, on_heir)) = swept else { continue };
            for (account, movement) in [(&closed, on_closed), (&heir, on_heir)] {
                let transfer = self.transfer(enterprise_id, account.account_id, movement, self.now);
                self.batch.transfers.push(transfer);
            }
            if let AccountOwner::Card(card_id) = owner {
                self.batch.flows.push(VmFlow {
                    enterprise_id,
                    flow_id: VmFlowId::from_i64(self.ids.next()),
                    card_id,
                    kind: VmFlowKind::Delete,
                    amount_minor: available_minor.saturating_neg(),
                    balance_minor: 0,
                    remark: String::new(),
                    created_at: self.now,
                });
            }
            self.keep_account(key, closed);
            self.keep_account(heir_key, heir);
        }
        Ok(())
    }

    pub(super) fn account_or_new(&self, key: AccountKey) -> Account {
        let (enterprise_id, currency, owner) = key;
        let known = self.batch.accounts.get(&key).map(|loaded| loaded.account.clone());
        known.unwrap_or_else(|| {
            let account_id = AccountId::from_i64(self.ids.next());
            Account::empty(enterprise_id, account_id, currency).owned_by(owner)
        })
    }

    pub(super) fn keep_account(&mut self, key: AccountKey, account: Account) {
        let is_new = self.batch.accounts.get(&key).is_none_or(|loaded| loaded.is_new);
        let loaded = LoadedAccount { account, is_new, is_changed: true };
        self.batch.accounts.insert(key, loaded);
    }
}
