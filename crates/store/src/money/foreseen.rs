//! What a group of commands will need, read without locks: of an authorisation, its owner, account,
//! bill and PAN never change.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccountOwner, AuthId, Authorisation, EnterpriseId, VmAppId};

use super::batch::{BillKey, PanKey, bill_key};
use super::messages::{KnownRow, NetworkMessage, known};
use super::originals::candidates;
use super::terms::{AccountKey, account_key};
use super::wanted::Wanted;
use crate::StoreError;
use crate::engine::{Statement, Tx};
use crate::records::{Counted, columns_of, sql};

/// An authorisation, how it counts towards limits, and the app whose balance took over its account.
type Seen = (Authorisation, Option<Counted>, Option<VmAppId>);

/// What was seen.
#[derive(Default)]
pub(super) struct Foreseen {
    authorisations: BTreeMap<AuthId, Seen>,
    /// The balances of apps that took over the accounts of deleted cards.
    heirs: BTreeSet<AccountKey>,
    /// Authorisations that messages name as their originals.
    originals: BTreeSet<AuthId>,
}

impl Foreseen {
    pub(super) async fn by(tx: &Tx, wanted: &Wanted<'_>) -> Result<Self, StoreError> {
        let mut foreseen = Self::default();
        let named: BTreeSet<AuthId> = &wanted.named | &wanted.originals;
        let cards = wanted.accounts.iter().filter(|it| matches!(it.2, AccountOwner::Card(_)));
        let cards: Vec<&AccountKey> = cards.collect();
        let naming: Vec<Statement> = wanted.naming.iter().filter_map(|it| candidates(it)).collect();
        let counts = (naming.len(), wanted.stated.len());
        let mut statements = naming;
        statements.extend(wanted.stated.iter().map(|it| known(&it.identity)));
        statements.extend(named.iter().map(|it| look_at(*it)));
        statements.extend(cards.iter().map(|key| heir_of(key)));
        let mut answers = tx.together(&statements).await?;
        for _ in 0..counts.0 {
            let found = answers.all::<NetworkMessage>()?;
            foreseen.originals.extend(found.iter().filter_map(|it| it.auth_id));
        }
        for _ in 0..counts.1 {
            let found = answers.one::<KnownRow>()?;
            foreseen.originals.extend(found.and_then(|(message, _)| message.auth_id));
        }
        for auth_id in &named {
            let seen = answers.one()?;
            foreseen.authorisations.extend(seen.map(|seen| (*auth_id, seen)));
        }
        for key in cards {
            let heir: Option<Option<VmAppId>> = answers.one()?;
            let heir = heir.flatten().map(AccountOwner::VmBalance);
            foreseen.heirs.extend(heir.map(|heir| (key.0, key.1, heir)));
        }
        foreseen.look_at_originals(tx).await?;
        Ok(foreseen)
    }

    async fn look_at_originals(&mut self, tx: &Tx) -> Result<(), StoreError> {
        let unseen = self.originals.iter().copied();
        let unseen: Vec<AuthId> =
            unseen.filter(|it| !self.authorisations.contains_key(it)).collect();
        let statements: Vec<_> = unseen.iter().map(|it| look_at(*it)).collect();
        let mut answers = tx.together(&statements).await?;
        for auth_id in unseen {
            let seen = answers.one()?;
            self.authorisations.extend(seen.map(|seen| (auth_id, seen)));
        }
        Ok(())
    }

    pub(super) fn authorisation(&self, auth_id: AuthId) -> Option<&Authorisation> {
        Some(&self.authorisations.get(&auth_id)?.0)
    }

    /// The PAN towards whose limits an authorisation counts.
    pub(super) fn pan(&self, auth_id: AuthId) -> Option<PanKey> {
        let (it, counted, _) = self.authorisations.get(&auth_id)?;
        Some((it.enterprise_id, counted.as_ref()?.pan_id))
    }

    /// The PANs towards whose limits the authorisations of these bills count.
    pub(super) fn pans_of(&self, bills: &BTreeSet<BillKey>) -> BTreeSet<PanKey> {
        let seen = self.authorisations.iter();
        let of_bills = seen.filter(|(_, (it, ..))| bills.contains(&bill_key(it)));
        of_bills.filter_map(|(auth_id, _)| self.pan(*auth_id)).collect()
    }

    /// The accounts that authorisations draw on, and those that took their place.
    pub(super) fn accounts(&self) -> BTreeSet<AccountKey> {
        let mut accounts = self.heirs.clone();
        for (it, _, heir) in self.authorisations.values() {
            let key = account_key(it);
            accounts.insert(key);
            accounts.extend(heir.map(|heir| (key.0, key.1, AccountOwner::VmBalance(heir))));
        }
        accounts
    }

    /// The authorisations that are to be locked.
    pub(super) fn keys(&self) -> BTreeSet<(EnterpriseId, AuthId)> {
        let seen = self.authorisations.values();
        seen.map(|(it, ..)| (it.enterprise_id, it.auth_id)).collect()
    }

    /// The bills of originals.
    pub(super) fn bills_of_originals(&self, wanted: &Wanted<'_>) -> BTreeSet<BillKey> {
        let originals = self.originals.iter().chain(&wanted.originals);
        originals.filter_map(|it| self.authorisation(*it)).map(bill_key).collect()
    }
}

fn look_at(auth_id: AuthId) -> Statement {
    let sql = sql!(
        "SELECT {}, {}, account.closed_into FROM authorisation it \
         LEFT JOIN ledger_account account ON account.enterprise_id = it.enterprise_id \
         AND account.currency = it.currency AND account.purpose = it.account_purpose \
         AND account.owner_id = it.account_owner_id WHERE it.auth_id = $1",
        columns_of::<Authorisation>("it"),
        columns_of::<Counted>("it")
    );
    Statement::new(sql, [auth_id.into()])
}

fn heir_of((enterprise_id, currency, owner): &AccountKey) -> Statement {
    let sql = "SELECT closed_into FROM ledger_account WHERE enterprise_id = $1 \
        AND currency = $2 AND purpose = $3 AND owner_id = $4";
    let (purpose, owner_id) = (owner.purpose().into(), owner.owner_id().into());
    Statement::new(sql, [(*enterprise_id).into(), (*currency).into(), purpose, owner_id])
}
