//! The rows that a group of money commands reads and locks before any of them is decided.

use std::collections::BTreeSet;

use domain::{ArrivedMessage, AuthId, Authorisation, EnterpriseId, MessageIdentity, Timestamp};

use super::batch::{Batch, BillKey, PanKey, StandInKey, bill_key};
use super::foreseen::Foreseen;
use super::keys::Keys;
use super::messages::messages_of;
use super::stand_in::stand_in_key;
use super::terms::AccountKey;
use super::velocity::giving;
use super::{Command, VelocityTerms};
use crate::StoreError;
use crate::engine::{Repeats, Tx};

/// Locks in one order for all commands, so processes never wait for one another in a circle: the
/// accounts first, by enterprise and currency, then authorisations, then uses of limits and of
/// stand-in. A process that holds an account is alone with its authorisations, so it does not
/// matter that some of them are locked before the rest of their bills is known.
///
/// What a group needs is foreseen without locks, then read and locked in one round trip. Only what
/// could not be foreseen, as after a race, is read after that.
pub(super) async fn load(
    tx: &Tx,
    commands: &[&Command],
    (repeats, real_now): (Repeats, Timestamp),
) -> Result<Batch, StoreError> {
    let wanted = Wanted::by(commands, repeats);
    let foreseen = Foreseen::by(tx, &wanted).await?;
    let seen = |auth_id: AuthId| foreseen.authorisation(auth_id);
    let mut accounts = wanted.accounts.clone();
    accounts.extend(foreseen.accounts());
    let mut pans = wanted.pans.clone();
    pans.extend(commands.iter().filter_map(|it| foreseen.pan(giving(it)?)));
    let mut batch = Batch::default();
    let keys = Keys {
        accounts,
        messages: wanted.messages.clone(),
        naming: wanted.naming.clone(),
        begun: wanted.begun.clone(),
        authorisations: foreseen.keys(),
        bills: &bills(commands, seen) | &foreseen.bills_of_originals(&wanted),
        references: wanted.references.clone(),
        pans,
        stand_ins: commands.iter().filter_map(|it| stand_in_of(it, seen)).collect(),
    };
    batch.read(tx, keys, real_now).await?;
    read_unforeseen(&mut batch, tx, commands, &wanted, real_now).await?;
    Ok(batch)
}

/// Reads what only the locked rows tell: originals of messages that arrived meanwhile, their bills,
/// and how originals were posted.
async fn read_unforeseen(
    batch: &mut Batch,
    tx: &Tx,
    commands: &[&Command],
    wanted: &Wanted<'_>,
    real_now: Timestamp,
) -> Result<(), StoreError> {
    let of_messages = batch.originals.iter();
    let mut owned: BTreeSet<(EnterpriseId, AuthId)> =
        of_messages.filter_map(|it| it.enterprise_id.zip(it.auth_id)).collect();
    let stated = wanted.stated.iter().filter_map(|it| batch.messages.get(&it.identity));
    owned.extend(stated.filter_map(|it| it.message.enterprise_id.zip(it.message.auth_id)));
    let mut originals: BTreeSet<AuthId> = owned.iter().map(|(_, auth_id)| *auth_id).collect();
    originals.extend(&wanted.originals);
    owned.retain(|(_, auth_id)| !batch.authorisations.contains_key(auth_id));
    let keys = Keys { authorisations: owned, ..Keys::default() };
    batch.read(tx, keys, real_now).await?;
    batch.load_counted(tx).await?;
    batch.load_receipts(tx, &originals).await?;
    let seen = |auth_id: AuthId| Some(&batch.authorisations.get(&auth_id)?.authorisation);
    let mut bills = &bills(commands, seen) | &batch.bills_of(&originals);
    bills.retain(|(_, outs_id)| !batch.bills.contains_key(outs_id));
    batch.read(tx, Keys { bills, ..Keys::default() }, real_now).await?;
    batch.load_posted_back(tx, &originals).await?;
    batch.load_makers(tx, &originals).await?;
    let mut pans = batch.pans_of_bills();
    pans.retain(|key| !batch.velocity_uses.contains_key(key));
    batch.read(tx, Keys { pans, ..Keys::default() }, real_now).await
}

