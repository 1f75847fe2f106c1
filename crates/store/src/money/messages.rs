//! Recognises repeated network messages by their key.

use domain::{
    AuthId, Authorisation, CardId, EnterpriseId, MessageIdentity, NetworkKey, NetworkMessageId,
    Timestamp,
};

use super::BeginAuthorisation;
use crate::StoreError;
use crate::engine::Tx;
use crate::records::{columns_of, record, sql, values_of};

/// The time, in days of business time, for which a network key identifies the first message that
/// used it (operator-and-sandbox.md section 5). After that a new message may reuse the key.
pub const NETWORK_KEY_DAYS: i64 = 40;

const DAY_MS: i64 = 24 * 3_600_000;
/// Old messages that one sweep forgets at most, and after how many new ones one runs on average.
const SWEEP_ROWS: i64 = 1_000;
pub(super) const MESSAGES_A_SWEEP: i64 = 64;

/// The relation of a message to an earlier one with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMatch {
    /// Same direction, type, amount and original: a repeat.
    Repeat,
    /// Different content under a key still in use; refused.
    Conflict,
    /// A new message: the earlier one's use of the key has expired.
    New,
}

/// Classifies `it` against `first`, the earlier message with the same key.
pub(super) fn key_match(it: &Authorisation, first: &Authorisation) -> KeyMatch {
    let content = |message: &Authorisation| {
        (
            message.direction,
            message.transaction_type,
            message.auth_type,
            message.acquirer_amount,
            message.original_auth_id,
        )
    };
    if !is_in_time(first, it.created_at) {
        KeyMatch::New
    } else if content(it) == content(first) {
        KeyMatch::Repeat
    } else {
        KeyMatch::Conflict
    }
}

/// True if `first` still owns its key at `now` (business time).
pub(crate) fn is_in_time(first: &Authorisation, now: Timestamp) -> bool {
    now.millis_since(first.created_at) <= NETWORK_KEY_DAYS * DAY_MS
}

/// A message of a network and the authorisation that it made.
pub(crate) struct NetworkMessage {
    pub(super) message_id: NetworkMessageId,
    pub(super) identity: MessageIdentity,
    pub(super) enterprise_id: EnterpriseId,
    pub(super) auth_id: AuthId,
    /// Real time: business time may be far ahead of it and says less about a row's age.
    pub(super) received_at: Timestamp,
}

record! {
    NetworkMessage in "network_message" key (message_id) {
        message_id,
        identity: [network, kind, acquirer, stan, stamp, rrn, subject],
        enterprise_id,
        auth_id,
        received_at,
    }
}

impl NetworkMessage {
    /// The row of the message with this identity that made `it`.
    pub(super) fn making(
        it: &Authorisation,
        identity: MessageIdentity,
        message_id: NetworkMessageId,
        received_at: Timestamp,
    ) -> Self {
        let Authorisation { enterprise_id, auth_id, .. } = *it;
        Self { message_id, identity, enterprise_id, auth_id, received_at }
    }
}

/// The identities of a simulated message with a STAN and RRN; a match on any one identifies it
/// (operator-and-sandbox.md section 5).
pub(crate) fn identities(
    card_id: CardId,
    follows: Option<AuthId>,
    key: &NetworkKey,
) -> Vec<MessageIdentity> {
    let NetworkKey { stan, rrn } = key;
    let of_card = MessageIdentity::of_card(card_id, stan, rrn);
    let following = follows.map(|original| MessageIdentity::following(original, stan, rrn));
    std::iter::once(of_card).chain(following).collect()
}

/// The identities of the message that makes an authorisation; empty if it has none.
pub(super) fn identities_of(request: &BeginAuthorisation) -> Vec<MessageIdentity> {
    let it = &request.authorisation;
    match (&request.identity, &it.network_key) {
        (Some(identity), _) => vec![identity.clone()],
        (None, Some(key)) => identities(it.card_id, it.original_auth_id, key),
        (None, None) => Vec::new(),
    }
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
    tx.execute(sql, &[enterprise_id.into(), auth_id.into()]).await.map(drop)
}

/// Writes the messages of a group, and now and then forgets those whose time is over. The
/// microsecond of a message decides, since ids begin each millisecond with the same digits.
pub(super) async fn write(tx: &Tx, messages: &[NetworkMessage]) -> Result<(), StoreError> {
    tx.insert_all(messages).await?;
    let is_due = |it: &&NetworkMessage| it.received_at.as_micros() % MESSAGES_A_SWEEP == 0;
    let Some(message) = messages.iter().find(is_due) else { return Ok(()) };
    let oldest = message.received_at.plus_millis(-NETWORK_KEY_DAYS * DAY_MS - 1);
    tx.sweep(("network_message", "message_id", "received_at"), oldest, SWEEP_ROWS).await
}
