//! Purchases, played.

use authorise::{AdviceAnswer, AuthorisationAnswer};
use axum::Json;
use domain::AuthorisationStatus;

use super::purchase;
use crate::answer_body::answer_body;
use crate::begun::answer_of;
use crate::call::{Answer, Call};

answer_body! {
    /// How long it took, milliseconds.
    pub(crate) struct LatencyBody of answer: &AuthorisationAnswer {
        /// From arrival to decision.
        total: u64 = answer.total_ms,
        /// What the enterprise took of it; null if it did not answer in time or was not asked.
        enterprise: Option<u64> = answer.enterprise_ms,
    }
}

answer_body! {
    /// What an advice led to.
    pub(crate) struct AdviceBody of taken: &AdviceAnswer {
        /// True if the same advice was taken before.
        repeated: bool = taken.repeated,
        /// The record of what it gave back.
        reversal_auth_id: Option<String> = taken.reversal_id.map(|id| id.to_string()),
    }
}

answer_body! {
    /// The answer to the network. To an advice it is the authorisation that the advice made or is
    /// about, as its commit left it: the enterprise is told afterwards, and its answer changes
    /// nothing but `detail`.
    pub(crate) struct AnswerBody of
        answer: &AuthorisationAnswer, taken: Option<&AdviceAnswer>
    {
        auth_id: String = answer.authorisation.auth_id.to_string(),
        approved: bool = answer.authorisation.status == AuthorisationStatus::Approved,
        /// `00`, `01`, `11` or `21`.
        response_code: Option<String> =
            answer.authorisation.response_code.map(|code| code.to_string()),
        /// `DAPI_AUTH_*` of a decline.
        reason: Option<String> = answer.authorisation.reject_reason.map(|code| code.to_string()),
        /// What exactly led to the decision.
        detail: Option<String> = answer.authorisation.detail(),
        auth_code: Option<String> = answer.authorisation.auth_code.clone(),
        /// The bill it belongs to.
        outs_id: String = answer.authorisation.outs_id.to_string(),
        /// What it increments, completes or refunds.
        original_auth_id: Option<String> =
            answer.authorisation.original_auth_id.map(|id| id.to_string()),
        latency_ms: LatencyBody = LatencyBody::of(answer),
        /// Only in the answer to an advice.
        #[serde(skip_serializing_if = "Option::is_none")]
        advice: Option<AdviceBody> = taken.map(AdviceBody::of),
    }
}

/// `POST /sandbox/v1/authorisations`.
pub(crate) async fn create(call: Call) -> Answer<AnswerBody> {
    let network = &call.state.network;
    let (purchase, decision) = purchase::read(&call.state, &call.fields()?).await?;
    let Some(decision) = decision else {
        let answer = answer_of(&call, network.purchase(purchase)).await?;
        return Ok(Json(AnswerBody::of(&answer, None)));
    };
    let mut taken = AdviceAnswer { auth_id: None, reversal_id: None, repeated: true };
    let advice = async {
        let (answer, it) = network.advise(purchase, decision).await?;
        taken = it;
        Ok(answer)
    };
    let answer = answer_of(&call, advice).await?;
    Ok(Json(AnswerBody::of(&answer, Some(&taken))))
}
