//! What was left without a decision is declined: after a crash
//! (operator-and-sandbox.md section 5), or when the store works again.

use std::borrow::Cow;
use std::time::Duration;

use domain::{AuthId, Timestamp};
use serde_json::Value;
use store::{AuthorisationView, Store};

use crate::decision::Decision;
use crate::fault::Fault;
use crate::notice::{Teller, notice_of};
use crate::request::AuthoriseError;
use crate::settle::{self, Ruling};

/// Authorisations read at a time.
const BATCH: u32 = 200;
/// The cause in the receipt after a crash.
const CRASH: &str = "crash";
/// The cause in the receipt where the store did not take the decision in time.
const NOT_WRITTEN: &str = "decision_not_written";
/// Pause before each try to decline what the store did not take.
const LATER_PAUSE: Duration = Duration::from_secs(2);
/// Most of these tries, an hour of them; a restart declines the rest.
const MAX_LATER_TRIES: u32 = 1_800;

/// Later than every arrival, also if the machine's clock was set back since.
const END_OF_TIME: Timestamp = Timestamp::from_micros(i64::MAX);

/// Declines every authorisation that this process left without a decision; a reversal,
/// whose money has moved, stands.
pub(crate) async fn recover(
    store: &Store,
    teller: Option<&Teller>,
) -> Result<usize, AuthoriseError> {
    let mut recovered = 0;
    loop {
        let undecided = store.undecided_authorisations(END_OF_TIME, BATCH).await?;
        if undecided.is_empty() {
            return Ok(recovered);
        }
        recovered += undecided.len();
        // Each is decided or ends the loop with an error, so the loop comes to an end.
        for authorisation in &undecided {
            decline(store, teller, authorisation.auth_id, CRASH).await?;
            tracing::warn!(auth_id = %authorisation.auth_id, "decided after a crash");
        }
    }
}

/// Declines an authorisation whose hold or decision could not be written for certain, as
/// soon as the store takes it, if it is there at all: its caller went without an answer,
/// and its hold must not wait for a restart.
pub(crate) async fn decline_later(store: &Store, teller: Option<&Teller>, auth_id: AuthId) {
    for _ in 0..MAX_LATER_TRIES {
        tokio::time::sleep(LATER_PAUSE).await;
        match decline(store, teller, auth_id, NOT_WRITTEN).await {
            Ok(()) => return tracing::warn!(%auth_id, "decided once the store worked again"),
            Err(AuthoriseError::Missing(_)) => return,
            Err(error) => tracing::error!(%auth_id, %error, "still undecided"),
        }
    }
}

async fn decline(
    store: &Store,
    teller: Option<&Teller>,
    auth_id: AuthId,
    cause: &'static str,
) -> Result<(), AuthoriseError> {
    let view = store.authorisation(auth_id).await?;
    let view = view.ok_or(AuthoriseError::Missing("authorisation"))?;
    let fault = Fault::from(Cow::Borrowed(cause));
    let decision = Decision::of(&view.authorisation, Err(fault));
    let receipt = corrected_receipt(&view, &decision);
    let notice = notice_of(store, teller, &view.authorisation).await?;
    let ruling = Ruling { notice, ..Ruling::without_code(decision, receipt) };
    settle::decide(store, &view.authorisation, ruling).await?;
    Ok(())
}

/// The receipt written at the hold foresaw a refusal by the deposit. The hold was taken,
/// so that line is corrected and the outcome replaced.
fn corrected_receipt(view: &AuthorisationView, decision: &Decision) -> String {
    let mut receipt: Value = serde_json::from_str(&view.receipt).unwrap_or_default();
    let last = receipt.pointer_mut("/checks").and_then(Value::as_array_mut);
    if let Some(deposit) = last.and_then(|checks| checks.last_mut()) {
        deposit["passed"] = Value::Bool(true);
        deposit["detail"] = Value::Null;
    }
    if receipt.is_object() || receipt.is_null() {
        receipt["outcome"] = serde_json::json!({
            "approved": decision.is_approval(),
            "responseCode": decision.response_code,
            "rejectReason": decision.reject_reason,
            "detail": decision.detail,
        });
    }
    receipt.to_string()
}
