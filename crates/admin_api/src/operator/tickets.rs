//! Tickets in the reviewer's hands: an operator's call in production, and the same under
//! the sandbox's own paths (operator-and-sandbox.md section 4).

use cards::Verdict;
use domain::{IntentTicket, KycTicket};

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::TICKET_VERDICT;
use wire::field;

answer_body! {
    /// A KYC ticket, without the customer's data.
    pub(crate) struct KycTicketBody of ticket: &KycTicket {
        kyc_ticket_id: String = ticket.kyc_ticket_id.to_string(),
        kyc_ticket_ref: String = ticket.kyc_ticket_ref.clone(),
        enterprise_id: String = ticket.enterprise_id.to_string(),
        customer_id: String = ticket.customer_id.to_string(),
        /// `API` or `H5`.
        #[serde(rename = "type")]
        ticket_type: String = ticket.ticket_type.to_string(),
        /// `INIT`, `PENDING`, `PASS` or `REFUSE`.
        status: String = ticket.status.to_string(),
        error_code: Option<String> = ticket.refusal.as_ref().map(|it| it.error_code.to_string()),
        error_reason: Option<String> = ticket.refusal.as_ref().map(|it| it.error_reason.clone()),
        /// When the customer's face was matched, RFC 3339.
        face_matched_at: Option<String> = ticket.face_matched_at.map(|it| it.to_string()),
        created_at: String = ticket.created_at.to_string(),
        modified_at: String = ticket.modified_at.to_string(),
    }
}

answer_body! {
    /// An intent ticket, without its evidence.
    pub(crate) struct IntentTicketBody of ticket: &IntentTicket {
        ticket_id: String = ticket.ticket_id.to_string(),
        ticket_ref: String = ticket.ticket_ref.clone(),
        enterprise_id: String = ticket.enterprise_id.to_string(),
        /// `CREATE_CARD_EDD` or `INCREASE_LIMIT_EDD`.
        ticket_type: String = ticket.subject.ticket_type().to_string(),
        /// The order or card that it is about.
        business_id: String = ticket.subject.business_id().to_string(),
        /// `INIT`, `SUBMIT_COMPETED`, `CHECK_PASS`, `SUCCEED` or `FAILED`.
        ticket_status: String = ticket.status.to_string(),
        reason: Option<String> = ticket.reason.clone(),
        created_at: String = ticket.created_at.to_string(),
        modified_at: String = ticket.modified_at.to_string(),
    }
}

/// Reads a reviewer's decision.
fn verdict(fields: &Fields<'_>) -> Result<Verdict, Problem> {
    let reason = fields.text(field!(TICKET_VERDICT, "reason"))?;
    match fields.required_text(field!(TICKET_VERDICT, "outcome"))?.as_str() {
        "pass" => Ok(Verdict::Pass),
        "fail" => Ok(Verdict::Fail { reason }),
        _ => Err(fields.wrong(field!(TICKET_VERDICT, "outcome"), "must be pass or fail")),
    }
}

/// `POST /admin/v1/kyc-tickets/{id}/decide`.
pub(crate) async fn decide_kyc(call: Call) -> Answer<KycTicketBody> {
    let decided = call.state.cards.decide_kyc_ticket(call.name()?, verdict(&call.fields()?)?);
    call.once.answer(KycTicketBody::of, decided).await
}

/// `POST /admin/v1/intent-tickets/{id}/decide`.
pub(crate) async fn decide_intent(call: Call) -> Answer<IntentTicketBody> {
    let decided = call.state.cards.decide_intent_ticket(call.name()?, verdict(&call.fields()?)?);
    call.once.answer(IntentTicketBody::of, decided).await
}
