//! A reversal: the money is given back first, then the enterprise is told; only the reversal's own
//! record waits for its answer.

use std::sync::Arc;

use domain::{AuthId, Authorisation, AuthorisationStatus, Card};
use store::{MoneyError, ReverseAuthorisation, TakeBack, TakenBack, Webhooks};
use tokio::time::Instant;

use crate::authoriser_parts::AuthoriserParts;
use crate::checks::Reach;
use crate::decision::cause_of;
use crate::endpoint::endpoint;
use crate::fault::Fault;
use crate::forward::AuthEndpoint;
use crate::held::{Held, HoldOutcome, TimeToAnswer};
use crate::load::{CardContext, load};
use crate::receipt::{Receipt, StoredReceipt, Timings};
use crate::request::{AuthoriseError, NetworkReversal, Presented, ReversalRequest};
use crate::settle;
use crate::undecided::Undecided;
use crate::webhooks::{decision_webhooks, transactions};

/// What a reversal needs besides the money. Everything that may be missing is read first, so a
/// reversal that fails has moved nothing.
pub(crate) struct Prepared {
    card: Card,
    context: CardContext,
    endpoint: Result<AuthEndpoint, Reach>,
    timings: Timings,
    started: Instant,
    /// Why an operator reverses.
    reason: Option<String>,
}

impl Prepared {
    pub(crate) async fn of(
        AuthoriserParts { store, vault, .. }: &AuthoriserParts,
        card: Card,
        started: Instant,
    ) -> Result<Self, AuthoriseError> {
        let mut timings = Timings::new(started);
        let context = load(store, &card, card.currency).await?;
        let endpoint = endpoint(vault, &card, &context)?;
        timings.ended("load");
        Ok(Self { card, context, endpoint, timings, started, reason: None })
    }

    /// For an app's card the reversal's own record is decided silently: the app was already
    /// notified of what it took back.
    fn record_webhooks(&self, parts: &AuthoriserParts) -> Webhooks {
        decision_webhooks(self.card.account.is_forwarded(), None, parts.vm_settings)
    }

    /// What is to be asked about a reversal whose money is back; if nobody can be asked, its record
    /// is decided here.
    pub(crate) async fn told(
        self,
        parts: &AuthoriserParts,
        undecided: &Arc<Undecided>,
        reversal: Authorisation,
    ) -> Result<HoldOutcome, AuthoriseError> {
        let webhooks = self.record_webhooks(parts);
        let Self { context, endpoint, mut timings, started, reason, .. } = self;
        timings.ended("release");
        let presented = Presented::default();
        let receipt = Receipt { reason, ..Receipt::new(presented, Vec::new(), timings) };
        let endpoint = match endpoint {
            Ok(endpoint) => Some(Arc::new(endpoint)),
            Err(Reach::NotAsked) => None,
            Err(reach) => {
                let fault = reach.cause().map_or(Fault::NO_ANSWER, Fault::from);
                let cause = cause_of(&reversal, Err(fault));
                let receipt = receipt.prepared(&reversal, None, Vec::new());
                let request = settle::request(&parts.store, &reversal, cause, receipt, webhooks);
                let decided = settle::decide(&parts.store, request).await;
                // The money is back, so the record waits only for its decision.
                let authorisation =
                    decided.inspect_err(|_| undecided.decline_later(reversal.auth_id))?;
                return Ok(HoldOutcome::Answered {
                    authorisation: Box::new(authorisation),
                    repeated: false,
                });
            }
        };
        Ok(HoldOutcome::Held(Box::new(Held {
            authorisation: Arc::new(reversal),
            endpoint,
            webhooks,
            tariff: None,
            posts: false,
            stand_in: None,
            time: TimeToAnswer::of(&context.enterprise, started, None),
            receipt,
        })))
    }
}

/// Gives back an amount of an authorisation, or all of it.
pub(crate) async fn reverse(
    parts: &AuthoriserParts,
    undecided: &Arc<Undecided>,
    request: ReversalRequest,
    started: Instant,
) -> Result<HoldOutcome, AuthoriseError> {
    let AuthoriserParts { store, vm_settings, .. } = parts;
    let card = store.find_of_anyone::<Card>(request.original.card_id).await?;
    let card = card.ok_or(AuthoriseError::Missing("card"))?;
    let reason = request.reason;
    let prepared = Prepared { reason, ..Prepared::of(parts, card, started).await? };
    let reversal_id = AuthId::from_i64(store.ids().next());
    let reverse = ReverseAuthorisation {
        auth_id: request.original.auth_id,
        acquirer_amount_minor: request.acquirer_amount_minor,
        remaining_minor: request.remaining_minor,
        takes_refunds: prepared.reason.is_some(),
        receipt: StoredReceipt::because(prepared.reason.as_deref()),
        reversal_id,
        webhooks: transactions(prepared.context.vm_card.as_ref(), *vm_settings),
        now: store.clock().now(),
    };
    let reversed = store.reverse_authorisation(reverse).await;
    let reversal = reversed.inspect_err(|error| undecided.doubt(reversal_id, error))?;
    if reversal.status != AuthorisationStatus::Pending {
        // Nothing is left beyond what is to remain, or a refund was taken back, which asks nobody.
        return Ok(HoldOutcome::Answered { authorisation: Box::new(reversal), repeated: true });
    }
    prepared.told(parts, undecided, reversal).await
}

/// Carries out a network's reversal; also returns what is still needed to tell the enterprise.
pub(crate) async fn take_back(
    parts: &AuthoriserParts,
    undecided: &Arc<Undecided>,
    request: NetworkReversal,
    started: Instant,
) -> Result<(TakenBack, Prepared), AuthoriseError> {
    let AuthoriserParts { store, vm_settings, .. } = parts;
    let NetworkReversal { card, message, auth_code } = request;
    let prepared = Prepared::of(parts, card, started).await?;
    let Prepared { card, context, .. } = &prepared;
    let (vm_card, is_forwarded) = (context.vm_card.as_ref(), card.account.is_forwarded());
    let reversal_id = AuthId::from_i64(store.ids().next());
    let take_back = TakeBack {
        message,
        payer: card.into(),
        currency: card.currency,
        auth_code,
        reversal_id,
        webhooks: transactions(vm_card, *vm_settings),
        decision_webhooks: decision_webhooks(is_forwarded, vm_card, *vm_settings),
        corrected_receipt: |stored, it| StoredReceipt::of(stored).corrected(it),
        now: store.clock().now(),
    };
    let taken = store.take_back(take_back).await;
    let taken = taken.inspect_err(|error: &MoneyError| undecided.doubt(reversal_id, error))?;
    Ok((taken, prepared))
}
