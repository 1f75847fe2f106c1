//! How a message of the network is known again.

use domain::{AuthId, Authorisation, CardId, EnterpriseId, NetworkKey, OutsId, Timestamp};

use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::records::{select, sql};

/// Days of business time for which the network's key is that of its first message
/// (operator-and-sandbox.md section 5); later it is a new one's.
pub const NETWORK_KEY_DAYS: i64 = 40;

const DAY_MS: i64 = 24 * 3_600_000;

/// What a message is beside one that came under its key before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acquaintance {
    /// The same again.
    Repeat,
    /// Another one under the same key.
    Conflict,
    /// A new one: the key's time is over.
    New,
}

/// What `it` is beside `first`, which came under the same key.
pub(super) fn acquaintance(it: &Authorisation, first: &Authorisation) -> Acquaintance {
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
        Acquaintance::New
    } else if content(it) == content(first) {
        Acquaintance::Repeat
    } else {
        Acquaintance::Conflict
    }
}

/// Whether the key of `first` is still its own at `now` (business time).
pub(crate) fn is_in_time(first: &Authorisation, now: Timestamp) -> bool {
    now.millis_since(first.created_at) <= NETWORK_KEY_DAYS * DAY_MS
}

/// What the same message has in common with the first one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum MessageKey {
    /// The card and the network's key (operator-and-sandbox.md section 5).
    OfCard(EnterpriseId, CardId, NetworkKey),
    /// What it follows and the network's key: the card in use may be another one by now,
    /// of the same PAN.
    Following(EnterpriseId, OutsId, AuthId, NetworkKey),
}

impl MessageKey {
    /// The keys of a message; one of them known is enough.
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

    /// The keys of the message that makes `it`; none if the network sent no key.
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

/// The authorisation whose key a message carries; whether the key is still its own is
/// [`is_in_time`].
pub(crate) async fn first_of(
    tx: &Tx,
    key: &MessageKey,
) -> Result<Option<Authorisation>, StoreError> {
    let (sql, params) = key.query();
    tx.one(sql, &params).await
}

/// Takes its key from an authorisation, since a later message carries it now.
pub(super) async fn retire_key(
    tx: &Tx,
    (enterprise_id, auth_id): (EnterpriseId, AuthId),
) -> Result<(), StoreError> {
    let sql = "UPDATE authorisation SET key_retired = 1 WHERE enterprise_id = $1 AND auth_id = $2";
    tx.execute(sql, &[enterprise_id.into(), auth_id.into()]).await.map(drop)
}
