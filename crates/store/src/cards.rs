//! Cards, PAN records and customers.

use std::sync::Arc;

use domain::{
    Card, CardEvent, CardId, CardStatus, CardTransitionError, CustomerId, EnterpriseId,
    IdGenerator, PanId, Timestamp, WebhookEvent, WebhookId,
};
use thiserror::Error;

use crate::engine::{Tx, with};
use crate::outbox::insert_events;
use crate::records::{record, select, sql};
use crate::{Store, StoreError};

/// A PAN as stored: sealed, found by its keyed fingerprint.
#[derive(Clone, PartialEq, Eq)]
pub struct PanRecord {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub pan_id: PanId,
    /// The vault's keyed fingerprint; unique.
    pub fingerprint: [u8; 32],
    /// The PAN, sealed by the vault.
    pub sealed_pan: Vec<u8>,
    /// Created.
    pub created_at: Timestamp,
}

record! {
    PanRecord in "pan" key (enterprise_id, pan_id) {
        enterprise_id,
        pan_id,
        fingerprint,
        sealed_pan,
        created_at,
    }
}

/// Makes the webhook that reports a card as stored, with this id and time. A plain function,
/// because one commit may change several cards and reports each.
pub type TellOfCard = fn(&Card, WebhookId, Timestamp) -> WebhookEvent;

/// A change of a card's state.
#[derive(Clone)]
pub struct CardChange {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// The event.
    pub event: CardEvent,
    /// The reason given for a termination.
    pub invalidate_reason: Option<String>,
    /// Business time.
    pub now: Timestamp,
    /// Makes the webhook that reports the card.
    pub tell: TellOfCard,
}

/// An error of [`Store::change_card`].
#[derive(Debug, Clone, Error)]
pub enum CardChangeError {
    /// No such card of this enterprise.
    #[error("card not found")]
    NotFound,
    /// Its state does not allow it.
    #[error(transparent)]
    Transition(#[from] CardTransitionError),
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// All cards of a customer, INVALID ones too, oldest first.
    pub async fn cards_of_customer(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: CustomerId,
    ) -> Result<Vec<Card>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND customer_id = $2 ORDER BY card_id",
            select::<Card>()
        );
        self.all(sql, [enterprise_id.into(), customer_id.into()]).await
    }

    /// All cards that share a PAN record, oldest first.
    pub async fn cards_of_pan(
        &self,
        enterprise_id: EnterpriseId,
        pan_id: PanId,
    ) -> Result<Vec<Card>, StoreError> {
        let sql =
            sql!("{} WHERE enterprise_id = $1 AND pan_id = $2 ORDER BY card_id", select::<Card>());
        self.all(sql, [enterprise_id.into(), pan_id.into()]).await
    }

    /// The PAN record with this fingerprint, of any enterprise.
    pub async fn pan_by_fingerprint(
        &self,
        fingerprint: [u8; 32],
    ) -> Result<Option<PanRecord>, StoreError> {
        self.read(with(fingerprint, async |tx, fingerprint| {
            let route = "SELECT enterprise_id, pan_id FROM pan_fingerprint WHERE fingerprint = $1";
            let key = tx.one(route, &[fingerprint.as_slice().into()]).await?;
            let Some::<(EnterpriseId, PanId)>(key) = key else { return Ok(None) };
            tx.by_key(key).await
        }))
        .await
    }

    /// Reads the card, applies `CardStatus::transition`, writes it and its webhook, in one commit.
    pub async fn change_card(&self, change: CardChange) -> Result<Card, CardChangeError> {
        let request = (change, Arc::clone(&self.inner.ids));
        let card = self
            .write_kept(with(request, async |tx, (it, ids)| apply_change(tx, ids, it).await))
            .await?;
        self.inner.outbox_changed.notify_one();
        Ok(card)
    }
}

/// Reasons of a termination that put the number into wrong hands (cardbridge-open-api.md
/// section 6.2.4).
const WRONG_HANDS: [&str; 2] = ["CARD_LOST", "CARD_STOLEN"];

