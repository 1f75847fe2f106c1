//! Recognises repeated network messages by their key.

use domain::{
    ArrivedMessage, AuthId, Authorisation, CardId, EnterpriseId, MessageFacts, MessageIdentity,
    MessageKind, MessageOutcome, NetworkKey, NetworkMessageId, Timestamp,
};

use super::BeginAuthorisation;
use crate::StoreError;
use crate::engine::{Statement, Tx};
use crate::records::{columns_of, record, sql, values_of};

/// The time, in days of business time, for which a network key identifies the first message that
/// used it (operator-and-sandbox.md section 5). After that a new message may reuse the key.
pub const NETWORK_KEY_DAYS: i64 = 40;

const DAY_MS: i64 = 24 * 3_600_000;
/// Old messages that one sweep forgets at most, and after how many new ones one runs on average.
const SWEEP_ROWS: i64 = 1_000;
pub(super) const MESSAGES_A_SWEEP: i64 = 64;

/// The relation of a message to an earlier one with the same identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMatch {
    /// The same content: a repeat.
    Repeat,
    /// Different content under an identity still in use; refused.
    Conflict,
    /// A new message: the earlier one's use of the identity has expired.
    New,
}

/// True if `first` still owns its key at `now` (business time).
pub(crate) fn is_in_time(first: &Authorisation, now: Timestamp) -> bool {
    now.millis_since(first.created_at) <= NETWORK_KEY_DAYS * DAY_MS
}

/// A message of a network.
#[derive(Debug, Clone)]
pub(crate) struct NetworkMessage {
    pub(super) message_id: NetworkMessageId,
    pub(super) message: ArrivedMessage,
    /// The owner of the card; `None` if it is not one of ours.
    pub(super) enterprise_id: Option<EnterpriseId>,
    /// The authorisation that it made, if it made one.
    pub(super) auth_id: Option<AuthId>,
    /// What it led to, if nobody was asked.
    pub(super) outcome: Option<MessageOutcome>,
    /// The amount that an advice stated last as approved, minor units of the shop's currency.
    pub(super) stated_minor: Option<i64>,
    /// Real time: business time may be far ahead of it and says less about a row's age.
    pub(super) received_at: Timestamp,
}

record! {
    NetworkMessage in "network_message" key (message_id) {
        message_id,
        message: [
            network,
            kind,
            acquirer,
            stan,
            stamp,
            rrn,
            subject,
            transmitted_at,
            processing_code,
            amount_minor,
            currency,
            remaining_minor,
            original_kind,
            original_acquirer,
            original_stan,
            original_transmitted_at
        ],
        enterprise_id,
        auth_id,
        outcome,
        stated_minor,
        received_at,
    }
}

/// A message that arrived before, and the authorisation that it made.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) message: NetworkMessage,
    pub(super) first: Option<Authorisation>,
}

/// How a message that arrived before is read.
pub(super) type KnownRow = (NetworkMessage, Option<Authorisation>);

impl From<KnownRow> for Known {
    fn from((message, first): KnownRow) -> Self {
        Self { message, first }
    }
}

impl Known {
    /// The relation of `it`, which a simulated message makes, to this one.
    fn match_simulated(&self, it: &Authorisation) -> KeyMatch {
        let Some(first) = &self.first else { return KeyMatch::Conflict };
        let content = |message: &Authorisation| {
            (
                message.direction,
                message.transaction_type,
                message.auth_type,
                message.acquirer_amount,
                message.original_auth_id,
            )
        };
        match is_in_time(first, it.created_at) {
            false => KeyMatch::New,
            true if content(it) == content(first) => KeyMatch::Repeat,
            true => KeyMatch::Conflict,
        }
    }

    /// The relation of a link's message, which arrives at `real_now`, to this one: processing code,
    /// amount and currency are the same in a repeat (network-iso8583.md section 5.3).
    pub(super) fn match_message(&self, it: &ArrivedMessage, real_now: Timestamp) -> KeyMatch {
        let content = |facts: &MessageFacts| {
            (facts.processing_code.clone(), facts.amount, facts.remaining_minor)
        };
        self.matched(content(&it.facts) == content(&self.message.message.facts), real_now)
    }

    /// The relation of an advice, which may state another amount than was asked for.
    pub(super) fn match_advice(&self, it: &ArrivedMessage, real_now: Timestamp) -> KeyMatch {
        let content = |facts: &MessageFacts| (facts.processing_code.clone(), facts.currency());
        self.matched(content(&it.facts) == content(&self.message.message.facts), real_now)
    }

    /// The relation of a simulated advice, which makes `it`.
    pub(super) fn match_simulated_advice(&self, it: &Authorisation) -> KeyMatch {
        let Some(first) = &self.first else { return KeyMatch::Conflict };
        let content = |it: &Authorisation| (it.transaction_type, it.acquirer_amount.currency());
        match is_in_time(first, it.created_at) {
            false => KeyMatch::New,
            true if content(it) == content(first) => KeyMatch::Repeat,
            true => KeyMatch::Conflict,
        }
    }

