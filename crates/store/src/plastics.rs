//! The plastic of physical cards: embossed, shipped, activated.

use std::sync::Arc;

use domain::{Card, CardEvent, CardId, CardStatus, CardType, EnterpriseId, IdGenerator, Timestamp};
use thiserror::Error;

use crate::cards::{TellOfCard, cards_of_pan_locked, write_told_card};
use crate::engine::{Tx, with};
use crate::records::{groups, record};
use crate::{Store, StoreError};

/// The plastic of a physical card.
#[derive(Clone, PartialEq, Eq)]
pub struct Plastic {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// The code of its layout.
    pub card_layout_code: String,
    /// True if the enterprise asked to be told of its shipment.
    pub need_shipping_info: bool,
    /// The name on the card and its delivery address, sealed by the vault under the card's id;
    /// wiped once the card is shipped or has ended.
    pub sealed_delivery: Option<Vec<u8>>,
    /// The moment of its embossing.
    pub embossed_at: Option<Timestamp>,
    /// The moment of its shipment.
    pub shipped_at: Option<Timestamp>,
    /// The tracking data of its parcel; None before it is shipped.
    pub tracking: Option<Tracking>,
}

/// The tracking data of a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// The carrier's number for it.
    pub number: String,
    /// The carrier.
    pub company_name: String,
}

groups! {
    Tracking { number: String, company_name: String }
}

record! {
    Plastic in "card_plastic" key (enterprise_id, card_id) {
        enterprise_id,
        card_id,
        card_layout_code,
        need_shipping_info,
        sealed_delivery,
        embossed_at,
        shipped_at,
        tracking: [tracking_number, tracking_company_name],
    }
}

/// Activates a physical card.
#[derive(Clone)]
pub struct PlasticActivation {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// Business time.
    pub now: Timestamp,
    /// Makes the webhook that reports each card that this changed.
    pub tell: TellOfCard,
}

/// An error of an operation on a plastic.
#[derive(Debug, Clone, Error)]
pub enum PlasticError {
    /// No such card of this enterprise.
    #[error("card not found")]
    NotFound,
    /// The card is virtual.
    #[error("the card is not physical")]
    NotPhysical,
    /// The card ended.
    #[error("the card has ended")]
    Ended,
    /// It was activated before, or ended.
    #[error("the card does not wait for its activation")]
    NotWaiting,
    /// It is not embossed.
    #[error("the card is not embossed")]
    NotEmbossed,
    /// Its PAN is frozen or blocked by another record, or it is expired.
    #[error("the card's number is stopped or expired")]
    Stopped,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Records that a card is embossed; only the first time counts.
    ///
    /// # Errors
    /// Not found, not physical, INVALID, or the store failed.
    pub async fn emboss(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
        now: Timestamp,
    ) -> Result<Card, PlasticError> {
        self.write_kept(with((enterprise_id, card_id, now), async |tx, it| {
            let (card, mut plastic) = living_plastic(tx, it.0, it.1).await?;
            plastic.embossed_at = plastic.embossed_at.or(Some(it.2));
            write_plastic(tx, &plastic).await?;
            Ok(card)
        }))
        .await
    }

    /// Records that an embossed card was shipped, and wipes its delivery data. A second time
    /// corrects the tracking data.
    ///
    /// # Errors
    /// As [`Store::emboss`], or not embossed.
    pub async fn ship(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
        tracking: Tracking,
        now: Timestamp,
    ) -> Result<Card, PlasticError> {
        self.write_kept(with((enterprise_id, card_id, tracking, now), async |tx, it| {
            let (enterprise_id, card_id, tracking, now) = it;
            let (card, mut plastic) = living_plastic(tx, *enterprise_id, *card_id).await?;
            if plastic.embossed_at.is_none() {
                return Err(PlasticError::NotEmbossed);
            }
            plastic.shipped_at = plastic.shipped_at.or(Some(*now));
            plastic.tracking = Some(tracking.clone());
            plastic.sealed_delivery = None;
            write_plastic(tx, &plastic).await?;
            Ok(card)
        }))
        .await
    }

