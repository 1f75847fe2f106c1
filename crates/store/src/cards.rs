//! Cards, PAN records and customers.

use std::sync::Arc;

use domain::{
    Card, CardEvent, CardId, CardTransitionError, Customer, CustomerId, EnterpriseId, PanId,
    Timestamp, WebhookEvent,
};
use thiserror::Error;

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

/// A change of a card's state.
#[derive(Clone)]
pub struct CardChange {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// What happens.
    pub event: CardEvent,
    /// The reason given for a termination.
    pub invalidate_reason: Option<String>,
    /// When.
    pub now: Timestamp,
    /// Makes the webhook that tells of the card as it was stored.
    pub tell: Arc<dyn Fn(&Card) -> WebhookEvent + Send + Sync>,
}

/// Why a card was not changed.
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
    /// A card of an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn card(
        &self,
        enterprise_id: EnterpriseId,
        card_id: CardId,
    ) -> Result<Option<Card>, StoreError> {
        let _ = (enterprise_id, card_id);
        todo!()
    }

    /// A card of any enterprise, for operators and the network.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn card_of_anyone(&self, card_id: CardId) -> Result<Option<Card>, StoreError> {
        let _ = card_id;
        todo!()
    }

    /// All cards of a customer, INVALID ones too, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cards_of_customer(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: CustomerId,
    ) -> Result<Vec<Card>, StoreError> {
        let _ = (enterprise_id, customer_id);
        todo!()
    }

    /// All cards that share a PAN record, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cards_of_pan(
        &self,
        enterprise_id: EnterpriseId,
        pan_id: PanId,
    ) -> Result<Vec<Card>, StoreError> {
        let _ = (enterprise_id, pan_id);
        todo!()
    }

    /// The PAN record with this fingerprint, of any enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pan_by_fingerprint(
        &self,
        fingerprint: [u8; 32],
    ) -> Result<Option<PanRecord>, StoreError> {
        let _ = fingerprint;
        todo!()
    }

    /// A PAN record of an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn pan(
        &self,
        enterprise_id: EnterpriseId,
        pan_id: PanId,
    ) -> Result<Option<PanRecord>, StoreError> {
        let _ = (enterprise_id, pan_id);
        todo!()
    }

    /// A customer of an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn customer(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: CustomerId,
    ) -> Result<Option<Customer>, StoreError> {
        let _ = (enterprise_id, customer_id);
        todo!()
    }

    /// Reads the card, applies `CardStatus::transition`, writes it and its webhook, in one commit.
    ///
    /// # Errors
    /// [`CardChangeError`].
    pub async fn change_card(&self, change: CardChange) -> Result<Card, CardChangeError> {
        let _ = change;
        todo!()
    }
}
