//! The simulated network.

use std::sync::Arc;

use authorise::{
    AdviceAnswer, AuthorisationAnswer, AuthoriseError, Authoriser, ForceRequest, NetworkFacts,
    ReversalRequest,
};
use domain::{
    AmountError, AuthId, AuthType, Authorisation, CardId, Currency, Merchant, Money, NetworkKey,
    TransactionType,
};
use store::{PostingOutcome, Store};
use tokio::time::Instant;
use vault::Vault;

use crate::card_reference::{UsedCard, active_record, find};
use crate::error::SchemeError;
use crate::intake::Intake;
use crate::order::{BalanceInquiry, Order, OrderCard, OrderPin, Original};
use crate::purchase::{Increment, NetworkDecision, Purchase, Refund, RefundOf, Reversing};

/// Sends the messages of a card network. They take exactly the same path as real ones.
pub struct SimulatedNetwork {
    intake: Intake,
}

impl SimulatedNetwork {
    /// A network in front of `authoriser`.
    #[must_use]
    pub const fn new(store: Store, vault: Arc<Vault>, authoriser: Arc<Authoriser>) -> Self {
        Self { intake: Intake::new(store, vault, authoriser) }
    }

    /// Asks for an authorisation. A wrong expiry, CVV2 or PIN is a decline.
    ///
    /// # Errors
    /// [`SchemeError`]; an original with another PAN is not found.
    pub async fn purchase(
        &self,
        mut purchase: Purchase,
    ) -> Result<AuthorisationAnswer, SchemeError> {
        let pin = purchase.pin.take().map(OrderPin::Clear);
        let order = Order { pin, ..order_of(purchase)? };
        self.intake.authorise(order).await
    }

    /// States what the network decided; nobody is asked before the answer. Returns the
    /// authorisation that the advice made or is about, as it is now.
    ///
    /// # Errors
    /// [`SchemeError`]; an original with another PAN is not found.
    pub async fn advise(
        &self,
        purchase: Purchase,
        decision: NetworkDecision,
    ) -> Result<(AuthorisationAnswer, AdviceAnswer), SchemeError> {
        let (intake, started) = (&self.intake, Instant::now());
        let mut order = order_of(purchase)?;
        let is_about_nothing = order.acquirer_amount.is_none_or(|amount| !amount.is_positive());
        if is_about_nothing && order.transaction_type != TransactionType::Inquiry {
            return Err(AuthoriseError::Amount.into());
        }
        let UsedCard { card, .. } = find(&intake.store, &intake.vault, order.card).await?;
        order.card = OrderCard::Id(card.card_id);
        let taken = intake.state((card, order), decision).await?;
        let auth_id = taken.auth_id.ok_or(SchemeError::AuthorisationNotFound)?;
        let authorisation = intake.original(auth_id).await?;
        let total_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let repeated = taken.repeated;
        let answer = AuthorisationAnswer { authorisation, repeated, total_ms, enterprise_ms: None };
        Ok((answer, taken))
    }

