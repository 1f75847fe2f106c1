//! PINs: set, proven and presented. Every try is counted in the commit that judges it, so
//! tries that run at once are counted one after another.

use std::sync::Arc;

use domain::{CardId, CardStatus, CardType, EnterpriseId, PinVerdict, Timestamp};
use thiserror::Error;

use crate::cards::find_card;
use crate::engine::Tx;
use crate::rows::{KeptPin, PIN_COLUMNS, pin_from, pin_values};
use crate::{Store, StoreError};

/// How a new PIN comes about.
#[derive(Clone)]
pub enum PinAttempt {
    /// The holder proves it with the card's data (`reset-pin`): the new PIN's sealed
    /// verification value, or none if the proof is wrong, which is counted.
    Proof(Option<Vec<u8>>),
    /// The holder was recognised elsewhere (a hosted page): the sealed verification value,
    /// and what it takes the place of.
    Recognised(Vec<u8>, PinPredecessor),
}

/// What a new PIN must take the place of.
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
    /// How it comes about.
    pub attempt: PinAttempt,
    /// When.
    pub now: Timestamp,
}

/// Why no PIN was set.
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
    #[error("the card has a PIN already, or none")]
    OtherPredecessor,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Compares a presented PIN, which it holds, with what is kept of the card's.
type PinComparison = dyn Fn(&[u8]) -> bool + Send + Sync;

/// A PIN presented at a terminal.
#[derive(Clone)]
pub struct PinPresentation {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// Whether the presented PIN is the one that this sealed value was made of.
    pub matches: Arc<PinComparison>,
}

impl Store {
    /// Sets a PIN, or counts that the proof for it was wrong. Checked in this order: the
    /// card, its type, its state, the proof.
    ///
    /// # Errors
    /// [`PinChangeError`].
    pub async fn change_pin(&self, change: PinChange) -> Result<(), PinChangeError> {
        let change = Arc::new(change);
        // A refusal is an outcome here, not an error: the try that it counts must be kept.
        let is_set = self
            .write(move |tx| {
                let change = Arc::clone(&change);
                Box::pin(async move { apply(tx, &change).await })
            })
            .await?;
        if is_set { Ok(()) } else { Err(PinChangeError::Refused) }
    }

    /// Whether a PIN is set for a card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_pin(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
    ) -> Result<bool, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let kept = kept_pin(tx, enterprise_id, card_id).await?;
                Ok(kept.is_some_and(|kept| kept.sealed_pvv.is_some()))
            })
        })
        .await
    }

    /// Judges a presented PIN and counts the try.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn present_pin(
        &self,
        presentation: PinPresentation,
    ) -> Result<PinVerdict, StoreError> {
        let presentation = Arc::new(presentation);
        self.write(move |tx| {
            let presentation = Arc::clone(&presentation);
            Box::pin(async move { judge(tx, &presentation).await })
        })
        .await
    }
}

async fn apply(tx: &Tx, change: &PinChange) -> Result<bool, PinChangeError> {
    let (enterprise_id, card_id) = (change.enterprise_id, change.card_id);
    let card = find_card(tx, enterprise_id, card_id, " FOR UPDATE").await?;
    let card = card.ok_or(PinChangeError::NotFound)?;
    if card.card_type != CardType::Physical {
        return Err(PinChangeError::NotPhysical);
    }
    if card.status != CardStatus::Activated {
        return Err(PinChangeError::NotActivated);
    }
    let mut kept = kept_pin(tx, enterprise_id, card_id).await?.unwrap_or_default();
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
    keep(tx, enterprise_id, card_id, &kept).await?;
    Ok(sealed_pvv.is_some())
}

async fn judge(tx: &Tx, presentation: &PinPresentation) -> Result<PinVerdict, StoreError> {
    let (enterprise_id, card_id) = (presentation.enterprise_id, presentation.card_id);
    // The card's row is what changes of its PIN wait for.
    find_card(tx, enterprise_id, card_id, " FOR UPDATE").await?;
    let Some(mut kept) = kept_pin(tx, enterprise_id, card_id).await? else {
        return Ok(PinVerdict::NotSet);
    };
    let Some(sealed_pvv) = &kept.sealed_pvv else { return Ok(PinVerdict::NotSet) };
    let before = kept.tries;
    let verdict = kept.tries.present((presentation.matches)(sealed_pvv));
    if kept.tries != before {
        keep(tx, enterprise_id, card_id, &kept).await?;
    }
    Ok(verdict)
}

async fn kept_pin(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    card_id: CardId,
) -> Result<Option<KeptPin>, StoreError> {
    let sql =
        format!("SELECT {PIN_COLUMNS} FROM card_pin WHERE enterprise_id = $1 AND card_id = $2");
    let row = tx.query_opt(&sql, &[enterprise_id.into(), card_id.into()]).await?;
    row.as_ref().map(pin_from).transpose()
}

async fn keep(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    card_id: CardId,
    kept: &KeptPin,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO card_pin ({PIN_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (enterprise_id, card_id) DO UPDATE SET sealed_pvv = excluded.sealed_pvv, \
         wrong_pins = excluded.wrong_pins, wrong_resets = excluded.wrong_resets, \
         resets_locked_until = excluded.resets_locked_until"
    );
    tx.execute(&sql, &pin_values(enterprise_id, card_id, kept)).await.map(|_| ())
}
