//! The messages of a group, beside those that arrived before it.

use domain::{ArrivedMessage, Authorisation};

use super::apply::Group;
use super::messages::{KeyMatch, Known, NetworkMessage};
use super::originals::is_awaited;
use super::{BeginAuthorisation, MoneyError};

impl Group<'_> {
    /// The authorisation that the same message made before. A key whose time is over passes to
    /// `it`.
    pub(super) fn repeated(
        &mut self,
        it: &BeginAuthorisation,
        messages: &[ArrivedMessage],
    ) -> Result<Option<Authorisation>, MoneyError> {
        let real_now = self.ids.clock().real_now();
        for message in messages {
            let Some(known) = self.batch.messages.get(&message.identity) else { continue };
            match (known.match_begun(it, real_now), &known.first) {
                (KeyMatch::Repeat, Some(first)) => return Ok(Some(first.clone())),
                (KeyMatch::Repeat | KeyMatch::Conflict, _) => {
                    return Err(MoneyError::NetworkKeyConflict);
                }
                (KeyMatch::New, _) => {
                    let Known { message, .. } = known;
                    self.batch.overtaken.extend(message.enterprise_id.zip(message.auth_id));
                    self.batch.overtaken_messages.insert(message.message_id);
                }
            }
        }
        Ok(None)
    }

    /// True if a reversal of the message arrived before it.
    pub(super) fn is_reversed(&self, it: &BeginAuthorisation) -> bool {
        let of_group = || self.batch.early.iter().chain(&self.batch.new_messages);
        it.message.as_ref().is_some_and(|message| is_awaited(message, of_group()))
    }

    /// Keeps a message, so that a later one of the group is judged by it.
    pub(super) fn note_message(&mut self, message: NetworkMessage, first: Option<Authorisation>) {
        let identity = message.message.identity.clone();
        self.batch.messages.insert(identity, Known { message: message.clone(), first });
        self.batch.new_messages.push(message);
    }
}
