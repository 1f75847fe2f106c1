//! Where orders of all networks, simulated or real, become authorisations.

use std::sync::Arc;

use authorise::{
    AdviceAnswer, AdviceRequest, AuthorisationAnswer, AuthorisationRequest, AuthoriseError,
    Authoriser, CardBalances, NetworkReversal, NotFollowed, Presented, ReversalAnswer,
};
use domain::{
    AuthId, AuthType, Authorisation, AuthorisationStatus, Card, CardId, HoldState, MessageOutcome,
    Money, PinVerdict, TransactionType,
};
use store::Store;
use vault::Vault;

use crate::card_reference::{UsedCard, find, record_of_pan};
use crate::error::SchemeError;
use crate::order::{Advice, BalanceInquiry, Order, Original, Reversal};
use crate::pin::{EnteredPin, entered};
use crate::purchase::NetworkDecision;

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

    /// Authorises an order, then reads the balances that it asks for, if it is approved.
    ///
    /// # Errors
    /// As [`Self::authorise`].
    pub(crate) async fn answer(
        &self,
        order: Order,
    ) -> Result<(AuthorisationAnswer, Option<CardBalances>), SchemeError> {
        let asks_balances = order.balances != BalanceInquiry::None;
        let answer = self.authorise(order).await?;
        let it = &answer.authorisation;
        let is_shown = asks_balances && it.status == AuthorisationStatus::Approved;
        let balances = if is_shown { self.authoriser.balances(it).await? } else { None };
        Ok((answer, balances))
    }

    /// Authorises an order. A wrong expiry, CVV2 or PIN is a decline.
    ///
    /// # Errors
    /// [`SchemeError`]; an original with another PAN is not found.
    pub(crate) async fn authorise(&self, order: Order) -> Result<AuthorisationAnswer, SchemeError> {
        let UsedCard { card, mut presented } = find(&self.store, &self.vault, order.card).await?;
        if order.balances == BalanceInquiry::Required && card.account.is_forwarded() {
            return Err(SchemeError::NoBalances);
        }
        let is_named = matches!(order.original, Original::Named);
        let original = match order.original {
            Original::None | Original::Named => None,
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
        presented.chip = order.chip.map(|chip| chip.verdict);
        let message = order.message.map(|message| message.about(card.pan_id));
        let request = AuthorisationRequest {
            acquirer_amount: order.acquirer_amount.unwrap_or(Money::zero(card.currency)),
            billing: order.billing,
            card,
            transaction_type: order.transaction_type,
            auth_type: order.auth_type,
            merchant: order.merchant,
            network_key: order.network_key,
            message,
            original,
            posts: order.posts,
            not_followed: None,
            presented,
            network: order.facts,
            pin,
            answer_by: order.answer_by,
        };
        if is_named {
            self.raise(request).await
        } else {
            Ok(self.authoriser.authorise(request).await?)
        }
    }

    /// Raises the authorisation that the message names, or refunds it. What cannot be followed
    /// leads to an authorisation of the whole amount by itself (network-iso8583.md section 5.4).
    async fn raise(
        &self,
        request: AuthorisationRequest,
    ) -> Result<AuthorisationAnswer, SchemeError> {
        let not_followed = match self.raised_by(&request).await? {
            Ok(original) => match self.follow(&request, original).await {
                Err(AuthoriseError::Money(error)) if error.is_original_ended() => {
                    NotFollowed::NotOpen
                }
                answer => return Ok(answer?),
            },
            Err(why) => why,
        };
        let not_followed = Some(not_followed);
        let alone = AuthorisationRequest { not_followed, ..request };
        Ok(self.authoriser.authorise(alone).await?)
    }

    /// What a request makes of the authorisation that it names: its refund or an increment, and of
    /// a single message the completion of a reservation or the clearing of a purchase.
    async fn follow(
        &self,
        request: &AuthorisationRequest,
        original: Authorisation,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        let auth_type = match (request.posts, original.auth_type) {
            _ if request.transaction_type == TransactionType::Refund => request.auth_type,
            (true, AuthType::PreAuth) => AuthType::PreAuthCompletion,
            (true, _) => return self.clear_named(request, original).await,
            (false, auth_type) => auth_type,
        };
        let original = Some(original);
        let follow = AuthorisationRequest { original, auth_type, ..request.clone() };
        self.authoriser.authorise(follow).await
    }

    /// Clears a purchase by a single message that names it. Nobody is asked: it was authorised
    /// already.
    async fn clear_named(
        &self,
        request: &AuthorisationRequest,
        original: Authorisation,
    ) -> Result<AuthorisationAnswer, AuthoriseError> {
        let Some(message) = request.message.clone() else {
            return Err(AuthoriseError::OriginalMissing);
        };
        let advice = AdviceRequest {
            fact: request.clone(),
            message: Some(message),
            names: None,
            decline: None,
            auth_code: original.auth_code.clone(),
            allows_more: false,
            must_clear: true,
        };
        let taken = self.authoriser.advise(advice).await?;
        let answer = self.authoriser.outcome(original.auth_id).await?;
        Ok(AuthorisationAnswer { repeated: taken.repeated, ..answer })
    }

    /// The authorisation that a request raises or gives back: the first of the bill to which the
    /// named one belongs. The commit decides whether it is still open.
    async fn raised_by(
        &self,
        request: &AuthorisationRequest,
    ) -> Result<Result<Authorisation, NotFollowed>, SchemeError> {
        let Some(arrival) = request.message.clone() else { return Ok(Err(NotFollowed::NotFound)) };
        let Some(mut it) = self.store.original_named(arrival.message).await? else {
            return Ok(Err(NotFollowed::NotFound));
        };
        if let Some(first) = it.original_auth_id.filter(|_| it.is_increment()) {
            it = self.original(first).await?;
        }
        let is_open = it.is_approved_purchase()
            && (request.transaction_type == TransactionType::Refund || can_be_raised(&it));
        let has_currency = it.acquirer_amount.currency() == request.acquirer_amount.currency();
        Ok(match (is_open, has_currency) {
            (false, _) => Err(NotFollowed::NotOpen),
            (true, false) => Err(NotFollowed::OtherCurrency),
            (true, true) => Ok(it),
        })
    }

    /// Takes an advice of a link. A card that is not one of ours is an error, and the message is
    /// kept for an operator.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub(crate) async fn advise(&self, advice: Advice) -> Result<AdviceAnswer, SchemeError> {
        let Advice { order, pan, message, decline, auth_code, allows_more } = advice;
        let card = match record_of_pan(&self.store, &self.vault, &pan).await {
            Err(SchemeError::CardNotFound) => {
                let message = message.about_unknown(&self.vault.fingerprint(&pan));
                self.store.note_unknown_card(message).await?;
                return Err(SchemeError::CardNotFound);
            }
            found => found?,
        };
        let told = message.told();
        let request = AdviceRequest {
            message: Some(message.about(card.pan_id)),
            fact: fact_of(order, card),
            names: None,
            decline,
            auth_code,
            allows_more,
            must_clear: false,
        };
        let stated = self.authoriser.advise(request).await;
        Ok(stated.inspect_err(|error| told.contradicts(error))?)
    }

    /// Takes a simulated advice about a card. What the shop read off the card is not compared: the
    /// network decided.
    ///
    /// # Errors
    /// [`SchemeError`]; an original with another PAN is not found.
    pub(crate) async fn state(
        &self,
        (card, order): (Card, Order),
        NetworkDecision { decline, auth_code }: NetworkDecision,
    ) -> Result<AdviceAnswer, SchemeError> {
        let names = match order.original {
            Original::Id(auth_id) => {
                let original = self.original_of(auth_id, &card).await?;
                Some(original.auth_id)
            }
            Original::None | Original::Named | Original::Record(_) => None,
        };
        let request = AdviceRequest {
            message: None,
            fact: fact_of(order, card),
            names,
            decline,
            auth_code,
            allows_more: false,
            must_clear: false,
        };
        Ok(self.authoriser.advise(request).await?)
    }

    /// Carries out a network's reversal.
    ///
    /// # Errors
    /// [`SchemeError`].
    pub(crate) async fn take_back(&self, it: Reversal) -> Result<ReversalAnswer, SchemeError> {
        let card = match record_of_pan(&self.store, &self.vault, &it.pan).await {
            Err(SchemeError::CardNotFound) => {
                let message = it.message.about_unknown(&self.vault.fingerprint(&it.pan));
                self.store.note_unknown_card(message).await?;
                let outcome = MessageOutcome::UnknownCard;
                return Ok(ReversalAnswer { outcome, repeated: false });
            }
            found => found?,
        };
        let told = it.message.told();
        let message = it.message.about(card.pan_id);
        let request = NetworkReversal { card, message, auth_code: it.auth_code };
        let taken = self.authoriser.take_back(request).await;
        Ok(taken.inspect_err(|error| told.contradicts(error))?)
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
        let found = self.store.find_of_anyone::<Authorisation>(auth_id).await?;
        found.ok_or(SchemeError::AuthorisationNotFound)
    }

    pub(crate) async fn card(&self, card_id: CardId) -> Result<Card, SchemeError> {
        self.store.find_of_anyone::<Card>(card_id).await?.ok_or(SchemeError::CardNotFound)
    }
}

/// True while an approved purchase takes increments, a completion or a clearing.
fn can_be_raised(it: &Authorisation) -> bool {
    it.hold_state == HoldState::Pending && it.auth_type != AuthType::PreAuthCompletion
}

/// What an advice states about a card, as a request for it would have it.
fn fact_of(order: Order, card: Card) -> AuthorisationRequest {
    AuthorisationRequest {
        acquirer_amount: order.acquirer_amount.unwrap_or(Money::zero(card.currency)),
        billing: order.billing,
        card,
        transaction_type: order.transaction_type,
        auth_type: order.auth_type,
        merchant: order.merchant,
        network_key: order.network_key,
        message: None,
        original: None,
        posts: order.posts,
        not_followed: None,
        presented: Presented::default(),
        network: order.facts,
        pin: None,
        answer_by: None,
    }
}
