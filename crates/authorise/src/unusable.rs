//! An unusable answer, which counts as no answer: its line in the log, and the sandbox's diagnosis.

use domain::Authorisation;

use crate::authoriser_parts::AuthoriserParts;
use crate::forward::{AuthEndpoint, Exchange};

/// Logs why an exchange brought no usable answer. It runs after the answer was judged and does not
/// change the verdict.
pub(crate) async fn tell(
    parts: &AuthoriserParts,
    exchange: &mut Exchange,
    endpoint: &AuthEndpoint,
    authorisation: &Authorisation,
) {
    if parts.diagnoses_answers {
        exchange.diagnose(&parts.pool, endpoint).await;
    }
    let Err(fault) = &exchange.verdict else { return };
    tracing::warn!(
        auth_id = %authorisation.auth_id,
        enterprise_id = %authorisation.enterprise_id,
        fault = %fault.cause(),
        explanation = fault.explanation(),
        hint = exchange.hint.as_deref(),
        "the enterprise gave no usable answer"
    );
}
