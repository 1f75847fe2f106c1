//! The rows that a group of money commands works on, read once and written once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Currency, EnterpriseId, Event, HoldState,
    MessageIdentity, MessageKind, MessageOutcome, Money, NetworkMessageId, OutsId, PanId, Posting,
    Timestamp, TransactionType, VelocityUse, VmAppId, VmFlow, WebhookEvent,
};
use futures_util::future::try_join_all;
use ledger::{Account, Transfer};

use super::apart::{Rows, Standing, elsewhere};
use super::link_messages::LinkMessage;
use super::messages::{self, Known, NetworkMessage};
use super::terms::AccountKey;
use super::told::{self, Told};
use crate::engine::Tx;
use crate::receipts::{KEPT, KEPT_IN, text_of};
use crate::records::{Counted, record, select, sql, update_text, update_values};
use crate::{Job, StoreError, feed};

/// An authorisation that was read, with its changes to be written.
pub(super) struct Loaded {
    pub(super) authorisation: Authorisation,
    /// Where it stood when it was read.
    pub(super) before: Standing,
    /// What events had told of it then.
    pub(super) told: Told,
    pub(super) receipt: Option<String>,
    pub(super) counted: Option<Counted>,
    pub(super) is_changed: bool,
}

impl Loaded {
    pub(super) fn read(authorisation: Authorisation, counted: Option<Counted>) -> Self {
        let (before, told) = (Standing::of(&authorisation), Told::of(&authorisation));
        Self { authorisation, before, told, receipt: None, counted, is_changed: false }
    }
}

/// A new authorisation.
pub(super) struct NewAuthorisation {
    pub(super) authorisation: Authorisation,
    pub(super) receipt: String,
    pub(super) counted: Option<Counted>,
    pub(super) vm_app_id: Option<VmAppId>,
}

record! {
    NewAuthorisation in "authorisation" key (enterprise_id, auth_id) {
        authorisation of Authorisation,
        receipt: [receipt, by_older] via elsewhere,
        vm_app_id,
        counted of Counted,
    }
}

/// An account that was read or is new.
pub(super) struct LoadedAccount {
    pub(super) account: Account,
    pub(super) is_new: bool,
    pub(super) is_changed: bool,
}

/// An enterprise's bill.
pub(super) type BillKey = (EnterpriseId, OutsId);

/// The bill that an authorisation is part of.
pub(super) const fn bill_key(it: &Authorisation) -> BillKey {
    (it.enterprise_id, it.outs_id)
}

/// The PAN whose cards share a use of limits.
pub(super) type PanKey = (EnterpriseId, PanId);

/// A use of limits that was read, or that begins with this group.
#[derive(Default)]
pub(super) struct LoadedUse {
    pub(super) used: VelocityUse,
    pub(super) is_changed: bool,
}

/// An enterprise, a currency, and a day of stand-in, counted in UTC+8 from 1970-01-01.
pub(super) type StandInKey = (EnterpriseId, Currency, i64);

/// What was approved on a day of stand-in that was read, or that begins with this group.
pub(super) struct LoadedStandIn {
    pub(super) approved_minor: i64,
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
    /// The authorisations of each bill that move money away from the cardholder, in order of
    /// arrival.
    pub(super) bills: HashMap<OutsId, Vec<AuthId>>,
    pub(super) messages: HashMap<MessageIdentity, Known>,
    /// Messages that may be the original of one of this group.
    pub(super) originals: Vec<NetworkMessage>,
    /// How those count that are sales or refunds.
    pub(super) counted: Vec<LinkMessage>,
    /// Reversals that may have arrived before their originals, which this group brings.
    pub(super) early: Vec<NetworkMessage>,
    /// Messages whose identity one of this group has now, and the authorisations that they made.
    pub(super) overtaken_messages: BTreeSet<NetworkMessageId>,
    pub(super) overtaken: BTreeSet<(EnterpriseId, AuthId)>,
    pub(super) accounts: BTreeMap<AccountKey, LoadedAccount>,
    pub(super) references: HashMap<(EnterpriseId, String), Transfer>,
    pub(super) velocity_uses: BTreeMap<PanKey, LoadedUse>,
    pub(super) stand_ins: BTreeMap<StandInKey, LoadedStandIn>,
    pub(super) new_authorisations: Vec<NewAuthorisation>,
    pub(super) new_messages: Vec<NetworkMessage>,
    pub(super) new_records: Vec<LinkMessage>,
    pub(super) transfers: Vec<Transfer>,
    /// What was posted back of originals, in minor units of the shop's and the billing currency.
    pub(super) posted_back: HashMap<AuthId, (i64, i64)>,
    /// The messages that made originals and cleared them.
    pub(super) makers: HashMap<AuthId, Makers>,
    /// Messages that stand for another authorisation or amount from now on.
    pub(super) restated: Vec<(NetworkMessageId, AuthId, Option<i64>)>,
    pub(super) jobs: Vec<Job>,
    pub(super) postings: Vec<Posting>,
    pub(super) events: Vec<WebhookEvent>,
    /// Movements of the balances of cards of dialect 2.
    pub(super) flows: Vec<VmFlow>,
    /// Fees of the group, not yet taken from their accounts.
    pub(super) charges: Vec<Charge>,
}