    /// The relation of a link's message that says the same, or something else.
    fn matched(&self, is_same: bool, real_now: Timestamp) -> KeyMatch {
        let age_ms = real_now.millis_since(self.message.received_at);
        match age_ms <= NETWORK_KEY_DAYS * DAY_MS {
            false => KeyMatch::New,
            true if is_same => KeyMatch::Repeat,
            true => KeyMatch::Conflict,
        }
    }

    /// True if an advice was taken under this identity.
    pub(super) fn is_accepted(&self) -> bool {
        self.message.outcome == Some(MessageOutcome::Accepted)
    }

    /// The relation of a new authorisation to this message.
    pub(super) fn match_begun(&self, it: &BeginAuthorisation, real_now: Timestamp) -> KeyMatch {
        match &it.message {
            Some(arrival) => self.match_message(&arrival.message, real_now),
            None => self.match_simulated(&it.authorisation),
        }
    }
}

/// The identities of a simulated message with a STAN and RRN; a match on any one identifies it
/// (operator-and-sandbox.md section 5).
pub(crate) fn identities(
    kind: MessageKind,
    card_id: CardId,
    follows: Option<AuthId>,
    key: &NetworkKey,
) -> Vec<MessageIdentity> {
    let NetworkKey { stan, rrn } = key;
    let of_card = MessageIdentity::of_card(kind, card_id, stan, rrn);
    let following = follows.map(|original| MessageIdentity::following(kind, original, stan, rrn));
    std::iter::once(of_card).chain(following).collect()
}

/// The messages that make an authorisation: none if it has no numbers and posts nothing, two if a
/// simulated one may be known by what it follows too.
pub(super) fn messages_of(request: &BeginAuthorisation) -> Vec<ArrivedMessage> {
    let (it, kind) = (&request.authorisation, request.kind);
    let identities = match (&request.message, &it.network_key) {
        (Some(arrival), _) => return vec![arrival.message.clone()],
        (None, Some(key)) => identities(kind, it.card_id, it.original_auth_id, key),
        // A reversal finds out by its row that a message posted it.
        (None, None) if kind == MessageKind::Financial => {
            vec![MessageIdentity::making(kind, it.auth_id)]
        }
        (None, None) => Vec::new(),
    };
    let message = |identity| ArrivedMessage { identity, facts: MessageFacts::default() };
    identities.into_iter().map(message).collect()
}

/// The query for the message that arrived before with this identity, and the authorisation that it
/// made: a [`KnownRow`].
pub(super) fn known(identity: &MessageIdentity) -> Statement {
    let sql = sql!(
        "SELECT {}, {} FROM network_message m LEFT JOIN authorisation a \
         ON a.enterprise_id = m.enterprise_id AND a.auth_id = m.auth_id \
         WHERE m.network = $1 AND m.kind = $2 AND m.acquirer = $3 AND m.stan = $4 \
         AND m.stamp = $5 AND m.rrn = $6 AND m.subject = $7",
        columns_of::<NetworkMessage>("m"),
        columns_of::<Authorisation>("a")
    );
    Statement::new(sql, values_of(identity))
}

/// The authorisation that the message with this identity made. Its identity may have expired: check
/// with [`is_in_time`].
pub(crate) async fn first_of(
    tx: &Tx,
    identity: &MessageIdentity,
) -> Result<Option<Authorisation>, StoreError> {
    let sql = sql!(
        "SELECT {} FROM network_message m JOIN authorisation a \
         ON a.enterprise_id = m.enterprise_id AND a.auth_id = m.auth_id \
         WHERE m.network = $1 AND m.kind = $2 AND m.acquirer = $3 AND m.stan = $4 \
         AND m.stamp = $5 AND m.rrn = $6 AND m.subject = $7",
        columns_of::<Authorisation>("a")
    );
    tx.one(sql, &values_of(identity)).await
}

/// Forgets the messages that made an authorisation, because a later one has their identity.
pub(super) async fn forget(
    tx: &Tx,
    (enterprise_id, auth_id): (EnterpriseId, AuthId),
) -> Result<(), StoreError> {
    let sql = "DELETE FROM network_message WHERE enterprise_id = $1 AND auth_id = $2";
    tx.post(sql, [enterprise_id.into(), auth_id.into()]).await
}

/// Writes the messages of a group, and now and then forgets those whose time is over. The
/// microsecond of a message decides, since ids begin each millisecond with the same digits.
pub(super) async fn write(tx: &Tx, messages: &[NetworkMessage]) -> Result<(), StoreError> {
    tx.post_all(messages).await?;
    let is_due = |it: &&NetworkMessage| it.received_at.as_micros() % MESSAGES_A_SWEEP == 0;
    let Some(message) = messages.iter().find(is_due) else { return Ok(()) };
    let oldest = message.received_at.plus_millis(-NETWORK_KEY_DAYS * DAY_MS - 1);
    tx.sweep(("network_message", "message_id", "received_at"), oldest, SWEEP_ROWS).await
}
