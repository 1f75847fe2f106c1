//! Which message another one names as its original, and which reversals arrived before their
//! originals (network-iso8583.md sections 5.4 and 5.7).

use domain::{ArrivedMessage, Authorisation, Likeness, OriginalNumbers, Timestamp};

use super::messages::NetworkMessage;
use crate::engine::{Statement, with};
use crate::records::{select, sql};
use crate::{Store, StoreError};

/// The time for which a reversal declines an original that arrives after it (real time).
const EARLY_MS: i64 = 72 * 3_600_000;
/// Most messages of a card that are compared with what a message names. A STAN comes round again
/// after a million messages of its acquirer.
const MAX_CANDIDATES: i64 = 32;
/// Most reversals of one card that wait for their originals under the same STAN, or with the same
/// RRN.
const MAX_EARLY: i64 = 256;

impl Store {
    /// The authorisation that a message names as its original, as it is now; `None` if there is
    /// none, or if several cannot be told apart.
    pub async fn original_named(
        &self,
        message: ArrivedMessage,
    ) -> Result<Option<Authorisation>, StoreError> {
        self.read(with(message, async |tx, message| {
            let query: Vec<_> = candidates(message).into_iter().collect();
            let mut answers = tx.together(&query).await?;
            let candidates = if query.is_empty() { Vec::new() } else { answers.all()? };
            let named = original_among(message, candidates.iter());
            match named.and_then(|it| it.enterprise_id.zip(it.auth_id)) {
                Some(key) => tx.by_key::<Authorisation>(key).await,
                None => Ok(None),
            }
        }))
        .await
    }
}

/// The query for the messages of the same card that may be the original of `it`, newest first;
/// `None` if it names none.
pub(super) fn candidates(it: &ArrivedMessage) -> Option<Statement> {
    let (identity, own) = (&it.identity, &it.identity.numbers);
    let (network, subject) = ((&own.network).into(), (&identity.subject).into());
    match &it.facts.original {
        Some(OriginalNumbers { kind, acquirer, stan, .. }) => {
            let sql = sql!(
                "{} WHERE network = $1 AND subject = $2 AND kind = $3 AND acquirer = $4 \
                 AND stan = $5 ORDER BY message_id DESC LIMIT {MAX_CANDIDATES}",
                select::<NetworkMessage>()
            );
            let acquirer = if acquirer.is_empty() { &own.acquirer } else { acquirer };
            let named = [network, subject, (*kind).into(), acquirer.into(), stan.into()];
            Some(Statement::new(sql, named))
        }
        None if own.rrn.is_empty() => None,
        None => {
            let sql = sql!(
                "{} WHERE network = $1 AND subject = $2 AND kind IN ('AUTH', 'FIN') \
                 AND acquirer = $3 AND rrn = $4 ORDER BY message_id DESC LIMIT {MAX_CANDIDATES}",
                select::<NetworkMessage>()
            );
            let named = [network, subject, (&own.acquirer).into(), (&own.rrn).into()];
            Some(Statement::new(sql, named))
        }
    }
}

/// The message that `it` names, of those that may be it; `None` if there is none, or if several
/// cannot be told apart.
pub(super) fn original_among<'a>(
    it: &ArrivedMessage,
    candidates: impl Iterator<Item = &'a NetworkMessage>,
) -> Option<&'a NetworkMessage> {
    let named = candidates.filter_map(|other| Some((it.names(&other.message)?, other)));
    let mut named: Vec<_> = named.collect();
    named.sort_by_key(|(likeness, other)| (*likeness, other.message_id.as_i64()));
    let (likeness, original) = named.pop()?;
    let is_alone = named.last().is_none_or(|(next, _)| *next != likeness);
    (is_alone || !Likeness::must_be_alone(likeness)).then_some(original)
}

/// The query for the reversals of the same card that may wait for `it` at `real_now`.
pub(super) fn early_reversals(it: &ArrivedMessage, real_now: Timestamp) -> Statement {
    let sql = sql!(
        "{} WHERE network = $1 AND subject = $2 AND outcome = 'EARLY' \
         AND (original_stan = $3 OR (original_stan IS NULL AND rrn = $4)) \
         AND received_at >= $5 ORDER BY message_id DESC LIMIT {MAX_EARLY}",
        select::<NetworkMessage>()
    );
    let (identity, own) = (&it.identity, &it.identity.numbers);
    let named = [
        (&own.network).into(),
        (&identity.subject).into(),
        (&own.stan).into(),
        (&own.rrn).into(),
        real_now.plus_millis(-EARLY_MS).into(),
    ];
    Statement::new(sql, named)
}