/// How many messages of each class made an authorisation, or cleared it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Makers {
    pub(super) authorising: i64,
    pub(super) financial: i64,
}

impl Batch {
    /// The bills of authorisations that were read.
    pub(super) fn bills_of(&self, ids: &BTreeSet<AuthId>) -> BTreeSet<BillKey> {
        let loaded = ids.iter().filter_map(|auth_id| self.authorisations.get(auth_id));
        loaded.map(|loaded| bill_key(&loaded.authorisation)).collect()
    }

    /// Reads how the originals count that are sales or refunds: of a request and an advice with its
    /// identity, the one that is approved.
    pub(super) async fn load_counted(&mut self, tx: &Tx) -> Result<(), StoreError> {
        let sql = sql!(
            "{} WHERE auth_id = $1 AND (message_id = $2 OR repeats_message_id = $2) \
             AND counts_as IN ('CREDIT', 'DEBIT') \
             ORDER BY is_approved DESC, COALESCE(repeats_message_id, 0) LIMIT 1",
            select::<LinkMessage>()
        );
        let financial = self
            .originals
            .iter()
            .filter(|original| original.message.identity.numbers.kind == MessageKind::Financial);
        let keys = financial.filter_map(|it| Some((it.auth_id?, it.message_id)));
        let reads = keys.map(|(auth_id, message_id)| async move {
            tx.one(sql, &[auth_id.into(), message_id.into()]).await
        });
        self.counted = try_join_all(reads).await?.into_iter().flatten().collect();
        Ok(())
    }

