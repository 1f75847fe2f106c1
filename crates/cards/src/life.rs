//! Changes to a card by its enterprise and by the issuer, each reported by a CARD webhook
//! (cardbridge-open-api.md section 7.2).

use domain::{
    Card, CardEvent, CardId, EnterpriseId, Timestamp, WebhookEvent, WebhookId, WebhookSubType,
};
use store::CardChange;
use wire::cardbridge::webhook::card_event;

use crate::reading::parse_card_id;
use crate::{Cards, CardsError};

impl Cards {
    /// Freezes an ACTIVATED card.
    ///
    /// # Errors
    /// Not found, not ACTIVATED, or the store failed.
    pub async fn freeze(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<Card, CardsError> {
        let card_id = self.card(enterprise_id, card_id).await?.card_id;
        self.change(enterprise_id, card_id, CardEvent::Freeze, None).await
    }

    /// Lifts the enterprise's own freeze, never the issuer's block.
    ///
    /// # Errors
    /// Not found, not FROZEN, or the store failed.
    pub async fn unfreeze(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<Card, CardsError> {
        let card_id = self.card(enterprise_id, card_id).await?.card_id;
        self.change(enterprise_id, card_id, CardEvent::Unfreeze, None).await
    }

    /// Terminates a card for good; the reason is stored with it.
    ///
    /// # Errors
    /// Not found, already INVALID, or the store failed.
    pub async fn terminate(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
        invalidate_reason: String,
    ) -> Result<Card, CardsError> {
        let card_id = self.card(enterprise_id, card_id).await?.card_id;
        self.change(enterprise_id, card_id, CardEvent::Terminate, Some(invalidate_reason)).await
    }

    /// Blocks a card for the issuer, whoever owns it.
    ///
    /// # Errors
    /// Not found, neither ACTIVATED nor FROZEN, or the store failed.
    pub async fn block(&self, card_id: &str) -> Result<Card, CardsError> {
        self.change_as_issuer(card_id, CardEvent::Block).await
    }

    /// Lifts the issuer's block: the card is ACTIVATED.
    ///
    /// # Errors
    /// Not found, not BLOCKED, or the store failed.
    pub async fn unblock(&self, card_id: &str) -> Result<Card, CardsError> {
        self.change_as_issuer(card_id, CardEvent::Unblock).await
    }

    async fn change_as_issuer(&self, card_id: &str, event: CardEvent) -> Result<Card, CardsError> {
        let card = self.store.find_of_anyone::<Card>(parse_card_id(card_id)?).await?;
        let card = card.ok_or(CardsError::CardNotFound)?;
        self.change(card.enterprise_id, card.card_id, event, None).await
    }

    async fn change(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
        event: CardEvent,
        invalidate_reason: Option<String>,
    ) -> Result<Card, CardsError> {
        let now = self.store.clock().now();
        let tell = card_update;
        let change = CardChange { enterprise_id, card_id, event, invalidate_reason, now, tell };
        Ok(self.store.change_card(change).await?)
    }
}

/// The webhook that reports a card's change.
pub(crate) fn card_update(card: &Card, webhook_id: WebhookId, now: Timestamp) -> WebhookEvent {
    card_event(card, webhook_id, WebhookSubType::Update, now)
}
