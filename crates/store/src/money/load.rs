//! The rows that a group of money commands reads and locks before any of them is decided.

use std::collections::BTreeSet;

use domain::{AuthId, Authorisation, EnterpriseId, Timestamp};

use super::Command;
use super::batch::{Batch, BillKey, StandInKey, bill_key};
use super::foreseen::Foreseen;
use super::keys::Keys;
use super::stand_in_use::stand_in_key;
use super::wanted::Wanted;
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
    let bills = &bills(commands, seen) | &foreseen.bills_of_originals(&wanted);
    pans.extend(foreseen.pans_of(&bills));
    let mut batch = Batch::default();
    let keys = Keys {
        accounts,
        messages: wanted.messages.clone(),
        naming: wanted.naming.clone(),
        begun: wanted.begun.clone(),
        authorisations: foreseen.keys(),
        bills,
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

/// The authorisation whose limits may get something back by a command.
fn giving(command: &Command) -> Option<AuthId> {
    match command {
        Command::Decide(decision) if !decision.cause.is_approval() => Some(decision.auth_id),
        Command::Reverse(request) => Some(request.auth_id),
        Command::Expire { auth_id, .. } => Some(*auth_id),
        _ => None,
    }
}

/// The day on which a decision may stand in.
fn stand_in_of<'a>(
    command: &Command,
    seen: impl Fn(AuthId) -> Option<&'a Authorisation>,
) -> Option<StandInKey> {
    let Command::Decide(decision) = command else { return None };
    stand_in_key(seen(decision.auth_id)?, decision)
}
