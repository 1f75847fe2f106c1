//! The decision's commit: the hold is kept or released, with the result webhook.

use std::sync::Arc;
use std::time::Duration;

use domain::{Authorisation, Cause};
use store::{
    DecideAuthorisation, DecideOutcome, MoneyError, ReceiptRenderer, Store, StoreError, Webhooks,
};

/// Attempts to commit: until one succeeds the hold stays, and a restart would decline.
const MAX_TRIES: u32 = 5;
/// Pause after the first failed attempt; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// A decision as the store takes it, without authorisation code, stand-in and fees.
pub(crate) fn request(
    store: &Store,
    held: &Authorisation,
    cause: Cause,
    receipt: Arc<dyn ReceiptRenderer>,
    webhooks: Webhooks,
) -> DecideAuthorisation {
    DecideAuthorisation {
        enterprise_id: held.enterprise_id,
        auth_id: held.auth_id,
        cause,
        stand_in: None,
        auth_code: None,
        posts: false,
        receipt,
        webhooks,
        tariff: None,
        now: store.clock().now(),
    }
}

/// Writes the decision of an authorisation whose hold is taken. If somebody else decided
/// it before, that decision stands and is returned.
pub(crate) async fn decide(
    store: &Store,
    request: DecideAuthorisation,
) -> Result<Authorisation, MoneyError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..MAX_TRIES {
        match store.decide_authorisation(request.clone()).await {
            Err(MoneyError::Store(error)) if may_pass(&error) => {
                tracing::warn!(auth_id = %request.auth_id, %error, "decision not written yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            result => return result.map(decided),
        }
    }
    store.decide_authorisation(request).await.map(decided)
}

fn decided(outcome: DecideOutcome) -> Authorisation {
    match outcome {
        DecideOutcome::Decided(it) | DecideOutcome::AlreadyDecided(it) => it,
    }
}

/// True if another attempt may succeed.
pub(crate) const fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Engine(_)
        | StoreError::Away(_)
        | StoreError::Conflict(_)
        | StoreError::InDoubt(_)
        | StoreError::Overloaded => true,
        // The lock was waited for longer than anybody waits for an answer.
        StoreError::Locked(_)
        | StoreError::Duplicate(_)
        | StoreError::KeyTaken
        | StoreError::Denied(_)
        | StoreError::Corrupt(_) => false,
    }
}