/// What commands name.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) named: BTreeSet<AuthId>,
    pub(super) accounts: BTreeSet<AccountKey>,
    references: BTreeSet<(EnterpriseId, String)>,
    pans: BTreeSet<PanKey>,
    /// Messages that are looked for because they may have arrived before.
    messages: Vec<MessageIdentity>,
    /// Messages that name an original.
    pub(super) naming: Vec<&'a ArrivedMessage>,
    /// Messages that a reversal may wait for.
    begun: Vec<&'a ArrivedMessage>,
    /// Advices.
    pub(super) stated: Vec<&'a ArrivedMessage>,
    /// Authorisations that are named by their ids.
    pub(super) originals: BTreeSet<AuthId>,
}

impl<'a> Wanted<'a> {
    fn by(commands: &[&'a Command], repeats: Repeats) -> Self {
        let mut wanted = Self::default();
        for command in commands {
            let (accounts, auth_id) = command.names();
            wanted.accounts.extend(accounts);
            wanted.named.extend(auth_id);
            wanted.add(command, repeats);
        }
        wanted
    }

    fn add(&mut self, command: &'a Command, repeats: Repeats) {
        match command {
            Command::Begin(request) => {
                let it = &request.authorisation;
                // A message that follows an authorisation closed by now would be refused, so a
                // repeat must be recognised first.
                if repeats == Repeats::Sought || it.original_auth_id.is_some() {
                    self.messages.extend(messages_of(request).into_iter().map(|it| it.identity));
                }
                self.begun.extend(request.message.iter().map(|arrival| &arrival.message));
                self.count(it.enterprise_id, request.velocity);
            }
            Command::TakeBack(request) => {
                if repeats == Repeats::Sought {
                    self.messages.push(request.message.message.identity.clone());
                }
                self.naming.push(&request.message.message);
            }
            Command::Advise(request) => {
                self.messages.push(request.message.identity.clone());
                self.stated.push(&request.message);
                if request.kept.is_some() {
                    self.begun.push(&request.message);
                    self.naming.push(&request.message);
                }
                self.originals.extend(request.names);
                self.count(request.record.enterprise_id, request.velocity);
            }
            Command::Reverse(request) => {
                self.originals.insert(request.auth_id);
            }
            Command::Move(request) => {
                self.references.insert((request.enterprise_id, request.reference.clone()));
            }
            _ => {}
        }
    }

    fn count(&mut self, enterprise_id: EnterpriseId, terms: Option<VelocityTerms>) {
        let terms = terms.filter(|terms| terms.are_counted());
        self.pans.extend(terms.map(|terms| (enterprise_id, terms.pan_id)));
    }
}

/// The bills that commands need as a whole.
fn bills<'a>(
    commands: &[&Command],
    seen: impl Fn(AuthId) -> Option<&'a Authorisation>,
) -> BTreeSet<BillKey> {
    let of_whole_bill = |command: &&Command| match command {
        Command::Begin(request) => request.authorisation.original_auth_id,
        Command::Decide(decision) => Some(decision.auth_id),
        Command::Clear(request) => Some(request.auth_id),
        Command::Reverse(request) => Some(request.auth_id),
        Command::Expire { auth_id, .. } => Some(*auth_id),
        Command::TakeBack(_)
        | Command::Advise(_)
        | Command::Force(_)
        | Command::Move(_)
        | Command::Transfer(_)
        | Command::Charge(_)
        | Command::Close(_)
        | Command::Claimed(..) => None,
    };
    let named = commands.iter().filter_map(|command| Some((command, of_whole_bill(command)?)));
    let key = |(command, auth_id): (&&Command, AuthId)| {
        let it = seen(auth_id)?;
        let is_alone = matches!(command, Command::Decide(_) | Command::Expire { .. });
        (!is_alone || it.is_completion() || it.is_increment()).then(|| bill_key(it))
    };
    named.filter_map(key).collect()
}

/// The day on which a decision may stand in.
fn stand_in_of<'a>(
    command: &Command,
    seen: impl Fn(AuthId) -> Option<&'a Authorisation>,
) -> Option<StandInKey> {
    let Command::Decide(decision) = command else { return None };
    stand_in_key(seen(decision.auth_id)?, decision)
}
