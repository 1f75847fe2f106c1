//! The messages of a group, beside those that arrived before it.

use domain::{
    ArrivedMessage, AuthId, Authorisation, LinkArrival, MessageOutcome, MessageRecord,
    NetworkMessageId,
};

use super::apply::Group;
use super::link_messages::{LinkMessage, Recorded};
use super::messages::{KeyMatch, Known, NetworkMessage};
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
        let mut arrived = it.message.iter();
        arrived.any(|arrival| self.reversals_of(&arrival.message).next().is_some())
    }

    /// The reversals of `it` that arrived before it.
    pub(super) fn reversals_of(
        &self,
        it: &ArrivedMessage,
    ) -> impl Iterator<Item = &ArrivedMessage> {
        let of_group = self.batch.early.iter().chain(&self.batch.new_messages);
        let early = of_group.filter(|other| other.outcome == Some(MessageOutcome::Early));
        early.map(|other| &other.message).filter(|other| other.names(it).is_some())
    }

    /// A message that arrived before stands for an advice from now on, and for another
    /// authorisation if the advice made one. `stated_minor` is what the advice states as approved.
    pub(super) fn stands_for(
        &mut self,
        known: &Known,
        auth_id: Option<AuthId>,
        stated_minor: Option<i64>,
    ) {
        let Some(auth_id) = auth_id.or(known.message.auth_id) else { return };
        let message_id = known.message.message_id;
        let restate = |message: &mut NetworkMessage| {
            message.auth_id = Some(auth_id);
            message.outcome = Some(MessageOutcome::Accepted);
            message.stated_minor = stated_minor;
        };
        let mut of_group = self.batch.new_messages.iter_mut();
        match of_group.find(|message| message.message_id == message_id) {
            Some(message) => restate(message),
            None => self.batch.restated.push((message_id, auth_id, stated_minor)),
        }
        let first = self.begun(auth_id).ok();
        if let Some(known) = self.batch.messages.get_mut(&known.message.message.identity) {
            restate(&mut known.message);
            known.first = first;
        }
    }

    /// The id of a new message: a link's has that of its record, so that each finds the other.
    pub(super) fn message_id(&self, record: Option<&MessageRecord>) -> NetworkMessageId {
        let new = || NetworkMessageId::from_i64(self.ids.next());
        record.map_or_else(new, |record| record.message_id)
    }

    /// Keeps a message of a link for operators.
    pub(super) fn record_arrival(&mut self, arrival: &LinkArrival, about: Recorded) {
        let received_at = self.ids.clock().real_now();
        self.batch.new_records.push(LinkMessage::of(arrival, &about, received_at));
    }

    /// Keeps a message, so that a later one of the group is judged by it.
    pub(super) fn note_message(&mut self, message: NetworkMessage, first: Option<Authorisation>) {
        let identity = message.message.identity.clone();
        self.batch.messages.insert(identity, Known { message: message.clone(), first });
        self.batch.new_messages.push(message);
    }
}
