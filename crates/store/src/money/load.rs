//! The rows that a group of money commands reads and locks before any of them is decided.

use std::collections::BTreeSet;

use domain::{ArrivedMessage, AuthId, EnterpriseId, MessageIdentity, OutsId, Timestamp};

use super::batch::{self, Batch, PanKey};
use super::messages::{known, messages_of};
use super::originals::candidates;
use super::terms::AccountKey;
use super::{Command, VelocityTerms};
use crate::StoreError;
use crate::engine::{Repeats, Tx};

/// Locks in one order for all commands, so processes never wait for one another in a circle: the
/// accounts first, by enterprise and currency, then authorisations, then uses of limits and of
/// stand-in. A process that holds an account is alone with its authorisations, so it does not
/// matter that some of them are locked before the rest of their bills is known.
pub(super) async fn load(
    tx: &Tx,
    commands: &[&Command],
    (repeats, real_now): (Repeats, Timestamp),
) -> Result<Batch, StoreError> {
    let mut batch = Batch::default();
    let wanted = Wanted::by(commands, repeats);
    let Wanted { mut named, messages, mut accounts, references, mut pans, .. } = wanted;
    let Wanted { naming, begun, stated, originals: of_id, .. } = wanted;
    let mut foreseen = named.clone();
    for message in &naming {
        foreseen.extend(candidates(tx, message).await?.iter().filter_map(|it| it.auth_id));
    }
    for message in &stated {
        let known = known(tx, &message.identity).await?;
        foreseen.extend(known.and_then(|known| known.message.auth_id));
    }
    accounts.extend(batch::accounts_of(tx, &foreseen).await?);
    accounts.extend(batch::heirs_of(tx, &accounts).await?);
    batch.load_accounts(tx, accounts).await?;
    // Whoever holds the account of a card is alone with its messages.
    batch.load_messages(tx, messages).await?;
    let mut originals = batch.load_originals(tx, &naming).await?;
    batch.load_counted(tx).await?;
    let of_stated = stated.iter().filter_map(|it| batch.messages.get(&it.identity));
    originals.extend(of_stated.filter_map(|known| known.message.auth_id));
    originals.extend(of_id);
    batch.load_early(tx, &begun, real_now).await?;
    named.extend(&originals);
    batch.load_authorisations(tx, named).await?;
    batch.load_receipts(tx, &originals).await?;
    let mut outs_ids = bills(commands, &batch);
    outs_ids.extend(batch.bills_of(&originals));
    batch.load_bills(tx, outs_ids).await?;
    batch.load_posted_back(tx, &originals).await?;
    batch.load_makers(tx, &originals).await?;
    batch.load_references(tx, references).await?;
    pans.extend(batch.counted_pans(commands));
    batch.load_velocity_uses(tx, pans).await?;
    batch.load_stand_ins(tx, commands).await?;
    Ok(batch)
}

/// What commands name.
#[derive(Default)]
struct Wanted<'a> {
    named: BTreeSet<AuthId>,
    accounts: BTreeSet<AccountKey>,
    references: BTreeSet<(EnterpriseId, String)>,
    pans: BTreeSet<PanKey>,
    /// Messages that are looked for because they may have arrived before.
    messages: Vec<MessageIdentity>,
    /// Messages that name an original.
    naming: Vec<&'a ArrivedMessage>,
    /// Messages that a reversal may wait for.
    begun: Vec<&'a ArrivedMessage>,
    /// Advices.
    stated: Vec<&'a ArrivedMessage>,
    /// Authorisations that are named by their ids.
    originals: BTreeSet<AuthId>,
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
fn bills(commands: &[&Command], batch: &Batch) -> BTreeSet<OutsId> {
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
    let outs_id = |(command, auth_id): (&&Command, AuthId)| {
        let it = &batch.authorisations.get(&auth_id)?.authorisation;
        let is_alone = matches!(command, Command::Decide(_) | Command::Expire { .. });
        (!is_alone || it.is_completion() || it.is_increment()).then_some(it.outs_id)
    };
    named.filter_map(outs_id).collect()
}
