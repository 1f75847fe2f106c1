//! PINs: set, proven and presented. Every try is counted in the commit that judges it, so
//! concurrent tries are counted one after another.

use std::fmt;
use std::sync::Arc;

use domain::{
    AuthId, Card, CardId, CardStatus, CardType, EnterpriseId, MessageIdentity, MessageKind,
    MessageNumbers, NetworkKey, PinTries, PinVerdict, Timestamp,
};
use thiserror::Error;

use crate::engine::{Tx, with};
use crate::money::{first_of, identities, is_in_time};
use crate::records::record;
use crate::{Store, StoreError};

/// The time for which a counted message is known, milliseconds of real time: longer than the
/// network repeats a message without an answer.
const TRIES_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// The way in which a new PIN is set.
#[derive(Clone)]
pub enum PinAttempt {
    /// The holder gives the card's data as proof (`reset-pin`): the new PIN's sealed verification
    /// value, or None if the proof is wrong, which is counted.
    Proof(Option<Vec<u8>>),
    /// The holder was recognised elsewhere (a hosted page): the sealed verification value, and what
    /// it replaces.
    Recognised(Vec<u8>, PinPredecessor),
}

/// The predecessor that a new PIN requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinPredecessor {
    /// No PIN: it is the card's first.
    None,
    /// A PIN that was set before.
    Pin,
}

/// A new PIN for a card.
#[derive(Clone)]
pub struct PinChange {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// The way in which it is set.
    pub attempt: PinAttempt,
    /// Business time.
    pub now: Timestamp,
}

/// An error of [`Store::change_pin`].
#[derive(Debug, Clone, Error)]
pub enum PinChangeError {
    /// No such card of this enterprise.
    #[error("card not found")]
    NotFound,
    /// Only physical cards have a PIN.
    #[error("the card is not physical")]
    NotPhysical,
    /// The card is not ACTIVATED.
    #[error("the card is not activated")]
    NotActivated,
    /// The proof is wrong, or too many were.
    #[error("the proof does not count")]
    Refused,
    /// The card has a PIN where it should have none, or the reverse.
    #[error("the card already has a PIN, or has none to replace")]
    OtherPredecessor,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// True if a sealed value was made of the PIN.
type Matches = dyn Fn(&[u8]) -> bool + Send + Sync;

/// A presented PIN, as its comparison with the sealed value kept for the card.
#[derive(Clone)]
pub struct PinComparison(Arc<Matches>);

impl PinComparison {
    /// `matches` returns whether a sealed value was made of the presented PIN.
    #[must_use]
    pub fn new(matches: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(matches))
    }
}

impl fmt::Debug for PinComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinComparison")
    }
}

/// A PIN presented at a terminal.
#[derive(Debug, Clone)]
pub struct PinPresentation {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// The message that carries it: a PIN that comes again with this message is the same try.
    pub network_key: Option<NetworkKey>,
    /// The class of a simulated message.
    pub kind: MessageKind,
    /// What makes a link's message known; `None` for a simulated one, which is known by
    /// `network_key`.
    pub identity: Option<MessageIdentity>,
    /// The authorisation that the message follows.
    pub follows: Option<AuthId>,
    /// The PIN.
    pub pin: PinComparison,
    /// The arrival of the message (business time).
    pub now: Timestamp,
}

impl PinPresentation {
    /// The identities by which the message is recognised again, if it has any.
    fn identities(&self) -> Vec<MessageIdentity> {
        match (&self.identity, &self.network_key) {
            (Some(identity), _) => vec![identity.clone()],
            (None, Some(key)) => identities(self.kind, self.card_id, self.follows, key),
            (None, None) => Vec::new(),
        }
    }

    /// The try that a wrong PIN would be; `None` if its message cannot be recognised.
    fn as_try(&self, counted_at: Timestamp) -> Option<PinTry> {
        let PinPresentation { enterprise_id, card_id, .. } = *self;
        let MessageIdentity { numbers, .. } = self.identities().into_iter().next()?;
        Some(PinTry { enterprise_id, card_id, numbers, counted_at })
    }
}

/// A card's PIN and the tries at it.
pub(crate) struct KeptPin {
    enterprise_id: EnterpriseId,
    card_id: CardId,
    /// The sealed verification value; None until a PIN is set.
    sealed_pvv: Option<Vec<u8>>,
    tries: PinTries,
}

record! {
    KeptPin in "card_pin" key (enterprise_id, card_id) {
        enterprise_id,
        card_id,
        sealed_pvv,
        tries: [wrong_pins, wrong_resets, resets_locked_until],
    }
}

/// A wrong PIN that was counted.
pub(crate) struct PinTry {
    enterprise_id: EnterpriseId,
    card_id: CardId,
    numbers: MessageNumbers,
    /// Real time.
    counted_at: Timestamp,
}

record! {
    PinTry in "pin_try"
    key (enterprise_id, card_id, network, kind, acquirer, stan, stamp, rrn) {
        enterprise_id,
        card_id,
        numbers: [network, kind, acquirer, stan, stamp, rrn],
        counted_at,
    }
}

