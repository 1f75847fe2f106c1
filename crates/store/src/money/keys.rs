//! The keys of rows that a group reads and locks in one round trip.

use std::collections::BTreeSet;

use domain::{
    AccountOwner, ArrivedMessage, AuthId, Authorisation, EnterpriseId, MessageIdentity, Timestamp,
    VelocityUse,
};
use ledger::Account;

use super::batch::{Batch, BillKey, Loaded, LoadedAccount, PanKey, StandInKey};
use super::messages::{KnownRow, known};
use super::originals::{candidates, early_reversals};
use super::stand_in_use::lock_stand_in;
use super::terms::AccountKey;
use crate::StoreError;
use crate::engine::{Answers, Statement, Tx};
use crate::records::{Counted, columns, select, sql};

/// The keys, in the order in which their rows are locked.
#[derive(Default)]
pub(super) struct Keys<'a> {
    pub(super) accounts: BTreeSet<AccountKey>,
    /// Whoever holds the account of a card is alone with its messages.
    pub(super) messages: Vec<MessageIdentity>,
    /// Messages that name an original.
    pub(super) naming: Vec<&'a ArrivedMessage>,
    /// Messages that a reversal may wait for.
    pub(super) begun: Vec<&'a ArrivedMessage>,
    pub(super) authorisations: BTreeSet<(EnterpriseId, AuthId)>,
    pub(super) bills: BTreeSet<BillKey>,
    /// References of deposits and withdrawals.
    pub(super) references: BTreeSet<(EnterpriseId, String)>,
    pub(super) pans: BTreeSet<PanKey>,
    pub(super) stand_ins: BTreeSet<StandInKey>,
}

impl Keys<'_> {
    fn statements(&self, real_now: Timestamp) -> Vec<Statement> {
        let mut all: Vec<_> = self.accounts.iter().map(lock_account).collect();
        all.extend(self.messages.iter().map(known));
        all.extend(self.naming.iter().filter_map(|it| candidates(it)));
        all.extend(self.begun.iter().map(|it| early_reversals(it, real_now)));
        all.extend(self.authorisations.iter().map(lock_authorisation));
        all.extend(self.bills.iter().map(lock_bill));
        all.extend(self.references.iter().map(transfer_of));
        all.extend(self.pans.iter().map(|key| lock_use(*key)));
        all.extend(self.stand_ins.iter().map(|key| lock_stand_in(*key)));
        all
    }
}

impl Batch {
    /// Reads and locks rows.
    pub(super) async fn read(
        &mut self,
        tx: &Tx,
        keys: Keys<'_>,
        real_now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut answers = tx.together(&keys.statements(real_now)).await?;
        let mut heirs = BTreeSet::new();
        for key in keys.accounts {
            heirs.extend(self.take_account(key, answers.one()?));
        }
        for identity in keys.messages {
            if let Some(known) = answers.one::<KnownRow>()? {
                self.messages.insert(identity, known.into());
            }
        }
        for _ in keys.naming.iter().filter_map(|it| candidates(it)) {
            self.originals.extend(answers.all()?);
        }
        for _ in keys.begun {
            self.early.extend(answers.all()?);
        }
        self.take_authorisations(&keys.authorisations, &mut answers)?;
        self.take_bills(&keys.bills, &mut answers)?;
        for key in keys.references {
            if let Some(transfer) = answers.one()? {
                self.references.insert(key, transfer);
            }
        }
        for key in keys.pans {
            self.take_use(key, answers.one()?);
        }
        for key in keys.stand_ins {
            self.take_stand_in(key, answers.one()?);
        }
        // An account may have been closed after the heirs were looked up.
        while let Some(key) = heirs.pop_first() {
            let mut answers = tx.together(&[lock_account(&key)]).await?;
            heirs.extend(self.take_account(key, answers.one()?));
        }
        Ok(())
    }

    /// Takes over an account that was read; returns the one that took its place, if that is not
    /// read yet.
    fn take_account(&mut self, key: AccountKey, found: Option<Account>) -> Option<AccountKey> {
        let account = found?;
        let heir = account.closed_into.map(AccountOwner::VmBalance);
        let heir = heir.map(|heir| (key.0, key.1, heir));
        self.accounts.insert(key, LoadedAccount { account, is_new: false, is_changed: false });
        heir.filter(|heir| !self.accounts.contains_key(heir))
    }

    fn take_authorisations(
        &mut self,
        keys: &BTreeSet<(EnterpriseId, AuthId)>,
        answers: &mut Answers,
    ) -> Result<(), StoreError> {
        for (_, auth_id) in keys {
            if let Some((authorisation, counted)) = answers.one()? {
                let loaded = Loaded::read(authorisation, counted);
                self.authorisations.insert(*auth_id, loaded);
            }
        }
        Ok(())
    }

    fn take_bills(
        &mut self,
        keys: &BTreeSet<BillKey>,
        answers: &mut Answers,
    ) -> Result<(), StoreError> {
        for (_, outs_id) in keys {
            let mut members = Vec::new();
            for (authorisation, counted) in answers.all::<(Authorisation, Option<Counted>)>()? {
                let auth_id = authorisation.auth_id;
                members.push(auth_id);
                let loaded = Loaded::read(authorisation, counted);
                self.authorisations.entry(auth_id).or_insert(loaded);
            }
            self.bills.insert(*outs_id, members);
        }
        Ok(())
    }
}

fn lock_account((enterprise_id, currency, owner): &AccountKey) -> Statement {
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND currency = $2 AND purpose = $3 AND owner_id = $4 \
         FOR UPDATE",
        select::<Account>()
    );
    let (purpose, owner_id) = (owner.purpose().into(), owner.owner_id().into());
    Statement::new(sql, [(*enterprise_id).into(), (*currency).into(), purpose, owner_id])
}

/// Authorisations are locked in order of id: no other lock covers those of an enterprise without an
/// account.
fn lock_authorisation((enterprise_id, auth_id): &(EnterpriseId, AuthId)) -> Statement {
    let sql = sql!(
        "SELECT {}, {} FROM authorisation WHERE enterprise_id = $1 AND auth_id = $2 FOR UPDATE",
        columns::<Authorisation>(),
        columns::<Counted>()
    );
    Statement::new(sql, [(*enterprise_id).into(), (*auth_id).into()])
}

/// All authorisations of a bill that move money away from the cardholder.
fn lock_bill((enterprise_id, outs_id): &BillKey) -> Statement {
    let sql = sql!(
        "SELECT {}, {} FROM authorisation WHERE enterprise_id = $1 AND outs_id = $2 \
         AND direction = 'OUTGOING' ORDER BY auth_id FOR UPDATE",
        columns::<Authorisation>(),
        columns::<Counted>()
    );
    Statement::new(sql, [(*enterprise_id).into(), (*outs_id).into()])
}

/// The transfer that was already made under a reference.
fn transfer_of((enterprise_id, reference): &(EnterpriseId, String)) -> Statement {
    let sql = sql!("{} WHERE enterprise_id = $1 AND reference = $2", select::<ledger::Transfer>());
    Statement::new(sql, [(*enterprise_id).into(), reference.into()])
}

/// Reads and locks the use of a PAN. It comes after the accounts: a process that counts for the
/// first time on a PAN holds the lock of its account, so no two create the same row.
fn lock_use((enterprise_id, pan_id): PanKey) -> Statement {
    let sql =
        sql!("{} WHERE enterprise_id = $1 AND pan_id = $2 FOR UPDATE", select::<VelocityUse>());
    Statement::new(sql, [enterprise_id.into(), pan_id.into()])
}
