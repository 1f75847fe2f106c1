//! A reversal: the money is given back first, then the enterprise is told; only the reversal's own
//! record waits for its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{AuthId, Card};
use store::ReverseAuthorisation;
use tokio::time::Instant;

use crate::authoriser_parts::AuthoriserParts;
use crate::checks::Reach;
use crate::decision::cause_of;
use crate::endpoint::endpoint;
use crate::fault::Fault;
use crate::held::{Held, HoldOutcome, TimeToAnswer};
use crate::load::load;
use crate::receipt::{Receipt, Timings};
use crate::request::{AuthoriseError, Presented, ReversalRequest};
use crate::settle;
use crate::undecided::Undecided;
use crate::webhooks::{decision_webhooks, transactions};

/// Gives the money back. Everything else that may be missing is read first, so a reversal that
/// fails has moved nothing.
pub(crate) async fn take_back(
    AuthoriserParts { store, vault, vm_settings, .. }: &AuthoriserParts,
    undecided: &Arc<Undecided>,
    request: ReversalRequest,
    started: Instant,
) -> Result<HoldOutcome, AuthoriseError> {
    let mut timings = Timings::new(started);
    let card = store.find_of_anyone::<Card>(request.original.card_id).await?;
    let card = card.ok_or(AuthoriseError::Missing("card"))?;
    let context = load(store, &card, card.currency).await?;
    let endpoint = endpoint(vault, &card, &context)?;
    timings.ended("load");
    let reversal_id = AuthId::from_i64(store.ids().next());
    let reverse = ReverseAuthorisation {
        auth_id: request.original.auth_id,
        acquirer_amount_minor: request.acquirer_amount_minor,
        reversal_id,
        webhooks: transactions(context.vm_card.as_ref(), *vm_settings),
        now: store.clock().now(),
    };
    let reversed = store.reverse_authorisation(reverse).await;
    let reversal = reversed.inspect_err(|error| undecided.doubt(reversal_id, error))?;
    timings.ended("release");
    let presented = Presented::default();
    let receipt = Receipt {
        presented,
        chip_tags: BTreeMap::new(),
        checks: Vec::new(),
        notice: None,
        timings,
    };
    // For an app's card the reversal's own record is decided silently: the app was already notified
    // of what it took back.
    let webhooks = decision_webhooks(card.account.is_forwarded(), None, *vm_settings);
    let endpoint = match endpoint {
        Ok(endpoint) => Some(Arc::new(endpoint)),
        Err(Reach::NotAsked) => None,
        Err(reach) => {
            let fault = reach.cause().map_or(Fault::NO_ANSWER, Fault::from);
            let cause = cause_of(&reversal, Err(fault));
            let receipt = receipt.prepared(&reversal, None, Vec::new());
            let request = settle::request(store, &reversal, cause, receipt, webhooks);
            let decided = settle::decide(store, request).await;
            // The money is back, so the record waits only for its decision.
            let authorisation = decided.inspect_err(|_| undecided.decline_later(reversal_id))?;
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
        time: TimeToAnswer::of(&context.enterprise, started, None),
        receipt,
    })))
}