    /// Reads what the network took back of originals after they were posted.
    pub(super) async fn load_posted_back(
        &mut self,
        tx: &Tx,
        originals: &BTreeSet<AuthId>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(cleared_acquirer_minor), 0) AS BIGINT), \
            CAST(COALESCE(SUM(posted_minor), 0) AS BIGINT) FROM authorisation \
            WHERE outs_id = $1 AND original_auth_id = $2 \
            AND direction = 'INCOMING' AND transaction_type <> $3";
        for auth_id in originals {
            let Some(loaded) = self.authorisations.get(auth_id) else { continue };
            let it = &loaded.authorisation;
            if it.hold_state == HoldState::Posted {
                let key = [it.outs_id.into(), (*auth_id).into(), TransactionType::Refund.into()];
                let minor: Option<(i64, i64)> = tx.one(sql, &key).await?;
                self.posted_back.insert(*auth_id, minor.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Counts the messages that made originals and cleared them; corrections name a financial one.
    pub(super) async fn load_makers(
        &mut self,
        tx: &Tx,
        originals: &BTreeSet<AuthId>,
    ) -> Result<(), StoreError> {
        let sql = "SELECT COUNT(CASE WHEN kind = 'AUTH' THEN 1 END), \
            COUNT(CASE WHEN kind = 'FIN' THEN 1 END) FROM network_message \
            WHERE enterprise_id = $1 AND auth_id = $2 \
            AND (original_kind IS NULL OR original_kind = 'AUTH')";
        for auth_id in originals {
            let Some(loaded) = self.authorisations.get(auth_id) else { continue };
            let key = [loaded.authorisation.enterprise_id.into(), (*auth_id).into()];
            let counted: Option<(i64, i64)> = tx.one(sql, &key).await?;
            let (authorising, financial) = counted.unwrap_or_default();
            self.makers.insert(*auth_id, Makers { authorising, financial });
        }
        Ok(())
    }

    /// Reads the receipts of authorisations that are undecided.
    pub(super) async fn load_receipts(
        &mut self,
        tx: &Tx,
        ids: &BTreeSet<AuthId>,
    ) -> Result<(), StoreError> {
        let sql =
            sql!("SELECT {KEPT} FROM {KEPT_IN} WHERE a.enterprise_id = $1 AND a.auth_id = $2");
        for auth_id in ids {
            let Some(loaded) = self.authorisations.get_mut(auth_id) else { continue };
            if loaded.authorisation.status == AuthorisationStatus::Pending {
                let key = [loaded.authorisation.enterprise_id.into(), (*auth_id).into()];
                loaded.receipt = tx.one(sql, &key).await?.map(text_of).transpose()?;
            }
        }
        Ok(())
    }

    /// The account of an enterprise in a currency, if it has one; it counts as changed.
    pub(super) fn account(&mut self, key: AccountKey) -> Option<&mut Account> {
        self.accounts.get_mut(&key).map(|loaded| {
            loaded.is_changed = true;
            &mut loaded.account
        })
    }

    /// The events of the authorisations and messages that are new or changed, `now` in business
    /// time.
    fn told(&self, now: Timestamp) -> Vec<Event> {
        let (mut told, mut begun) = (Vec::new(), BTreeSet::new());
        for NewAuthorisation { authorisation, .. } in &self.new_authorisations {
            begun.insert(authorisation.auth_id);
            // A later command of the group may have changed it.
            let later = self.authorisations.get(&authorisation.auth_id);
            let it = later.map_or(authorisation, |later| &later.authorisation);
            told.extend(told::events(it, None, now));
        }
        for loaded in self.authorisations.values().filter(|loaded| loaded.is_changed) {
            let it = &loaded.authorisation;
            if !begun.contains(&it.auth_id) {
                told.extend(told::events(it, Some(loaded.told), now));
            }
        }
        told.extend(self.new_records.iter().map(|record| record.told(now)));
        told
    }

    /// Writes everything that changed, `now` in business time.
    pub(super) async fn write(self, tx: &Tx, now: Timestamp) -> Result<(), StoreError> {
        for retired in &self.overtaken {
            messages::forget(tx, *retired).await?;
        }
        for retired in &self.overtaken_messages {
            let sql = "DELETE FROM network_message WHERE message_id = $1";
            tx.post(sql, [(*retired).into()]).await?;
        }
        self.write_authorisations(tx).await?;
        messages::write(tx, &self.new_messages).await?;
        tx.post_all(&self.new_records).await?;
        for (message_id, auth_id, stated_minor) in &self.restated {
            let sql = "UPDATE network_message SET auth_id = $1, outcome = $2, stated_minor = $3 \
                WHERE message_id = $4";
            let outcome = MessageOutcome::Accepted;
            let stated = (*stated_minor).into();
            let values = [(*auth_id).into(), outcome.into(), stated, (*message_id).into()];
            tx.post(sql, values).await?;
        }
        tx.post_all(&self.jobs).await?;
        tx.post_all(&self.transfers).await?;
        tx.post_all(&self.postings).await?;
        crate::vm::insert_flows(tx, &self.flows).await?;
        for loaded in self.accounts.values().filter(|loaded| loaded.is_changed) {
            write_account(tx, loaded).await?;
        }
        self.write_velocity_uses(tx).await?;
        self.write_stand_ins(tx).await?;
        let mut told = self.told(now);
        told.extend(crate::outbox::queue_events(tx, &self.events).await?);
        feed::post(tx, &told).await
    }

    async fn write_authorisations(&self, tx: &Tx) -> Result<(), StoreError> {
        tx.post_all(&self.new_authorisations).await?;
        for loaded in self.authorisations.values().filter(|loaded| loaded.is_changed) {
            update_authorisation(tx, loaded).await?;
        }
        self.rows_apart().post(tx).await
    }

    /// The rows that stand apart of the authorisations that are new or changed.
    fn rows_apart(&self) -> Rows {
        let (mut rows, mut begun) = (Rows::default(), BTreeSet::new());
        for NewAuthorisation { authorisation, receipt, .. } in &self.new_authorisations {
            begun.insert(authorisation.auth_id);
            // A later command of the group may have changed it.
            let later = self.authorisations.get(&authorisation.auth_id);
            let it = later.map_or(authorisation, |later| &later.authorisation);
            let receipt = later.and_then(|later| later.receipt.as_ref()).unwrap_or(receipt);
            rows.add_new(it, receipt);
        }
        let changed = self.authorisations.values().filter(|loaded| loaded.is_changed);
        for loaded in changed.filter(|loaded| !begun.contains(&loaded.authorisation.auth_id)) {
            rows.add_changed(&loaded.authorisation, loaded.before, loaded.receipt.as_deref());
        }
        rows
    }
}

async fn write_account(tx: &Tx, loaded: &LoadedAccount) -> Result<(), StoreError> {
    if loaded.is_new {
        tx.post_all(std::slice::from_ref(&loaded.account)).await
    } else {
        tx.post_update(&loaded.account).await
    }
}

async fn update_authorisation(tx: &Tx, loaded: &Loaded) -> Result<(), StoreError> {
    const MORE: [&str; 2] = ["receipt = COALESCE($?, receipt)", "velocity_minor = $?"];
    let sql = sql!("{}", update_text::<Authorisation>(&MORE));
    let mut values = update_values(&loaded.authorisation);
    // The receipt of a decided authorisation stands apart.
    let is_apart = loaded.receipt.is_some() && !Standing::of(&loaded.authorisation).is_undecided();
    values.push(is_apart.then_some("").into());
    values.push(loaded.counted.map(|counted| counted.amount_minor).into());
    tx.post(sql, values).await
}
