//! Where orders of all networks, simulated or real, become authorisations.

use std::sync::Arc;

use authorise::{AuthorisationAnswer, AuthorisationRequest, Authoriser};
use domain::{AuthId, Authorisation, Card, CardId, Money, PinVerdict};
use store::{AuthorisationView, Store};
use vault::Vault;

use crate::card_reference::{UsedCard, find};
use crate::error::SchemeError;
use crate::order::{Order, Original};
use crate::pin::{EnteredPin, entered};

/// Takes orders. Clones share everything.
#[derive(Clone)]
pub struct Intake {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) authoriser: Arc<Authoriser>,
}

impl Intake {
    /// The intake in front of `authoriser`.
    #[must_use]
    pub const fn new(store: Store, vault: Arc<Vault>, authoriser: Arc<Authoriser>) -> Self {
        Self { store, vault, authoriser }
    }

    /// Authorises an order. A wrong expiry, CVV2 or PIN is a decline.
    ///
    /// # Errors
    /// [`SchemeError`]; an original with another PAN is not found.
    pub(crate) async fn authorise(&self, order: Order) -> Result<AuthorisationAnswer, SchemeError> {
        let UsedCard { card, mut presented } = find(&self.store, &self.vault, order.card).await?;
        let original = match order.original {
            Original::None => None,
            Original::Id(auth_id) => Some(self.original_of(auth_id, &card).await?),
            Original::Record(original) => Some(*original),
        };
        let pin = match order.pin {
            Some(pin) => match entered(&self.store, &self.vault, &card, pin).await? {
                EnteredPin::Compared(comparison) => Some(comparison),
                EnteredPin::Unreadable => {
                    presented.pin = Some(PinVerdict::Unreadable);
                    None
                }
            },
            None => None,
        };
        presented.chip = order.chip.as_ref().map(|chip| chip.verdict);
        let identity = order.numbers.map(|numbers| numbers.about(card.pan_id));
        let request = AuthorisationRequest {
            acquirer_amount: order.acquirer_amount.unwrap_or(Money::zero(card.currency)),
            card,
            transaction_type: order.transaction_type,
            auth_type: order.auth_type,
            merchant: order.merchant,
            network_key: order.network_key,
            identity,
            original,
            presented,
            chip_tags: order.chip.map(|chip| chip.shown()).unwrap_or_default(),
            pin,
            answer_by: order.answer_by,
        };
        Ok(self.authoriser.authorise(request).await?)
    }

    /// The authorisation, if it was made with a record of the same PAN.
    async fn original_of(
        &self,
        auth_id: AuthId,
        card: &Card,
    ) -> Result<Authorisation, SchemeError> {
        let original = self.original(auth_id).await?;
        let used = self.card(original.card_id).await?;
        let is_same = (used.enterprise_id, used.pan_id) == (card.enterprise_id, card.pan_id);
        if is_same { Ok(original) } else { Err(SchemeError::AuthorisationNotFound) }
    }

    pub(crate) async fn original(&self, auth_id: AuthId) -> Result<Authorisation, SchemeError> {
        let view = self.store.find_of_anyone::<AuthorisationView>(auth_id).await?;
        view.map(|view| view.authorisation).ok_or(SchemeError::AuthorisationNotFound)
    }

    pub(crate) async fn card(&self, card_id: CardId) -> Result<Card, SchemeError> {
        self.store.find_of_anyone::<Card>(card_id).await?.ok_or(SchemeError::CardNotFound)
    }
}
