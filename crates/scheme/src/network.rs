//! The simulated network.

use std::sync::Arc;

use authorise::{
    AuthorisationAnswer, AuthorisationRequest, Authoriser, RefundRequest, clear, refund, reverse,
};
use domain::{AuthId, Authorisation, CardId, Currency, Money, NetworkKey};
use store::{PostingOutcome, Store};
use vault::Vault;

use crate::card_reference::{UsedCard, find};
use crate::error::SchemeError;
use crate::pin::judge_pin;
use crate::purchase::{Purchase, RefundOf};

/// Sends what a card network would send. Its messages take exactly the road of real ones.
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
    /// [`SchemeError`].
    pub async fn purchase(&self, purchase: Purchase) -> Result<AuthorisationAnswer, SchemeError> {
        let acquirer_amount = Money::parse_major(&purchase.amount_text, purchase.currency)?;
        let UsedCard { card, mut presented } =
            find(&self.store, &self.vault, purchase.card).await?;
        if let Some(pin) = purchase.pin {
            presented.pin = Some(judge_pin(&self.store, &self.vault, &card, pin).await?);
        }
        let network_key = network_key(purchase.stan, purchase.rrn);
        let request = AuthorisationRequest {
            card,
            acquirer_amount,
            transaction_type: purchase.transaction_type,
            auth_type: purchase.auth_type,
            merchant: purchase.merchant,
            network_key,
            presented,
        };
        Ok(self.authoriser.authorise(request).await?)
    }

    /// Reverses an approved authorisation by `amount_text` (major units of the acquirer's
    /// currency), or by all that is left; returns the reversal's own record.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn reverse(
        &self,
        auth_id: AuthId,
        amount_text: Option<&str>,
    ) -> Result<Authorisation, SchemeError> {
        let original = self.original(auth_id).await?;
        let amount_minor = acquirer_minor(&original, amount_text)?;
        Ok(reverse(&self.store, auth_id, amount_minor).await?)
    }

    /// Clears an approved authorisation by `amount_text` (major units of the acquirer's
    /// currency), or by all that is left.
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
        Ok(clear(&self.store, auth_id, amount_minor, is_final).await?)
    }

    /// Refunds `amount_text` of `currency`; posted at once.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn refund(
        &self,
        of: RefundOf,
        amount_text: &str,
        currency: Currency,
    ) -> Result<PostingOutcome, SchemeError> {
        let acquirer_amount = Money::parse_major(amount_text, currency)?;
        let (original, card_id) = match of {
            RefundOf::Authorisation(auth_id) => {
                let original = self.original(auth_id).await?;
                let card_id = original.card_id;
                (Some(original), card_id)
            }
            RefundOf::Card(card_id) => (None, card_id),
        };
        let card = self.card(card_id).await?;
        let request = RefundRequest { card, original, acquirer_amount };
        Ok(refund(&self.store, request).await?)
    }

    async fn original(&self, auth_id: AuthId) -> Result<Authorisation, SchemeError> {
        let view = self.store.authorisation(auth_id).await?;
        view.map(|view| view.authorisation).ok_or(SchemeError::AuthorisationNotFound)
    }

    async fn card(&self, card_id: CardId) -> Result<domain::Card, SchemeError> {
        self.store.card_of_anyone(card_id).await?.ok_or(SchemeError::CardNotFound)
    }
}

/// STAN and RRN are a message's identity only together.
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
