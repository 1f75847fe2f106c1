//! Recognises repeated network messages by their key.

use domain::{AuthId, Authorisation, CardId, EnterpriseId, NetworkKey, OutsId, Timestamp};

use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::records::{select, sql};

/// The time, in days of business time, for which a network key identifies the first message that
/// used it (operator-and-sandbox.md section 5). After that a new message may reuse the key.
pub const NETWORK_KEY_DAYS: i64 = 40;

const DAY_MS: i64 = 24 * 3_600_000;

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

/// A key under which a repeat of a message is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum MessageKey {
    /// Card, STAN and RRN (operator-and-sandbox.md section 5).
    OfCard(EnterpriseId, CardId, NetworkKey),
    /// The original authorisation, STAN and RRN. A follow-up may arrive on the card's twin, which
    /// has the same PAN but another card id.
    Following(EnterpriseId, OutsId, AuthId, NetworkKey),
}

impl MessageKey {
    /// All keys of a message; a match on any one identifies it.
    pub(crate) fn of(
        enterprise_id: EnterpriseId,
        card_id: CardId,
        follows: Option<(OutsId, AuthId)>,
        key: &NetworkKey,
    ) -> Vec<Self> {
        let mut keys = vec![Self::OfCard(enterprise_id, card_id, key.clone())];
        if let Some((outs_id, auth_id)) = follows {
            keys.push(Self::Following(enterprise_id, outs_id, auth_id, key.clone()));
        }
        keys
    }

    /// The keys of the message that created `it`; empty if it carried no STAN and RRN.
    pub(super) fn making(it: &Authorisation) -> Vec<Self> {
        let Some(key) = &it.network_key else { return Vec::new() };
        let follows = it.original_auth_id.map(|auth_id| (it.outs_id, auth_id));
        Self::of(it.enterprise_id, it.card_id, follows, key)
    }

    fn query(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::OfCard(enterprise_id, card_id, key) => (
                sql!(
                    "{} WHERE enterprise_id = $1 AND card_id = $2 AND stan = $3 AND rrn = $4 \
                     AND key_retired = 0",
                    select::<Authorisation>()
                ),
                vec![
                    (*enterprise_id).into(),
                    (*card_id).into(),
                    (&key.stan).into(),
                    (&key.rrn).into(),
                ],
            ),
            Self::Following(enterprise_id, outs_id, auth_id, key) => (
                sql!(
                    "{} WHERE enterprise_id = $1 AND outs_id = $2 AND original_auth_id = $3 \
                     AND stan = $4 AND rrn = $5 AND key_retired = 0 ORDER BY auth_id LIMIT 1",
                    select::<Authorisation>()
                ),
                vec![
                    (*enterprise_id).into(),
                    (*outs_id).into(),
                    (*auth_id).into(),
                    (&key.stan).into(),
                    (&key.rrn).into(),
                ],
            ),
        }
    }
}

/// The authorisation that currently has `key`. It may have expired: check with [`is_in_time`].
pub(crate) async fn first_of(
    tx: &Tx,
    key: &MessageKey,
) -> Result<Option<Authorisation>, StoreError> {
    let (sql, params) = key.query();
    tx.one(sql, &params).await
}

/// Retires the key of an authorisation, because a later message has taken it over.
pub(super) async fn retire_key(
    tx: &Tx,
    (enterprise_id, auth_id): (EnterpriseId, AuthId),
) -> Result<(), StoreError> {
    let sql = "UPDATE authorisation SET key_retired = 1 WHERE enterprise_id = $1 AND auth_id = $2";
    tx.execute(sql, &[enterprise_id.into(), auth_id.into()]).await.map(drop)
}
