//! The columns of an intent ticket.

use domain::{EnterpriseId, IntentSubject, IntentTicket, IntentTicketId};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of an intent ticket, without its sealed evidence.
pub(crate) const INTENT_TICKET_COLUMNS: &str = "enterprise_id, ticket_id, ticket_ref, \
    ticket_type, business_id, status, reason, created_at, modified_at";

/// Reads an intent ticket from [`INTENT_TICKET_COLUMNS`].
pub(crate) fn intent_ticket_from(row: &Row) -> Result<IntentTicket, StoreError> {
    let mut f = Fields::of(row);
    Ok(IntentTicket {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        ticket_id: f.id(IntentTicketId::from_i64)?,
        ticket_ref: f.text()?,
        subject: IntentSubject::of(f.parsed("intent_ticket.ticket_type")?, f.int()?),
        status: f.parsed("intent_ticket.status")?,
        reason: f.opt_text()?,
        created_at: f.time()?,
        modified_at: f.time()?,
    })
}

/// The values of an intent ticket for [`INTENT_TICKET_COLUMNS`].
pub(crate) fn intent_ticket_values(ticket: &IntentTicket) -> Vec<Value> {
    vec![
        ticket.enterprise_id.into(),
        ticket.ticket_id.into(),
        (&ticket.ticket_ref).into(),
        ticket.subject.ticket_type().as_str().into(),
        ticket.subject.business_id().into(),
        ticket.status.as_str().into(),
        ticket.reason.as_ref().into(),
        ticket.created_at.into(),
        ticket.modified_at.into(),
    ]
}
