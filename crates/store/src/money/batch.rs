//! The rows that a group of money commands works on, read once and written once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    AccountOwner, AuthId, Authorisation, Currency, EnterpriseId, Money, OutsId, PanId, Posting,
    VelocityUse, VmAppId, VmFlow, WebhookEvent,
};
use futures_util::future::try_join_all;
use ledger::{Account, Transfer};

use super::messages::{MessageKey, first_of, retire_key};
use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::rows;

/// The account of an owner in a currency.
pub(crate) type AccountKey = (EnterpriseId, Currency, AccountOwner);

/// The account that an authorisation is about.
pub(super) const fn account_key(it: &Authorisation) -> AccountKey {
    (it.enterprise_id, it.amount.currency(), it.account)
}

/// An authorisation that was read, and what is to be written of it.
pub(super) struct Loaded {
    pub(super) authorisation: Authorisation,
    pub(super) receipt: Option<String>,
    pub(super) counted: Option<rows::Counted>,
    pub(super) is_changed: bool,
}

/// An authorisation that is new.
pub(super) struct NewAuthorisation {
    pub(super) authorisation: Authorisation,
    pub(super) receipt: String,
    pub(super) counted: Option<rows::Counted>,
    pub(super) vm_app_id: Option<VmAppId>,
}

/// An account that was read or is new.
pub(super) struct LoadedAccount {
    pub(super) account: Account,
    pub(super) is_new: bool,
    pub(super) is_changed: bool,
}

/// The PAN whose cards share what they use.
pub(super) type PanKey = (EnterpriseId, PanId);

/// A use that was read, or that begins with this group.
#[derive(Default)]
pub(super) struct LoadedUse {
    pub(super) used: VelocityUse,
    pub(super) is_changed: bool,
}

/// A fee on its way to its account.
pub(super) struct Charge {
    pub(super) key: AccountKey,
    pub(super) auth_id: AuthId,
    pub(super) amount: Money,
}

/// The rows of one group.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) authorisations: HashMap<AuthId, Loaded>,
    /// Of a bill what moves money away from the cardholder, in order of arrival.
    pub(super) bills: HashMap<OutsId, Vec<AuthId>>,
    pub(super) messages: HashMap<MessageKey, Authorisation>,
    /// Authorisations whose network key a message of this group bears now.
    pub(super) retired_keys: BTreeSet<(EnterpriseId, AuthId)>,
    pub(super) accounts: BTreeMap<AccountKey, LoadedAccount>,
    pub(super) references: HashMap<(EnterpriseId, String), Transfer>,
    pub(super) velocity_uses: BTreeMap<PanKey, LoadedUse>,
    pub(super) new_authorisations: Vec<NewAuthorisation>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) postings: Vec<Posting>,
    pub(super) events: Vec<WebhookEvent>,
    /// Movements of the balances of cards of dialect 2.
    pub(super) flows: Vec<VmFlow>,
    /// Fees of the group, not yet taken from their accounts.
    pub(super) charges: Vec<Charge>,
}

