//! The columns of a KYC ticket.

use domain::{CustomerId, EnterpriseId, KycRefusal, KycTicket, KycTicketId};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a KYC ticket, without its sealed form.
pub(crate) const KYC_TICKET_COLUMNS: &str = "enterprise_id, kyc_ticket_id, kyc_ticket_ref, \
    customer_id, ticket_type, status, error_code, error_reason, face_matched_at, created_at, \
    modified_at";

/// Reads a KYC ticket from [`KYC_TICKET_COLUMNS`].
pub(crate) fn kyc_ticket_from(row: &Row) -> Result<KycTicket, StoreError> {
    let mut f = Fields::of(row);
    Ok(KycTicket {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        kyc_ticket_id: f.id(KycTicketId::from_i64)?,
        kyc_ticket_ref: f.text()?,
        customer_id: f.id(CustomerId::from_i64)?,
        ticket_type: f.parsed("kyc_ticket.ticket_type")?,
        status: f.parsed("kyc_ticket.status")?,
        refusal: refusal_from(&mut f)?,
        face_matched_at: f.opt_time()?,
        created_at: f.time()?,
        modified_at: f.time()?,
    })
}

/// The values of a KYC ticket for [`KYC_TICKET_COLUMNS`].
pub(crate) fn kyc_ticket_values(ticket: &KycTicket) -> Vec<Value> {
    vec![
        ticket.enterprise_id.into(),
        ticket.kyc_ticket_id.into(),
        (&ticket.kyc_ticket_ref).into(),
        ticket.customer_id.into(),
        ticket.ticket_type.as_str().into(),
        ticket.status.as_str().into(),
        ticket.refusal.as_ref().map(|refusal| refusal.error_code.as_str()).into(),
        ticket.refusal.as_ref().map(|refusal| &refusal.error_reason).into(),
        ticket.face_matched_at.into(),
        ticket.created_at.into(),
        ticket.modified_at.into(),
    ]
}

fn refusal_from(f: &mut Fields<'_>) -> Result<Option<KycRefusal>, StoreError> {
    match (f.opt_parsed("kyc_ticket.error_code")?, f.opt_text()?) {
        (Some(error_code), Some(error_reason)) => Ok(Some(KycRefusal { error_code, error_reason })),
        (None, None) => Ok(None),
        _ => Err(StoreError::Corrupt("kyc_ticket.error_reason")),
    }
}
