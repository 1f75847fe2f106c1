//! Orders in place of a card: a physical twin of a virtual card, or a new card for an old one.
//! Their source card is locked in each commit, so orders and changes of one card come one after
//! another.

use std::sync::Arc;

use domain::{
    Card, CardEvent, CardId, CardOrder, CardStatus, CardType, EnterpriseId, IdGenerator, OrderType,
    WebhookEvent,
};
use thiserror::Error;

use crate::cards::{TellOfCard, cards_of_pan_locked, write_told_card};
use crate::engine::{Tx, with};
use crate::orders::advance;
use crate::outbox::insert_events;
use crate::plastics::insert_plastic;
use crate::{Job, JobKind, OrderStep, OrderStepOutcome, Plastic, Store, StoreError};

/// A new order in place of a card.
#[derive(Clone)]
pub struct PlaceReplacement {
    /// The order as PENDING.
    pub order: CardOrder,
    /// Its source card, which `order` names too.
    pub source_card_id: CardId,
    /// The plastic's personal data, sealed by the vault under the order's id.
    pub sealed_application: Option<Vec<u8>>,
    /// The job that will move it on.
    pub job: Job,
    /// The webhook that reports it.
    pub event: WebhookEvent,
}

/// An error of [`Store::place_replacement`].
#[derive(Debug, Clone, Error)]
pub enum PlaceReplacementError {
    /// The reference is used.
    #[error("card order reference already used")]
    RefTaken,
    /// No such card of this enterprise.
    #[error("original card not found")]
    SourceNotFound,
    /// Only a virtual card gets a physical twin.
    #[error("the original card is not virtual")]
    SourceNotVirtual,
    /// The card is not ACTIVATED.
    #[error("the original card is not activated")]
    SourceNotActivated,
    /// An order in place of this card is open, or the card has its physical twin already.
    #[error("an order in place of this card is open")]
    OpenOrder,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

crate::error::over_store!(PlaceReplacementError);

/// A card record for a PAN that exists.
#[derive(Clone)]
pub struct Twin {
    /// The card.
    pub card: Card,
    /// Its plastic.
    pub plastic: Plastic,
}

/// The last step of an order in place of a card.
#[derive(Clone)]
pub struct ReplacementStep {
    /// The step; it issues the new card of a replacement.
    pub step: OrderStep,
    /// The source card.
    pub source_card_id: CardId,
    /// The physical twin that the step issues instead.
    pub twin: Option<Twin>,
    /// Makes the webhook that reports a card that ended by this step.
    pub tell: TellOfCard,
}

/// The result of such a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacementOutcome {
    /// The result, as of a step of any order.
    Step(OrderStepOutcome),
    /// The source card is no longer in a state that allows it: nothing was written.
    SourceUnfit,
}

impl Store {
    /// Takes in an order in place of a card, with its job and webhook, in one commit.
    /// Checked in this order: reference, card, its type, its state, other orders.
    pub async fn place_replacement(
        &self,
        request: PlaceReplacement,
    ) -> Result<CardOrder, PlaceReplacementError> {
        let order = self.write_past_races(with(request, place)).await?;
        self.wake_outbox_and(&[JobKind::OrderStep]);
        Ok(order)
    }

    /// Makes the last step of an order in place of a card: the new card, and for a
    /// replacement the end of every living record of the old PAN, in one commit.
    pub async fn finish_replacement(
        &self,
        step: ReplacementStep,
    ) -> Result<ReplacementOutcome, StoreError> {
        let request = (step, Arc::clone(&self.inner.ids));
        let outcome =
            self.write(with(request, async |tx, (step, ids)| finish(tx, ids, step).await)).await?;
        if outcome == ReplacementOutcome::Step(OrderStepOutcome::Done) {
            self.wake_outbox_and(&[JobKind::OrderStep]);
        }
        Ok(outcome)
    }
}

