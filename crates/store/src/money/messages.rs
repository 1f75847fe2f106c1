//! How a message of the network is known again.

use domain::{AuthId, Authorisation, CardId, EnterpriseId, NetworkKey, OutsId};

use crate::StoreError;
use crate::engine::{Tx, Value};
use crate::rows;

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

    fn condition(&self) -> (&'static str, Vec<Value>) {
        match self {
            Self::OfCard(enterprise_id, card_id, key) => (
                "enterprise_id = $1 AND card_id = $2 AND stan = $3 AND rrn = $4",
                vec![
                    (*enterprise_id).into(),
                    (*card_id).into(),
                    (&key.stan).into(),
                    (&key.rrn).into(),
                ],
            ),
            Self::Following(enterprise_id, outs_id, auth_id, key) => (
                "enterprise_id = $1 AND outs_id = $2 AND original_auth_id = $3 AND stan = $4 \
                 AND rrn = $5 ORDER BY auth_id LIMIT 1",
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

/// The authorisation that a message made before.
pub(crate) async fn first_of(
    tx: &Tx,
    key: &MessageKey,
) -> Result<Option<Authorisation>, StoreError> {
    let (condition, params) = key.condition();
    let sql =
        format!("SELECT {} FROM authorisation WHERE {condition}", rows::AUTHORISATION_COLUMNS);
    tx.query_opt(&sql, &params).await?.as_ref().map(rows::authorisation_from).transpose()
}