    /// Activates a physical card and ends every other living record of its PAN, each reported by
    /// its webhook, in one commit. Checked in this order: the card, its type, its state, embossing,
    /// the rest.
    pub async fn activate_plastic(
        &self,
        activation: PlasticActivation,
    ) -> Result<Card, PlasticError> {
        let request = (activation, Arc::clone(&self.inner.ids));
        let card =
            self.write(with(request, async |tx, (it, ids)| activate(tx, ids, it).await)).await?;
        self.inner.outbox_changed.notify_one();
        Ok(card)
    }
}

async fn activate(
    tx: &Tx,
    ids: &IdGenerator,
    activation: &PlasticActivation,
) -> Result<Card, PlasticError> {
    let (enterprise_id, card_id) = (activation.enterprise_id, activation.card_id);
    let card = tx.by_key::<Card>((enterprise_id, card_id)).await?.ok_or(PlasticError::NotFound)?;
    if card.card_type != CardType::Physical {
        return Err(PlasticError::NotPhysical);
    }
    let records = cards_of_pan_locked(tx, enterprise_id, card.pan_id).await?;
    let mut others = Vec::new();
    let mut own = None;
    for record in records {
        if record.card_id == card_id { own = Some(record) } else { others.push(record) }
    }
    let mut card = own.ok_or(PlasticError::NotFound)?;
    let activated = card.status.transition(CardEvent::Activate);
    let (status, reason) = activated.map_err(|_| PlasticError::NotWaiting)?;
    let plastic = tx.by_key::<Plastic>((enterprise_id, card_id)).await?;
    if plastic.is_none_or(|plastic| plastic.embossed_at.is_none()) {
        return Err(PlasticError::NotEmbossed);
    }
    // Ending a stopped record would lift the stop of its PAN.
    let stops = |card: &Card| matches!(card.status, CardStatus::Frozen | CardStatus::Blocked);
    if card.valid_until <= activation.now || others.iter().any(stops) {
        return Err(PlasticError::Stopped);
    }
    (card.status, card.status_reason) = (status, reason);
    change(tx, ids, &mut card, activation).await?;
    for mut other in others {
        if let Ok(next) = other.status.transition(CardEvent::Terminate) {
            (other.status, other.status_reason) = next;
            change(tx, ids, &mut other, activation).await?;
        }
    }
    Ok(card)
}

async fn change(
    tx: &Tx,
    ids: &IdGenerator,
    card: &mut Card,
    activation: &PlasticActivation,
) -> Result<(), StoreError> {
    card.modified_at = activation.now;
    write_told_card(tx, ids, card, activation.tell).await
}

/// A physical card that has not ended, locked, and its plastic.
async fn living_plastic(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    card_id: CardId,
) -> Result<(Card, Plastic), PlasticError> {
    let card = tx.by_key_locked::<Card>((enterprise_id, card_id)).await?;
    let card = card.ok_or(PlasticError::NotFound)?;
    if card.card_type != CardType::Physical {
        return Err(PlasticError::NotPhysical);
    }
    if card.status == CardStatus::Invalid {
        return Err(PlasticError::Ended);
    }
    let plastic = tx.by_key::<Plastic>((enterprise_id, card_id)).await?;
    let plastic = plastic.ok_or(StoreError::Corrupt("a physical card without its plastic"))?;
    Ok((card, plastic))
}

/// Writes the plastic of a new card.
pub(crate) async fn insert_plastic(tx: &Tx, plastic: &Plastic) -> Result<(), StoreError> {
    tx.insert(plastic).await
}

async fn write_plastic(tx: &Tx, plastic: &Plastic) -> Result<(), StoreError> {
    tx.update(plastic).await
}
