//! The rows that a group of money commands reads and locks before any of them is decided.

use std::collections::BTreeSet;

use domain::{AuthId, OutsId, Timestamp};

use super::Command;
use super::batch::{self, Batch};
use super::messages::messages_of;
use super::originals::candidates;
use crate::StoreError;
use crate::engine::{Repeats, Tx};

/// Locks in one order for all commands, so processes never wait for one another in a circle: the
/// accounts first, by enterprise and currency, then authorisations, then uses of limits and of stand-in. A process
/// that holds an account is alone with its authorisations, so it does not matter that some of them
/// are locked before the rest of their bills is known.
pub(super) async fn load(
    tx: &Tx,
    commands: &[&Command],
    (repeats, real_now): (Repeats, Timestamp),
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    let (mut named, mut messages) = (BTreeSet::new(), Vec::new());
    let (mut accounts, mut references) = (BTreeSet::new(), BTreeSet::new());
    let mut pans = BTreeSet::new();
    let (mut naming, mut begun) = (Vec::new(), Vec::new());
    for command in commands {
        let (own, auth_id) = command.names();
        accounts.extend(own);
        named.extend(auth_id);
        match command {
            Command::Begin(request) => {
                let it = &request.authorisation;
                // A message that follows an authorisation closed by now would be refused, so a
                // repeat must be recognised first.
                let is_sought = repeats == Repeats::Sought || it.original_auth_id.is_some();
                if is_sought {
                    messages.extend(messages_of(request).into_iter().map(|it| it.identity));
                }
                begun.extend(&request.message);
                let terms = request.velocity.iter().filter(|terms| terms.are_counted());
                pans.extend(terms.map(|terms| (it.enterprise_id, terms.pan_id)));
            }
            Command::TakeBack(request) => {
                if repeats == Repeats::Sought {
                    messages.push(request.message.identity.clone());
                }
                naming.push(&request.message);
            }
            Command::Move(request) => {
                references.insert((request.enterprise_id, request.reference.clone()));
            }
            _ => {}
        }
    }
    let mut foreseen = named.clone();
    for message in &naming {
        foreseen.extend(candidates(tx, message).await?.iter().filter_map(|it| it.auth_id));
    }
    accounts.extend(batch::accounts_of(tx, &foreseen).await?);
    accounts.extend(batch::heirs_of(tx, &accounts).await?);
    batch.load_accounts(tx, accounts).await?;
    // Whoever holds the account of a card is alone with its messages.
    let originals = batch.load_originals(tx, &naming).await?;
    batch.load_early(tx, &begun, real_now).await?;
    named.extend(&originals);
    batch.load_authorisations(tx, named).await?;
    batch.load_receipts(tx, &originals).await?;
    let mut outs_ids = bills(commands, &batch);
    outs_ids.extend(batch.bills_of(&originals));
    batch.load_bills(tx, outs_ids).await?;
    batch.load_messages(tx, messages).await?;
    batch.load_references(tx, references).await?;
    pans.extend(batch.counted_pans(commands));
    batch.load_velocity_uses(tx, pans).await?;
    batch.load_stand_ins(tx, commands).await?;
    Ok(batch)
}

/// The bills that commands need as a whole.
fn bills(commands: &[&Command], batch: &Batch) -> BTreeSet<OutsId> {
    let of_whole_bill = |command: &&Command| match command {
        Command::Begin(request) => request.authorisation.original_auth_id,
        Command::Decide(decision) => Some(decision.auth_id),
        Command::Clear(request) => Some(request.auth_id),
        Command::Reverse(request) => Some(request.auth_id),
        Command::Expire { auth_id, .. } => Some(*auth_id),
        Command::TakeBack(_)
        | Command::Force(_)
        | Command::Move(_)
        | Command::Transfer(_)
        | Command::Charge(_)
        | Command::Close(_)
        | Command::Claimed(..) => None,
    };
    let named = commands.iter().filter_map(|command| Some((command, of_whole_bill(command)?)));
    let outs_id = |(command, auth_id): (&&Command, AuthId)| {
        let it = &batch.authorisations.get(&auth_id)?.authorisation;
        let is_alone = matches!(command, Command::Decide(_) | Command::Expire { .. });
        (!is_alone || it.is_completion() || it.is_increment()).then_some(it.outs_id)
    };
    named.filter_map(outs_id).collect()
}