async fn place(tx: &Tx, request: &PlaceReplacement) -> Result<CardOrder, PlaceReplacementError> {
    let order = &request.order;
    let enterprise_id = order.enterprise_id;
    // Locked before the reference is looked for: of two equal requests at once the second
    // waits here, and then sees that its reference is taken.
    let source = tx.by_key_locked::<Card>((enterprise_id, request.source_card_id)).await?;
    if tx.by_ref::<CardOrder>(enterprise_id, &order.card_order_ref).await?.is_some() {
        return Err(PlaceReplacementError::RefTaken);
    }
    let source = source.ok_or(PlaceReplacementError::SourceNotFound)?;
    let wants_twin = order.order_type == OrderType::VirtualToPhysical;
    if wants_twin && source.card_type != CardType::Virtual {
        return Err(PlaceReplacementError::SourceNotVirtual);
    }
    if source.status != CardStatus::Activated {
        return Err(PlaceReplacementError::SourceNotActivated);
    }
    if has_open_order(tx, enterprise_id, source.card_id).await?
        || (wants_twin && has_living_twin(tx, &source).await?)
    {
        return Err(PlaceReplacementError::OpenOrder);
    }
    let sealed_application = request.sealed_application.as_deref().into();
    tx.insert_with(order, &[("sealed_application", sealed_application)]).await?;
    tx.insert(&request.job).await?;
    insert_events(tx, std::slice::from_ref(&request.event)).await?;
    Ok(order.clone())
}

async fn has_open_order(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    card_id: CardId,
) -> Result<bool, StoreError> {
    let sql = "SELECT order_id FROM card_order WHERE enterprise_id = $1 AND replace_card_id = $2 \
        AND status <> 'SUCCEED' AND status <> 'FAILED'";
    tx.finds(sql, &[enterprise_id.into(), card_id.into()]).await
}

async fn has_living_twin(tx: &Tx, card: &Card) -> Result<bool, StoreError> {
    let cards = cards_of_pan_locked(tx, card.enterprise_id, card.pan_id).await?;
    Ok(cards.iter().any(|c| c.card_type == CardType::Physical && c.status != CardStatus::Invalid))
}

async fn finish(
    tx: &Tx,
    ids: &IdGenerator,
    request: &ReplacementStep,
) -> Result<ReplacementOutcome, StoreError> {
    let order = &request.step.order;
    let source = tx.by_key::<Card>((order.enterprise_id, request.source_card_id)).await?;
    let Some(source) = source else { return Ok(ReplacementOutcome::SourceUnfit) };
    let records = cards_of_pan_locked(tx, source.enterprise_id, source.pan_id).await?;
    let fits = |card: &Card| match order.order_type {
        OrderType::VirtualToPhysical => card.status != CardStatus::Invalid,
        // A new number must not lift a stop.
        OrderType::Replacement | OrderType::Virtual => card.status == CardStatus::Activated,
    };
    if !records.iter().any(|card| card.card_id == source.card_id && fits(card)) {
        return Ok(ReplacementOutcome::SourceUnfit);
    }
    let outcome = advance(tx, &request.step).await?;
    if outcome != OrderStepOutcome::Done {
        return Ok(ReplacementOutcome::Step(outcome));
    }
    if let Some(twin) = &request.twin {
        tx.insert(&twin.card).await?;
        insert_plastic(tx, &twin.plastic).await?;
    } else {
        for record in records {
            end(tx, ids, record, request).await?;
        }
    }
    Ok(ReplacementOutcome::Step(outcome))
}

/// Ends a record of the replaced PAN, unless it ended before.
async fn end(
    tx: &Tx,
    ids: &IdGenerator,
    mut card: Card,
    request: &ReplacementStep,
) -> Result<(), StoreError> {
    let Ok(next) = card.status.transition(CardEvent::Terminate) else { return Ok(()) };
    (card.status, card.status_reason) = next;
    card.modified_at = request.step.order.modified_at;
    write_told_card(tx, ids, &card, request.tell).await
}