impl KeptPin {
    /// No PIN, and no tries.
    fn none(enterprise_id: EnterpriseId, card_id: CardId) -> Self {
        Self { enterprise_id, card_id, sealed_pvv: None, tries: PinTries::default() }
    }
}

impl Store {
    /// Sets a PIN, or counts a wrong proof. Checked in this order: the card, its type, its state,
    /// the proof.
    pub async fn change_pin(&self, change: PinChange) -> Result<(), PinChangeError> {
        // A refusal is an outcome here, not an error: the try that it counts must be committed.
        let is_set = self.write(with(change, apply)).await?;
        if is_set { Ok(()) } else { Err(PinChangeError::Refused) }
    }

    /// True if a PIN is set for a card.
    pub async fn has_pin(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
    ) -> Result<bool, StoreError> {
        let kept: Option<KeptPin> = self.by_key((enterprise_id, card_id)).await?;
        Ok(kept.is_some_and(|kept| kept.sealed_pvv.is_some()))
    }

    /// Judges a presented PIN and counts the try; equal messages count once, even at the same time.
    /// None if this message, or another with its key, already became an authorisation: that one
    /// answers it, or is the reason to refuse it.
    pub async fn present_pin(
        &self,
        presentation: PinPresentation,
    ) -> Result<Option<PinVerdict>, StoreError> {
        let request = (presentation, self.clock().real_now());
        self.write(with(request, async |tx, (it, real_now)| judge(tx, it, *real_now).await)).await
    }
}

async fn apply(tx: &Tx, change: &PinChange) -> Result<bool, PinChangeError> {
    let (enterprise_id, card_id) = (change.enterprise_id, change.card_id);
    let card = tx.by_key_locked::<Card>((enterprise_id, card_id)).await?;
    let card = card.ok_or(PinChangeError::NotFound)?;
    if card.card_type != CardType::Physical {
        return Err(PinChangeError::NotPhysical);
    }
    if card.status != CardStatus::Activated {
        return Err(PinChangeError::NotActivated);
    }
    let kept = tx.by_key((enterprise_id, card_id)).await?;
    let mut kept = kept.unwrap_or_else(|| KeptPin::none(enterprise_id, card_id));
    let sealed_pvv = match &change.attempt {
        PinAttempt::Recognised(sealed_pvv, predecessor) => {
            if kept.sealed_pvv.is_some() != (*predecessor == PinPredecessor::Pin) {
                return Err(PinChangeError::OtherPredecessor);
            }
            Some(sealed_pvv)
        }
        PinAttempt::Proof(proven) => {
            let counts = kept.tries.prove(proven.is_some(), change.now);
            proven.as_ref().filter(|_| counts)
        }
    };
    if let Some(sealed_pvv) = sealed_pvv {
        kept.sealed_pvv = Some(sealed_pvv.clone());
        kept.tries.renew();
    }
    tx.put(&kept).await?;
    Ok(sealed_pvv.is_some())
}

async fn judge(
    tx: &Tx,
    presentation: &PinPresentation,
    real_now: Timestamp,
) -> Result<Option<PinVerdict>, StoreError> {
    let (enterprise_id, card_id) = (presentation.enterprise_id, presentation.card_id);
    // This lock of the card's row makes changes of its PIN wait, and equal messages for one
    // another.
    tx.by_key_locked::<Card>((enterprise_id, card_id)).await?;
    for identity in presentation.identities() {
        let first = first_of(tx, &identity).await?;
        if first.is_some_and(|first| is_in_time(&first, presentation.now)) {
            return Ok(None);
        }
    }
    let wrong = presentation.as_try(real_now);
    if let Some(it) = &wrong
        && is_counted(tx, it).await?
    {
        return Ok(Some(PinVerdict::Wrong));
    }
    let Some(mut kept) = tx.by_key::<KeptPin>((enterprise_id, card_id)).await? else {
        return Ok(Some(PinVerdict::NotSet));
    };
    let Some(sealed_pvv) = &kept.sealed_pvv else { return Ok(Some(PinVerdict::NotSet)) };
    let before = kept.tries;
    let verdict = kept.tries.present((presentation.pin.0)(sealed_pvv));
    if kept.tries != before {
        tx.put(&kept).await?;
    }
    if let Some(it) = wrong.filter(|_| verdict == PinVerdict::Wrong) {
        remember(tx, &it).await?;
    }
    Ok(Some(verdict))
}

/// True if the message's wrong PIN was counted before.
async fn is_counted(tx: &Tx, it: &PinTry) -> Result<bool, StoreError> {
    let key = (it.enterprise_id, it.card_id, it.numbers.clone());
    Ok(tx.by_key::<PinTry>(key).await?.is_some())
}

/// Remembers the message whose wrong PIN was counted, and forgets the card's old ones.
async fn remember(tx: &Tx, it: &PinTry) -> Result<(), StoreError> {
    let oldest = it.counted_at.plus_millis(-TRIES_KEPT_MS);
    let sql = "DELETE FROM pin_try \
        WHERE enterprise_id = $1 AND card_id = $2 AND counted_at < $3";
    tx.execute(sql, &[it.enterprise_id.into(), it.card_id.into(), oldest.into()]).await?;
    tx.insert(it).await
}

#[cfg(test)]
mod tests;
