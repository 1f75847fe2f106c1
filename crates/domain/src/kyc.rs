//! A KYC ticket: the identity checks of one customer in NORMAL mode.

use thiserror::Error;

use crate::text::text_enum;
use crate::{CustomerId, EnterpriseId, ErrorCode, KycTicketId, Timestamp};

text_enum! {
    /// The way in which a ticket's data arrives.
    KycTicketType {
        /// With the request.
        Api = "API",
        /// By the customer, on a hosted page.
        H5 = "H5",
    }
}

text_enum! {
    /// The state of the checks (cardbridge-open-api.md section 7.3).
    KycTicketStatus {
        /// Waits for the customer's data.
        Init = "INIT",
        /// Under review.
        Pending = "PENDING",
        /// The customer is who they say. Final.
        Pass = "PASS",
        /// Refused. Final.
        Refuse = "REFUSE",
    }
}

impl KycTicketStatus {
    /// True if no other state follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Pass | Self::Refuse)
    }
}

/// Why a ticket was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KycRefusal {
    /// The dialect's code.
    pub error_code: ErrorCode,
    /// A sentence for the enterprise.
    pub error_reason: String,
}

/// An event in the life of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KycEvent {
    /// The customer's data has arrived.
    Submit,
    /// The reviewer accepts it, or the identity was proved outside the platform.
    Pass,
    /// The reviewer refuses it.
    Refuse(KycRefusal),
    /// The customer's face was compared with the documents and matches.
    FaceMatched,
}

/// The ticket's state does not allow the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a KYC ticket that is {from} does not allow this")]
pub struct KycTransitionError {
    /// The state it is in.
    pub from: KycTicketStatus,
}

/// A KYC ticket. The customer's data is stored separately, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KycTicket {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub kyc_ticket_id: KycTicketId,
    /// The caller's own reference, unique per enterprise.
    pub kyc_ticket_ref: String,
    /// The customer whose identity is checked.
    pub customer_id: CustomerId,
    /// The way in which its data arrives.
    pub ticket_type: KycTicketType,
    /// State of its checks.
    pub status: KycTicketStatus,
    /// Why it was refused, once REFUSE.
    pub refusal: Option<KycRefusal>,
    /// When the customer's face was matched.
    pub face_matched_at: Option<Timestamp>,
    /// Created.
    pub created_at: Timestamp,
    /// Last changed.
    pub modified_at: Timestamp,
}

impl KycTicket {
    /// The ticket after an event.
    ///
    /// # Errors
    /// The state does not allow it; the only event that a final state allows is a late face match
    /// for a ticket that passed.
    pub fn after(&self, event: KycEvent, now: Timestamp) -> Result<Self, KycTransitionError> {
        use KycTicketStatus::{Init, Pass, Pending, Refuse};
        let mut next = Self { modified_at: now, ..self.clone() };
        match (self.status, event) {
            (Init, KycEvent::Submit) => next.status = Pending,
            (Init | Pending, KycEvent::Pass) => next.status = Pass,
            (Init | Pending, KycEvent::Refuse(refusal)) => {
                next.status = Refuse;
                next.refusal = Some(refusal);
            }
            (Pending | Pass, KycEvent::FaceMatched) => next.face_matched_at = Some(now),
            (from, _) => return Err(KycTransitionError { from }),
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(status: KycTicketStatus) -> KycTicket {
        KycTicket {
            enterprise_id: EnterpriseId::from_i64(1),
            kyc_ticket_id: KycTicketId::from_i64(2),
            kyc_ticket_ref: "kyc-1".into(),
            customer_id: CustomerId::from_i64(3),
            ticket_type: KycTicketType::H5,
            status,
            refusal: None,
            face_matched_at: None,
            created_at: Timestamp::from_micros(0),
            modified_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn each_state_allows_its_own_events() {
        let refusal = KycRefusal {
            error_code: ErrorCode::CardOrderKycVerifyFailed,
            error_reason: "no".into(),
        };
        let events =
            [KycEvent::Submit, KycEvent::Pass, KycEvent::Refuse(refusal), KycEvent::FaceMatched];
        let now = Timestamp::from_micros(7);
        let outcomes = |status| {
            let after = |event: &KycEvent| ticket(status).after(event.clone(), now);
            let text = |it: Result<KycTicket, _>| it.map_or("-", |it| it.status.as_str());
            events.iter().map(|event| text(after(event))).collect::<Vec<_>>()
        };
        assert_eq!(outcomes(KycTicketStatus::Init), ["PENDING", "PASS", "REFUSE", "-"]);
        assert_eq!(outcomes(KycTicketStatus::Pending), ["-", "PASS", "REFUSE", "PENDING"]);
        assert_eq!(outcomes(KycTicketStatus::Pass), ["-", "-", "-", "PASS"]);
        assert_eq!(outcomes(KycTicketStatus::Refuse), ["-", "-", "-", "-"]);
    }

    #[test]
    fn a_matching_face_is_noted_with_its_time() {
        let now = Timestamp::from_micros(7);
        let next = ticket(KycTicketStatus::Pending).after(KycEvent::FaceMatched, now).unwrap();
        assert_eq!((next.face_matched_at, next.modified_at), (Some(now), now));
    }
}
