//! After a crash: what was under way is declined (operator-and-sandbox.md section 5).

use std::borrow::Cow;

use domain::{Authorisation, Timestamp};
use serde_json::Value;
use store::{AuthorisationView, Store};

use crate::decision::Decision;
use crate::request::AuthoriseError;
use crate::settle;

/// Authorisations read at a time.
const BATCH: u32 = 200;
/// The cause in the receipt.
const CRASH: &str = "crash";

/// Later than every arrival, also if the machine's clock was set back since.
const END_OF_TIME: Timestamp = Timestamp::from_micros(i64::MAX);

/// Declines every authorisation that this process left without a decision.
pub(crate) async fn recover(store: &Store) -> Result<usize, AuthoriseError> {
    let mut recovered = 0;
    loop {
        let undecided = store.undecided_authorisations(END_OF_TIME, BATCH).await?;
        if undecided.is_empty() {
            return Ok(recovered);
        }
        recovered += undecided.len();
        // Each is decided or ends the loop with an error, so the loop comes to an end.
        for authorisation in &undecided {
            decline(store, authorisation).await?;
        }
    }
}

async fn decline(store: &Store, authorisation: &Authorisation) -> Result<(), AuthoriseError> {
    let auth_id = authorisation.auth_id;
    let view = store.authorisation(auth_id).await?;
    let view = view.ok_or(AuthoriseError::Missing("authorisation"))?;
    let decision = Decision::no_response(Cow::Borrowed(CRASH));
    let receipt = crash_receipt(&view, &decision);
    settle::decide(store, authorisation, &decision, None, receipt).await?;
    tracing::warn!(%auth_id, "declined after a crash");
    Ok(())
}

/// The receipt written at the hold foresaw a refusal by the deposit. The hold was taken,
/// so that line is corrected and the outcome replaced.
fn crash_receipt(view: &AuthorisationView, decision: &Decision) -> String {
    let mut receipt: Value = serde_json::from_str(&view.receipt).unwrap_or_default();
    let last = receipt.pointer_mut("/checks").and_then(Value::as_array_mut);
    if let Some(deposit) = last.and_then(|checks| checks.last_mut()) {
        deposit["passed"] = Value::Bool(true);
        deposit["detail"] = Value::Null;
    }
    if receipt.is_object() || receipt.is_null() {
        receipt["outcome"] = serde_json::json!({
            "approved": false,
            "responseCode": decision.response_code,
            "rejectReason": decision.reject_reason,
            "detail": decision.detail,
        });
    }
    receipt.to_string()
}