impl Batch {
    /// Reads and locks authorisations, in order of id: those of an enterprise without an
    /// account are locked by nothing else.
    pub(super) async fn load_authorisations(
        &mut self,
        tx: &Tx,
        ids: BTreeSet<AuthId>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {}, {} FROM authorisation WHERE auth_id = $1 FOR UPDATE",
            rows::AUTHORISATION_COLUMNS,
            rows::COUNTED_COLUMNS
        );
        let reads = ids.into_iter().map(|id| {
            let sql = &sql;
            async move { tx.query_opt(sql, &[id.as_i64().into()]).await }
        });
        for row in try_join_all(reads).await?.into_iter().flatten() {
            let authorisation = rows::authorisation_from(&row)?;
            let counted = rows::counted_from(&row)?;
            let loaded = Loaded { authorisation, receipt: None, counted, is_changed: false };
            self.authorisations.insert(loaded.authorisation.auth_id, loaded);
        }
        Ok(())
    }

    /// Reads and locks all authorisations of bills that move money away from the cardholder.
    pub(super) async fn load_bills(
        &mut self,
        tx: &Tx,
        bills: BTreeSet<OutsId>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {}, {} FROM authorisation WHERE outs_id = $1 AND direction = 'OUTGOING' \
             ORDER BY auth_id FOR UPDATE",
            rows::AUTHORISATION_COLUMNS,
            rows::COUNTED_COLUMNS
        );
        for outs_id in bills {
            let mut members = Vec::new();
            for row in tx.query(&sql, &[outs_id.into()]).await? {
                let authorisation = rows::authorisation_from(&row)?;
                let auth_id = authorisation.auth_id;
                members.push(auth_id);
                let counted = rows::counted_from(&row)?;
                let loaded = Loaded { authorisation, receipt: None, counted, is_changed: false };
                self.authorisations.entry(auth_id).or_insert(loaded);
            }
            self.bills.insert(outs_id, members);
        }
        Ok(())
    }

    /// Reads the authorisations that the network's keys already made.
    pub(super) async fn load_messages(
        &mut self,
        tx: &Tx,
        keys: Vec<MessageKey>,
    ) -> Result<(), StoreError> {
        let reads = keys.into_iter().map(|key| async move {
            let first = first_of(tx, &key).await?;
            Ok::<_, StoreError>(first.map(|first| (key, first)))
        });
        self.messages.extend(try_join_all(reads).await?.into_iter().flatten());
        Ok(())
    }

    /// Reads and locks accounts, in a fixed order.
    pub(super) async fn load_accounts(
        &mut self,
        tx: &Tx,
        keys: BTreeSet<AccountKey>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM ledger_account WHERE enterprise_id = $1 AND currency = $2 \
             AND purpose = $3 AND owner_id = $4 FOR UPDATE",
            rows::ACCOUNT_COLUMNS
        );
        let mut keys = keys;
        while let Some(key) = keys.pop_first() {
            let (enterprise_id, currency, owner) = key;
            let params = [
                enterprise_id.into(),
                currency.into(),
                owner.purpose().into(),
                owner.owner_id().into(),
            ];
            if let Some(row) = tx.query_opt(&sql, &params).await? {
                let account = rows::account_from(&row)?;
                // Closed since the heirs were looked for.
                let heir = account.closed_into.map(AccountOwner::VmBalance);
                let heir = heir.map(|heir| (enterprise_id, currency, heir));
                keys.extend(heir.filter(|heir| !self.accounts.contains_key(heir)));
                let loaded = LoadedAccount { account, is_new: false, is_changed: false };
                self.accounts.insert(key, loaded);
            }
        }
        Ok(())
    }

    /// Reads the transfers that deposit and withdrawal references already made.
    pub(super) async fn load_references(
        &mut self,
        tx: &Tx,
        references: BTreeSet<(EnterpriseId, String)>,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM ledger_transfer WHERE enterprise_id = $1 AND reference = $2",
            rows::TRANSFER_COLUMNS
        );
        for (enterprise_id, reference) in references {
            let params = [enterprise_id.as_i64().into(), (&reference).into()];
            if let Some(row) = tx.query_opt(&sql, &params).await? {
                self.references.insert((enterprise_id, reference), rows::transfer_from(&row)?);
            }
        }
        Ok(())
    }

    /// The account of an enterprise in a currency, if it has one, to be changed.
    pub(super) fn account(&mut self, key: AccountKey) -> Option<&mut Account> {
        self.accounts.get_mut(&key).map(|loaded| {
            loaded.is_changed = true;
            &mut loaded.account
        })
    }

    /// Writes everything that changed.
    pub(super) async fn write(self, tx: &Tx) -> Result<(), StoreError> {
        for retired in &self.retired_keys {
            retire_key(tx, *retired).await?;
        }
        self.write_authorisations(tx).await?;
        let transfers: Vec<_> = self.transfers.iter().map(rows::transfer_values).collect();
        tx.insert_rows("ledger_transfer", rows::TRANSFER_COLUMNS, &transfers).await?;
        let postings: Vec<_> = self.postings.iter().map(rows::posting_values).collect();
        tx.insert_rows("posting", rows::POSTING_COLUMNS, &postings).await?;
        crate::outbox::insert_events(tx, &self.events).await?;
        crate::vm_flows::insert_flows(tx, &self.flows).await?;
        for loaded in self.accounts.values().filter(|loaded| loaded.is_changed) {
            write_account(tx, loaded).await?;
        }
        self.write_velocity_uses(tx).await
    }

    async fn write_authorisations(&self, tx: &Tx) -> Result<(), StoreError> {
        let columns = format!(
            "{}, receipt, vm_app_id, {}",
            rows::AUTHORISATION_COLUMNS,
            rows::COUNTED_COLUMNS
        );
        let new: Vec<Vec<Value>> = self
            .new_authorisations
            .iter()
            .map(|new| {
                let mut values = rows::authorisation_values(&new.authorisation);
                values.push((&new.receipt).into());
                values.push(new.vm_app_id.into());
                values.extend(rows::counted_values(new.counted.as_ref()));
                values
            })
            .collect();
        tx.insert_rows("authorisation", &columns, &new).await?;
        let changed = self.authorisations.values().filter(|loaded| loaded.is_changed);
        try_join_all(changed.map(|loaded| update_authorisation(tx, loaded))).await?;
        Ok(())
    }
}

