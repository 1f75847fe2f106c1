//! What the commands of a group name.

use std::collections::BTreeSet;

use domain::{ArrivedMessage, AuthId, EnterpriseId, MessageIdentity};

use super::batch::PanKey;
use super::messages::messages_of;
use super::terms::AccountKey;
use super::{Command, VelocityTerms};
use crate::engine::Repeats;

/// What commands name.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) named: BTreeSet<AuthId>,
    pub(super) accounts: BTreeSet<AccountKey>,
    pub(super) references: BTreeSet<(EnterpriseId, String)>,
    pub(super) pans: BTreeSet<PanKey>,
    /// Messages that are looked for because they may have arrived before.
    pub(super) messages: Vec<MessageIdentity>,
    /// Messages that name an original.
    pub(super) naming: Vec<&'a ArrivedMessage>,
    /// Messages that a reversal may wait for.
    pub(super) begun: Vec<&'a ArrivedMessage>,
    /// Advices.
    pub(super) stated: Vec<&'a ArrivedMessage>,
    /// Authorisations that are named by their ids.
    pub(super) originals: BTreeSet<AuthId>,
}

impl<'a> Wanted<'a> {
    pub(super) fn by(commands: &[&'a Command], repeats: Repeats) -> Self {
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
