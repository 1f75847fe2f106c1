//! A reversal: the money is given back first, then the enterprise is told; nothing waits
//! for its answer but the reversal's own record.

use std::sync::Arc;

use domain::AuthId;
use store::ReverseAuthorisation;
use tokio::time::Instant;

use crate::authoriser::{Arrival, Authoriser, Held, deadline_of};
use crate::checks::Reach;
use crate::decision::Decision;
use crate::fault::Fault;
use crate::load::load;
use crate::receipt::{Receipt, Timings};
use crate::request::{AuthoriseError, Presented, ReversalRequest};
use crate::settle::{self, Ruling};

/// Gives the money back. Everything else that may be missing is read before, so that a
/// reversal which fails has moved nothing.
pub(crate) async fn take_back(
    authoriser: &Authoriser,
    request: ReversalRequest,
    started: Instant,
) -> Result<Arrival, AuthoriseError> {
    let store = &authoriser.parts.store;
    let mut timings = Timings::new(started);
    let card = store.card_of_anyone(request.original.card_id).await?;
    let card = card.ok_or(AuthoriseError::Missing("card"))?;
    let circumstances = load(store, &card, card.currency).await?;
    let correspondent = authoriser.correspondent(&card, &circumstances)?;
    timings.ended("load");
    let reversal_id = AuthId::from_i64(store.ids().next());
    let reverse = ReverseAuthorisation {
        auth_id: request.original.auth_id,
        acquirer_amount_minor: request.acquirer_amount_minor,
        reversal_id,
        notice: authoriser.notice(&circumstances),
        now: store.clock().now(),
    };
    let reversed = store.reverse_authorisation(reverse).await;
    let reversal = reversed.inspect_err(|error| authoriser.doubt(reversal_id, error))?;
    timings.ended("release");
    let presented = Presented::default();
    let receipt = Receipt { presented, checks: Vec::new(), notice: None, timings };
    let correspondent = match correspondent {
        Ok(correspondent) => Some(Arc::new(correspondent)),
        // Its own record is decided without a word: what it took back was told.
        Err(Reach::NotAsked) => None,
        Err(reach) => {
            let fault = Fault::from(reach.detail().unwrap_or("not_asked"));
            let decision = Decision::of(&reversal, Err(fault));
            let text = receipt.render(&reversal, None, &decision);
            let ruling = Ruling::without_code(decision, text);
            let decided = settle::decide(store, &reversal, ruling).await;
            // The money is back, so that the record waits for nothing but its decision.
            let authorisation =
                decided.inspect_err(|_| authoriser.undecided.decline_later(reversal_id))?;
            return Ok(Arrival::Answered {
                authorisation: Box::new(authorisation),
                repeated: false,
            });
        }
    };
    Ok(Arrival::Held(Box::new(Held {
        authorisation: Arc::new(reversal),
        correspondent,
        notice: None,
        tariff: None,
        deadline: started + deadline_of(&circumstances.enterprise),
        receipt,
    })))
}