/// The accounts that authorisations draw on, which never change.
pub(super) async fn accounts_of(
    tx: &Tx,
    ids: &BTreeSet<AuthId>,
) -> Result<BTreeSet<AccountKey>, StoreError> {
    let sql = "SELECT enterprise_id, currency, account_purpose, account_owner_id \
        FROM authorisation WHERE auth_id = $1";
    let reads = ids.iter().map(|id| async move { tx.query_opt(sql, &[(*id).into()]).await });
    let rows = try_join_all(reads).await?;
    rows.iter().flatten().map(rows::account_key_from).collect()
}

/// The balances of apps that took over the accounts of deleted cards.
pub(super) async fn heirs_of(
    tx: &Tx,
    keys: &BTreeSet<AccountKey>,
) -> Result<BTreeSet<AccountKey>, StoreError> {
    let sql = "SELECT closed_into FROM ledger_account WHERE enterprise_id = $1 \
        AND currency = $2 AND purpose = 'CARD' AND owner_id = $3 AND closed_into IS NOT NULL";
    let cards = keys.iter().filter(|(_, _, owner)| matches!(owner, AccountOwner::Card(_)));
    let reads = cards.map(|(enterprise_id, currency, owner)| async move {
        let params = [(*enterprise_id).into(), (*currency).into(), owner.owner_id().into()];
        let row = tx.query_opt(sql, &params).await?;
        let heir = row.map(|row| row.int(0)).transpose()?.map(VmAppId::from_i64);
        Ok::<_, StoreError>(
            heir.map(|app| (*enterprise_id, *currency, AccountOwner::VmBalance(app))),
        )
    });
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

async fn write_account(tx: &Tx, loaded: &LoadedAccount) -> Result<(), StoreError> {
    let account = &loaded.account;
    if loaded.is_new {
        let row = rows::account_values(account);
        return tx.insert_rows("ledger_account", rows::ACCOUNT_COLUMNS, &[row]).await;
    }
    tx.execute(
        "UPDATE ledger_account SET funding_minor = $3, available_minor = $4, held_minor = $5, \
         posted_minor = $6, forced_negative = $7, closed_into = $8 \
         WHERE enterprise_id = $1 AND account_id = $2",
        &[
            account.enterprise_id.as_i64().into(),
            account.account_id.as_i64().into(),
            account.funding_minor.into(),
            account.available_minor.into(),
            account.held_minor.into(),
            account.posted_minor.into(),
            account.forced_negative.into(),
            account.closed_into.into(),
        ],
    )
    .await
    .map(|_| ())
}

async fn update_authorisation(tx: &Tx, loaded: &Loaded) -> Result<(), StoreError> {
    let it = &loaded.authorisation;
    tx.execute(
        "UPDATE authorisation SET status = $3, response_code = $4, reject_reason = $5, \
         detail = $6, auth_code = $7, hold_state = $8, hold_remaining_minor = $9, \
         hold_expires_at = $10, posted_minor = $11, cleared_acquirer_minor = $12, \
         reversed_acquirer_minor = $13, decided_at = $14, receipt = COALESCE($15, receipt), \
         velocity_minor = $16 \
         WHERE enterprise_id = $1 AND auth_id = $2",
        &[
            it.enterprise_id.as_i64().into(),
            it.auth_id.as_i64().into(),
            it.status.as_str().into(),
            it.response_code.map(domain::ResponseCode::as_str).into(),
            it.reject_reason.map(domain::ErrorCode::as_str).into(),
            it.detail.clone().into(),
            it.auth_code.clone().into(),
            it.hold_state.as_str().into(),
            it.hold_remaining_minor.into(),
            it.hold_expires_at.into(),
            it.posted_minor.into(),
            it.cleared_acquirer_minor.into(),
            it.reversed_acquirer_minor.into(),
            it.decided_at.into(),
            loaded.receipt.clone().into(),
            loaded.counted.map(|counted| counted.amount_minor).into(),
        ],
    )
    .await
    .map(|_| ())
}