/// All records of a PAN, oldest first, locked for this commit.
pub(crate) async fn cards_of_pan_locked(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    pan_id: PanId,
) -> Result<Vec<Card>, StoreError> {
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND pan_id = $2 ORDER BY card_id FOR UPDATE",
        select::<Card>()
    );
    tx.all(sql, &[enterprise_id.into(), pan_id.into()]).await
}

/// Writes a changed card. One that has ended is sent to nobody, so its delivery data go.
pub(crate) async fn write_card(tx: &Tx, card: &Card) -> Result<(), StoreError> {
    tx.update(card).await?;
    match card.status {
        CardStatus::Invalid => wipe_delivery(tx, card).await,
        _ => Ok(()),
    }
}

/// Wipes where a card was to go; a virtual one has nothing to wipe.
async fn wipe_delivery(tx: &Tx, card: &Card) -> Result<(), StoreError> {
    let sql = "UPDATE card_plastic SET sealed_delivery = NULL \
        WHERE enterprise_id = $1 AND card_id = $2";
    tx.execute(sql, &[card.enterprise_id.into(), card.card_id.into()]).await.map(|_| ())
}

/// Writes a changed card and the webhook that reports it, whose id is drawn in the commit:
/// the order of ids is the order of the card's changes. A card of an app of dialect 2 has no
/// webhook (vm-api.md section 16, row 17).
pub(crate) async fn write_told_card(
    tx: &Tx,
    ids: &IdGenerator,
    card: &Card,
    tell: TellOfCard,
) -> Result<(), StoreError> {
    write_card(tx, card).await?;
    if !card.account.is_forwarded() {
        return Ok(());
    }
    let webhook_id = WebhookId::from_i64(ids.next());
    insert_events(tx, &[tell(card, webhook_id, card.modified_at)]).await
}

async fn apply_change(
    tx: &Tx,
    ids: &IdGenerator,
    change: &CardChange,
) -> Result<Card, CardChangeError> {
    if change.event == CardEvent::Terminate {
        return terminate(tx, ids, change).await;
    }
    let mut card = tx
        .by_key_locked::<Card>((change.enterprise_id, change.card_id))
        .await?
        .ok_or(CardChangeError::NotFound)?;
    (card.status, card.status_reason) = card.status.transition(change.event)?;
    card.modified_at = change.now;
    write_told_card(tx, ids, &card, change.tell).await?;
    Ok(card)
}

/// Ends a record. If the issuer blocked it, all other records of its PAN end too: otherwise they
/// would escape the block. If it was lost or stolen, its plastic that waits for activation ends
/// too: otherwise it would continue with the same number.
async fn terminate(
    tx: &Tx,
    ids: &IdGenerator,
    change: &CardChange,
) -> Result<Card, CardChangeError> {
    let found = tx.by_key::<Card>((change.enterprise_id, change.card_id)).await?;
    let pan_id = found.ok_or(CardChangeError::NotFound)?.pan_id;
    let records = cards_of_pan_locked(tx, change.enterprise_id, pan_id).await?;
    let own = records.iter().position(|it| it.card_id == change.card_id);
    let own = own.ok_or(CardChangeError::NotFound)?;
    let is_in_wrong_hands =
        change.invalidate_reason.as_deref().is_some_and(|reason| WRONG_HANDS.contains(&reason));
    let is_blocked = records[own].status == CardStatus::Blocked;
    let ends_too =
        |it: &Card| is_blocked || (is_in_wrong_hands && it.status == CardStatus::WaitingActive);
    records[own].status.transition(CardEvent::Terminate)?;
    let mut ended = Vec::new();
    for (index, mut card) in records.into_iter().enumerate() {
        let Ok(next) = card.status.transition(CardEvent::Terminate) else { continue };
        if index != own && !ends_too(&card) {
            continue;
        }
        (card.status, card.status_reason) = next;
        card.invalidate_reason.clone_from(&change.invalidate_reason);
        card.modified_at = change.now;
        write_told_card(tx, ids, &card, change.tell).await?;
        ended.push(card);
    }
    let own = ended.into_iter().find(|it| it.card_id == change.card_id);
    own.ok_or(CardChangeError::NotFound)
}
