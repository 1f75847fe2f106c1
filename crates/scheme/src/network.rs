//! The simulated network.

use std::sync::Arc;

use authorise::{
    AuthorisationAnswer, AuthorisationRequest, Authoriser, ForceRequest, Presented, ReversalRequest,
};
use domain::{
    AuthId, AuthType, Authorisation, Card, CardId, Currency, Merchant, Money, NetworkKey,
    TransactionType,
};
use store::{AuthorisationView, PostingOutcome, Store};
use vault::Vault;

use crate::card_reference::{UsedCard, active_record, find};
use crate::error::SchemeError;
use crate::pin::comparison;
use crate::purchase::{Increment, Purchase, Refund, RefundOf};

/// Sends the messages of a card network. They take exactly the same path as real ones.
pub struct SimulatedNetwork {
    store: Store,
    vault: Arc<Vault>,
    authoriser: Arc<Authoriser>,
}

impl SimulatedNetwork {
    /// A network in front of `authoriser`.
    #[must_use]
    pub const fn new(store: Store, vault: Arc<Vault>, authoriser: Arc<Authoriser>) -> Self {
        Self { store, vault, authoriser }
    }

    /// Asks for an authorisation. A wrong expiry, CVV2 or PIN is a decline.
    ///
    /// # Errors
    /// [`SchemeError`]; an original with another PAN is not found.
    pub async fn purchase(&self, purchase: Purchase) -> Result<AuthorisationAnswer, SchemeError> {
        let acquirer_amount = Money::parse_major(&purchase.amount_text, purchase.currency)?;
        let UsedCard { card, presented } = find(&self.store, &self.vault, purchase.card).await?;
        let original = match purchase.original_auth_id {
            Some(auth_id) => Some(self.original_of(auth_id, &card).await?),
            None => None,
        };
        let pin = match purchase.pin {
            Some(pin) => Some(comparison(&self.store, &self.vault, &card, pin).await?),
            None => None,
        };
        let request = AuthorisationRequest {
            card,
            acquirer_amount,
            transaction_type: purchase.transaction_type,
            auth_type: purchase.auth_type,
            merchant: purchase.merchant,
            network_key: network_key(purchase.stan, purchase.rrn),
            original,
            presented,
            pin,
        };
        Ok(self.authoriser.authorise(request).await?)
    }

    /// Raises an approved authorisation, in its own acquirer currency. An increment of an increment
    /// raises the authorisation that both belong to; the card used is the active record of its PAN.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn increment(&self, it: Increment) -> Result<AuthorisationAnswer, SchemeError> {
        let mut original = self.original(it.auth_id).await?;
        if let Some(first) = original.original_auth_id.filter(|_| original.is_increment()) {
            original = self.original(first).await?;
        }
        let currency = original.acquirer_amount.currency();
        let acquirer_amount = Money::parse_major(&it.amount_text, currency)?;
        let used = self.card(original.card_id).await?;
        let records = self.store.cards_of_pan(used.enterprise_id, used.pan_id).await?;
        let request = AuthorisationRequest {
            card: active_record(records).ok_or(SchemeError::CardNotFound)?,
            acquirer_amount,
            transaction_type: original.transaction_type,
            auth_type: original.auth_type,
            merchant: original.merchant.clone(),
            network_key: network_key(it.stan, it.rrn),
            original: Some(original),
            presented: Presented::default(),
            pin: None,
        };
        Ok(self.authoriser.authorise(request).await?)
    }

    /// The outcome of an authorisation, increment, refund or reversal that was begun before.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn outcome(&self, auth_id: AuthId) -> Result<AuthorisationAnswer, SchemeError> {
        Ok(self.authoriser.outcome(auth_id).await?)
    }

    /// Reverses an approved authorisation and its increments by `amount_text` (major units of the
    /// acquirer's currency), or by all that is left; returns the reversal's own record.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn reverse(
        &self,
        auth_id: AuthId,
        amount_text: Option<&str>,
    ) -> Result<AuthorisationAnswer, SchemeError> {
        let original = self.original(auth_id).await?;
        let acquirer_amount_minor = acquirer_minor(&original, amount_text)?;
        let request = ReversalRequest { original, acquirer_amount_minor };
        Ok(self.authoriser.reverse(request).await?)
    }

    /// Clears an approved authorisation and its increments by `amount_text` (major units of
    /// the acquirer's currency), or by all that is left.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn clear(
        &self,
        auth_id: AuthId,
        amount_text: Option<&str>,
        is_final: bool,
    ) -> Result<PostingOutcome, SchemeError> {
        let original = self.original(auth_id).await?;
        let amount_minor = acquirer_minor(&original, amount_text)?;
        Ok(self.authoriser.clear(auth_id, amount_minor, is_final).await?)
    }

    /// Posts a clearing that nothing authorised; nobody is asked.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn force(
        &self,
        card_id: CardId,
        amount_text: &str,
        currency: Currency,
        merchant: Merchant,
    ) -> Result<PostingOutcome, SchemeError> {
        let acquirer_amount = Money::parse_major(amount_text, currency)?;
        let card = self.card(card_id).await?;
        let request = ForceRequest { card, acquirer_amount, merchant };
        Ok(self.authoriser.force(request).await?)
    }

    /// Asks the enterprise to take a refund; an approved one is posted at once.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn refund(&self, refund: Refund) -> Result<AuthorisationAnswer, SchemeError> {
        let acquirer_amount = Money::parse_major(&refund.amount_text, refund.currency)?;
        let (original, card_id) = match refund.of {
            RefundOf::Authorisation(auth_id) => {
                let original = self.original(auth_id).await?;
                let card_id = original.card_id;
                (Some(original), card_id)
            }
            RefundOf::Card(card_id) => (None, card_id),
        };
        let merchant = original.as_ref().map(|original| original.merchant.clone());
        let request = AuthorisationRequest {
            card: self.card(card_id).await?,
            acquirer_amount,
            transaction_type: TransactionType::Refund,
            auth_type: AuthType::Normal,
            merchant: merchant.unwrap_or_default(),
            network_key: network_key(refund.stan, refund.rrn),
            original,
            presented: Presented::default(),
            pin: None,
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

    async fn original(&self, auth_id: AuthId) -> Result<Authorisation, SchemeError> {
        let view = self.store.find_of_anyone::<AuthorisationView>(auth_id).await?;
        view.map(|view| view.authorisation).ok_or(SchemeError::AuthorisationNotFound)
    }

    async fn card(&self, card_id: CardId) -> Result<Card, SchemeError> {
        self.store.find_of_anyone::<Card>(card_id).await?.ok_or(SchemeError::CardNotFound)
    }
}

/// STAN and RRN identify a message only together.
fn network_key(stan: Option<String>, rrn: Option<String>) -> Option<NetworkKey> {
    Some(NetworkKey { stan: stan?, rrn: rrn? })
}

/// The minor units of an amount in the currency that the shop asked for.
fn acquirer_minor(
    original: &Authorisation,
    amount_text: Option<&str>,
) -> Result<Option<i64>, SchemeError> {
    let Some(text) = amount_text else { return Ok(None) };
    let amount = Money::parse_major(text, original.acquirer_amount.currency())?;
    if !amount.is_positive() {
        return Err(SchemeError::NotPositive);
    }
    Ok(Some(amount.amount_minor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stan_and_rrn_are_a_key_only_together() {
        let text = || Some("1".to_owned());
        assert!(network_key(text(), text()).is_some());
        assert!(network_key(text(), None).is_none());
        assert!(network_key(None, text()).is_none());
        assert!(network_key(None, None).is_none());
    }
}
