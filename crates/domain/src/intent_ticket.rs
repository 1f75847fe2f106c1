//! An intent ticket: evidence that an enhanced due diligence (EDD) asks for.

use thiserror::Error;

use crate::text::text_enum;
use crate::{CardId, EnterpriseId, IntentTicketId, OrderId, Timestamp};

text_enum! {
    /// The purpose of the evidence (cardbridge-open-api.md section 6.5.2).
    IntentTicketType {
        /// A card order that waits for it; about the source of wealth.
        CreateCardEdd = "CREATE_CARD_EDD",
        /// Higher limits of a card; about the source of funds.
        IncreaseLimitEdd = "INCREASE_LIMIT_EDD",
    }
}

text_enum! {
    /// The state of the review (cardbridge-open-api.md section 7.3).
    IntentTicketStatus {
        /// Taken in.
        Init = "INIT",
        /// The evidence is complete. Spelt as published.
        SubmitCompeted = "SUBMIT_COMPETED",
        /// The reviewer is content.
        CheckPass = "CHECK_PASS",
        /// What it was for is granted. Final.
        Succeed = "SUCCEED",
        /// Refused. Final.
        Failed = "FAILED",
    }
}

impl IntentTicketStatus {
    /// True if no other state follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeed | Self::Failed)
    }

    /// The states that an event leads through, in order.
    ///
    /// # Errors
    /// The state does not allow it.
    pub fn path(self, event: IntentEvent) -> Result<&'static [Self], IntentTransitionError> {
        /// The path of a successful ticket.
        const STATES: [IntentTicketStatus; 4] = [
            IntentTicketStatus::Init,
            IntentTicketStatus::SubmitCompeted,
            IntentTicketStatus::CheckPass,
            IntentTicketStatus::Succeed,
        ];
        let done = STATES.iter().position(|status| *status == self).unwrap_or(STATES.len());
        match event {
            _ if self.is_final() => Err(IntentTransitionError { from: self }),
            IntentEvent::Fail => Ok(&[Self::Failed]),
            IntentEvent::Pass => Ok(&STATES[done + 1..]),
            IntentEvent::Complete if self == Self::Init => Ok(&STATES[1..2]),
            IntentEvent::Complete => Err(IntentTransitionError { from: self }),
        }
    }
}

/// An event in the life of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentEvent {
    /// The evidence was found complete.
    Complete,
    /// The reviewer grants it.
    Pass,
    /// The reviewer refuses it.
    Fail,
}

/// The ticket's state does not allow the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an intent ticket that is {from} does not allow this")]
pub struct IntentTransitionError {
    /// The state it is in.
    pub from: IntentTicketStatus,
}

/// The subject of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentSubject {
    /// A card order, of a CREATE_CARD_EDD ticket.
    Order(OrderId),
    /// A card, of an INCREASE_LIMIT_EDD ticket.
    Card(CardId),
}

impl IntentSubject {
    /// The purpose of the evidence.
    #[must_use]
    pub const fn ticket_type(self) -> IntentTicketType {
        match self {
            Self::Order(_) => IntentTicketType::CreateCardEdd,
            Self::Card(_) => IntentTicketType::IncreaseLimitEdd,
        }
    }

    /// The id of the order or card.
    #[must_use]
    pub const fn business_id(self) -> i64 {
        match self {
            Self::Order(id) => id.as_i64(),
            Self::Card(id) => id.as_i64(),
        }
    }

    /// The subject of a ticket of this type with this business id.
    #[must_use]
    pub const fn of(ticket_type: IntentTicketType, business_id: i64) -> Self {
        match ticket_type {
            IntentTicketType::CreateCardEdd => Self::Order(OrderId::from_i64(business_id)),
            IntentTicketType::IncreaseLimitEdd => Self::Card(CardId::from_i64(business_id)),
        }
    }
}

/// An intent ticket. Its evidence is stored separately, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentTicket {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub ticket_id: IntentTicketId,
    /// The caller's own reference, unique per enterprise.
    pub ticket_ref: String,
    /// Its subject.
    pub subject: IntentSubject,
    /// State of its review.
    pub status: IntentTicketStatus,
    /// The reviewer's reason, for operators.
    pub reason: Option<String>,
    /// Created.
    pub created_at: Timestamp,
    /// Last changed.
    pub modified_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_allows_its_own_events() {
        let outcomes = |status: IntentTicketStatus| {
            let events = [IntentEvent::Complete, IntentEvent::Pass, IntentEvent::Fail];
            events.map(|event| {
                let path = status.path(event).unwrap_or_default();
                path.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ")
            })
        };
        let all = "SUBMIT_COMPETED CHECK_PASS SUCCEED";
        assert_eq!(outcomes(IntentTicketStatus::Init), ["SUBMIT_COMPETED", all, "FAILED"]);
        assert_eq!(
            outcomes(IntentTicketStatus::SubmitCompeted),
            ["", "CHECK_PASS SUCCEED", "FAILED"]
        );
        assert_eq!(outcomes(IntentTicketStatus::CheckPass), ["", "SUCCEED", "FAILED"]);
        assert_eq!(outcomes(IntentTicketStatus::Succeed), ["", "", ""]);
        assert_eq!(outcomes(IntentTicketStatus::Failed), ["", "", ""]);
    }
}
