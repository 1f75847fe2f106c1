//! Tickets in the reviewer's hands: an operator's call in production, and the same under
//! the sandbox's own paths (operator-and-sandbox.md section 4).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use cards::Verdict;
use domain::{IntentTicket, KycTicket};
use listener::once::Once;
use serde::Serialize;
use utoipa::ToSchema;

use super::PathText;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::TICKET_VERDICT;
use crate::state::ApiState;
use wire::field;

/// A KYC ticket, without the customer's data.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KycTicketBody {
    kyc_ticket_id: String,
    kyc_ticket_ref: String,
    enterprise_id: String,
    customer_id: String,
    /// `API` or `H5`.
    #[serde(rename = "type")]
    ticket_type: String,
    /// `INIT`, `PENDING`, `PASS` or `REFUSE`.
    status: String,
    error_code: Option<String>,
    error_reason: Option<String>,
    /// When the customer's face was matched, RFC 3339.
    face_matched_at: Option<String>,
    created_at: String,
    modified_at: String,
}

impl From<&KycTicket> for KycTicketBody {
    fn from(ticket: &KycTicket) -> Self {
        let refusal = ticket.refusal.as_ref();
        Self {
            kyc_ticket_id: ticket.kyc_ticket_id.to_string(),
            kyc_ticket_ref: ticket.kyc_ticket_ref.clone(),
            enterprise_id: ticket.enterprise_id.to_string(),
            customer_id: ticket.customer_id.to_string(),
            ticket_type: ticket.ticket_type.to_string(),
            status: ticket.status.to_string(),
            error_code: refusal.map(|it| it.error_code.to_string()),
            error_reason: refusal.map(|it| it.error_reason.clone()),
            face_matched_at: ticket.face_matched_at.map(|it| it.to_string()),
            created_at: ticket.created_at.to_string(),
            modified_at: ticket.modified_at.to_string(),
        }
    }
}

/// An intent ticket, without its evidence.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IntentTicketBody {
    ticket_id: String,
    ticket_ref: String,
    enterprise_id: String,
    /// `CREATE_CARD_EDD` or `INCREASE_LIMIT_EDD`.
    ticket_type: String,
    /// The order or card that it is about.
    business_id: String,
    /// `INIT`, `SUBMIT_COMPETED`, `CHECK_PASS`, `SUCCEED` or `FAILED`.
    ticket_status: String,
    reason: Option<String>,
    created_at: String,
    modified_at: String,
}

impl From<&IntentTicket> for IntentTicketBody {
    fn from(ticket: &IntentTicket) -> Self {
        Self {
            ticket_id: ticket.ticket_id.to_string(),
            ticket_ref: ticket.ticket_ref.clone(),
            enterprise_id: ticket.enterprise_id.to_string(),
            ticket_type: ticket.subject.ticket_type().to_string(),
            business_id: ticket.subject.business_id().to_string(),
            ticket_status: ticket.status.to_string(),
            reason: ticket.reason.clone(),
            created_at: ticket.created_at.to_string(),
            modified_at: ticket.modified_at.to_string(),
        }
    }
}

/// Reads a reviewer's decision.
fn verdict(body: &[u8]) -> Result<Verdict, Problem> {
    let fields = Fields::parse_as(&TICKET_VERDICT, body)?;
    let reason = fields.text(field!(TICKET_VERDICT, "reason"))?;
    match fields.required_text(field!(TICKET_VERDICT, "outcome"))?.as_str() {
        "pass" => Ok(Verdict::Pass),
        "fail" => Ok(Verdict::Fail { reason }),
        _ => Err(fields.wrong(field!(TICKET_VERDICT, "outcome"), "must be pass or fail")),
    }
}

/// Decides a KYC ticket; orders that wait for it go on or fail.
#[utoipa::path(post, path = "/admin/v1/kyc-tickets/{id}/decide",
    operation_id = "decide_kyc_ticket_as_operator", tag = "tickets", params(("id" = String, Path)),
    request_body = ref("TicketVerdict"), responses((status = 200, body = KycTicketBody)))]
pub(crate) async fn decide_kyc(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<KycTicketBody>, Problem> {
    let decided = state.cards.decide_kyc_ticket(&id.0, verdict(&body)?);
    once.answer(|ticket: &KycTicket| KycTicketBody::from(ticket), decided).await
}

/// Decides an intent ticket; an order that waits for its evidence goes on or fails.
#[utoipa::path(post, path = "/admin/v1/intent-tickets/{id}/decide",
    operation_id = "decide_intent_ticket_as_operator", tag = "tickets",
    params(("id" = String, Path)), request_body = ref("TicketVerdict"),
    responses((status = 200, body = IntentTicketBody)))]
pub(crate) async fn decide_intent(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<IntentTicketBody>, Problem> {
    let decided = state.cards.decide_intent_ticket(&id.0, verdict(&body)?);
    once.answer(|ticket: &IntentTicket| IntentTicketBody::from(ticket), decided).await
}
