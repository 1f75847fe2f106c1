//! The simulated network.

use std::sync::Arc;

use authorise::{AuthorisationAnswer, Authoriser};
use domain::{AuthId, Authorisation, Currency};
use store::{PostingOutcome, Store};
use vault::Vault;

use crate::error::SchemeError;
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

    /// Asks for an authorisation. A wrong expiry or CVV2 is a decline.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn purchase(&self, purchase: Purchase) -> Result<AuthorisationAnswer, SchemeError> {
        let _ = (&self.vault, &self.authoriser, purchase);
        todo!()
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
        let _ = (&self.store, auth_id, amount_text);
        todo!()
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
        let _ = (&self.store, auth_id, amount_text, is_final);
        todo!()
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
        let _ = (&self.store, of, amount_text, currency);
        todo!()
    }
}
