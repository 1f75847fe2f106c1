//! The rows that a group of money commands reads and locks before any of them is decided.

use std::collections::BTreeSet;

use domain::{AuthId, OutsId};

use super::Command;
use super::batch::{self, Batch};
use super::messages::identities_of;
use crate::StoreError;
use crate::engine::{Repeats, Tx};

/// Locks in one order for all commands, so processes never wait for one another in a circle: the
/// accounts first, by enterprise and currency, then authorisations, then uses of limits. A process
/// that holds an account is alone with its authorisations, so it does not matter that some of them
/// are locked before the rest of their bills is known.
pub(super) async fn load(
    tx: &Tx,
    commands: &[&Command],
    repeats: Repeats,
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    let (mut named, mut messages) = (BTreeSet::new(), Vec::new());
    let (mut accounts, mut references) = (BTreeSet::new(), BTreeSet::new());
    let mut pans = BTreeSet::new();
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
                    messages.extend(identities_of(request));
                }
                let terms = request.velocity.iter().filter(|terms| terms.are_counted());
                pans.extend(terms.map(|terms| (it.enterprise_id, terms.pan_id)));
            }
            Command::Move(request) => {
                references.insert((request.enterprise_id, request.reference.clone()));
            }
            _ => {}
        }
    }
    accounts.extend(batch::accounts_of(tx, &named).await?);
    accounts.extend(batch::heirs_of(tx, &accounts).await?);
    batch.load_accounts(tx, accounts).await?;
    batch.load_authorisations(tx, named).await?;
    batch.load_bills(tx, bills(commands, &batch)).await?;
    batch.load_messages(tx, messages).await?;
    batch.load_references(tx, references).await?;
    pans.extend(batch.counted_pans(commands));
    batch.load_velocity_uses(tx, pans).await?;
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
        Command::Force(_)
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