    /// Raises an approved authorisation, in its own acquirer currency. An increment of an increment
    /// raises the authorisation that both belong to; the card used is the active record of its PAN.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn increment(&self, it: Increment) -> Result<AuthorisationAnswer, SchemeError> {
        let intake = &self.intake;
        let mut original = intake.original(it.auth_id).await?;
        if let Some(first) = original.original_auth_id.filter(|_| original.is_increment()) {
            original = intake.original(first).await?;
        }
        let currency = original.acquirer_amount.currency();
        let acquirer_amount = Money::parse_major(&it.amount_text, currency)?;
        let used = intake.card(original.card_id).await?;
        let records = intake.store.cards_of_pan(used.enterprise_id, used.pan_id).await?;
        let card = active_record(records).ok_or(SchemeError::CardNotFound)?;
        let order = Order {
            card: OrderCard::Record(Box::new(card)),
            pin: None,
            chip: None,
            acquirer_amount: Some(acquirer_amount),
            billing: None,
            transaction_type: original.transaction_type,
            auth_type: original.auth_type,
            merchant: original.merchant.clone(),
            network_key: network_key(it.stan, it.rrn),
            facts: NetworkFacts::default(),
            message: None,
            posts: false,
            original: Original::Record(Box::new(original)),
            balances: BalanceInquiry::None,
            answer_by: None,
        };
        intake.authorise(order).await
    }

    /// The outcome of an authorisation, increment, refund or reversal that was begun before.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn outcome(&self, auth_id: AuthId) -> Result<AuthorisationAnswer, SchemeError> {
        Ok(self.intake.authoriser.outcome(auth_id).await?)
    }

    /// Reverses an approved authorisation and its increments; what a message posted is posted back.
    /// Returns the reversal's own record; where nothing is left beyond what is to remain, the
    /// authorisation itself.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn reverse(
        &self,
        auth_id: AuthId,
        reversing: impl Into<Reversing<'_>>,
    ) -> Result<AuthorisationAnswer, SchemeError> {
        self.reverse_because(auth_id, reversing, None).await
    }

    /// The same; `reason` is an operator's, who reverses in the network's place.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn reverse_because(
        &self,
        auth_id: AuthId,
        reversing: impl Into<Reversing<'_>>,
        reason: Option<String>,
    ) -> Result<AuthorisationAnswer, SchemeError> {
        let original = self.intake.original(auth_id).await?;
        let (acquirer_amount_minor, remaining_minor) = match reversing.into() {
            Reversing::Whole => (None, None),
            Reversing::Part(text) => (acquirer_minor(&original, Some(text))?, None),
            Reversing::To(text) => (None, Some(remaining_minor(&original, text)?)),
        };
        let request = ReversalRequest { original, acquirer_amount_minor, remaining_minor, reason };
        Ok(self.intake.authoriser.reverse(request).await?)
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
        let original = self.intake.original(auth_id).await?;
        let amount_minor = acquirer_minor(&original, amount_text)?;
        Ok(self.intake.authoriser.clear(auth_id, amount_minor, is_final).await?)
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
        let card = self.intake.card(card_id).await?;
        let request = ForceRequest { card, acquirer_amount, merchant };
        Ok(self.intake.authoriser.force(request).await?)
    }

    /// Asks the enterprise to take a refund; an approved one is posted at once.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub async fn refund(&self, refund: Refund) -> Result<AuthorisationAnswer, SchemeError> {
        let acquirer_amount = Money::parse_major(&refund.amount_text, refund.currency)?;
        let (original, card_id) = match refund.of {
            RefundOf::Authorisation(auth_id) => {
                let original = self.intake.original(auth_id).await?;
                let card_id = original.card_id;
                (Some(original), card_id)
            }
            RefundOf::Card(card_id) => (None, card_id),
        };
        let merchant = original.as_ref().map(|original| original.merchant.clone());
        let order = Order {
            card: OrderCard::Id(card_id),
            pin: None,
            chip: None,
            acquirer_amount: Some(acquirer_amount),
            billing: None,
            transaction_type: TransactionType::Refund,
            auth_type: AuthType::Normal,
            merchant: merchant.unwrap_or_default(),
            network_key: network_key(refund.stan, refund.rrn),
            facts: NetworkFacts::default(),
            message: None,
            posts: false,
            original: original.map_or(Original::None, |it| Original::Record(Box::new(it))),
            balances: BalanceInquiry::None,
            answer_by: None,
        };
        self.intake.authorise(order).await
    }
}

/// The order that a simulated message makes, without its PIN.
fn order_of(purchase: Purchase) -> Result<Order, SchemeError> {
    let acquirer_amount = Money::parse_major(&purchase.amount_text, purchase.currency)?;
    let Purchase { entry_mode, cash_back, .. } = purchase;
    if cash_back.is_some_and(|cash| cash.amount_minor() > acquirer_amount.amount_minor()) {
        return Err(SchemeError::CashBack);
    }
    Ok(Order {
        card: purchase.card.into(),
        pin: None,
        chip: None,
        acquirer_amount: Some(acquirer_amount),
        billing: None,
        transaction_type: purchase.transaction_type,
        auth_type: purchase.auth_type,
        merchant: purchase.merchant,
        network_key: network_key(purchase.stan, purchase.rrn),
        facts: NetworkFacts { entry_mode, cash_back, ..NetworkFacts::default() },
        message: None,
        posts: purchase.class.posts(),
        original: purchase.original_auth_id.map_or(Original::None, Original::Id),
        balances: BalanceInquiry::None,
        answer_by: None,
    })
}

/// STAN and RRN identify a message only together.
fn network_key(stan: Option<String>, rrn: Option<String>) -> Option<NetworkKey> {
    Some(NetworkKey { stan: stan?, rrn: rrn? })
}

/// The minor units of what is to remain, which may be nothing, in the currency that the shop asked
/// for.
fn remaining_minor(original: &Authorisation, text: &str) -> Result<i64, SchemeError> {
    let amount = Money::parse_major(text, original.acquirer_amount.currency());
    let minor = amount.map_err(SchemeError::Remaining)?.amount_minor();
    if minor < 0 { Err(SchemeError::Remaining(AmountError::OutOfRange)) } else { Ok(minor) }
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
