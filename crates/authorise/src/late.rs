//! An answer after the deadline: recorded, never applied (cardbridge-open-api.md
//! section 8.1).

use domain::{Authorisation, Cause};
use serde::Serialize;
use store::Store;

use crate::fault::Fault;
use crate::forward::Exchange;
use crate::receipt::whole_ms;

/// The recorded facts of a late answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LateAnswer<'a> {
    /// From the sending of the notice.
    received_ms: u64,
    response_code: Option<&'static str>,
    status: Option<u16>,
    fault: Option<&'a Cause>,
    explanation: Option<&'a str>,
    hint: Option<&'a str>,
}

/// Records a late answer; does nothing if no answer arrived at all.
pub(crate) async fn record(store: &Store, authorisation: &Authorisation, exchange: &Exchange) {
    let Some(elapsed) = exchange.elapsed else { return };
    let late = LateAnswer {
        received_ms: whole_ms(elapsed),
        response_code: exchange.verdict.as_ref().ok().map(|code| code.as_str()),
        status: exchange.status,
        fault: exchange.verdict.as_ref().err().map(Fault::cause),
        explanation: exchange.verdict.as_ref().err().and_then(|fault| fault.explanation()),
        hint: exchange.hint.as_deref(),
    };
    let text = serde_json::to_string(&late).expect("texts and numbers are JSON");
    let auth_id = authorisation.auth_id;
    if let Err(error) = store.record_late_answer(authorisation.enterprise_id, auth_id, text).await {
        tracing::error!(%auth_id, %error, "a late answer is not recorded");
    }
}
