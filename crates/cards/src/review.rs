//! The decisions of reviewers of KYC and intent tickets, and how the store refuses them.

use store::{IntentChangeError, KycChangeError, PlaceTicketError};

use crate::CardsError;

/// A reviewer's decision about a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Granted.
    Pass,
    /// Refused.
    Fail {
        /// A sentence for the enterprise.
        reason: Option<String>,
    },
}

impl From<PlaceTicketError> for CardsError {
    fn from(error: PlaceTicketError) -> Self {
        match error {
            PlaceTicketError::RefTaken => Self::TicketRefTaken,
            PlaceTicketError::Ongoing => Self::TicketOngoing,
            PlaceTicketError::Store(error) => Self::Store(error),
        }
    }
}

impl From<KycChangeError> for CardsError {
    fn from(error: KycChangeError) -> Self {
        match error {
            KycChangeError::NotFound => Self::KycTicketNotFound,
            KycChangeError::Transition(refusal) => Self::KycTransition(refusal),
            KycChangeError::Store(error) => Self::Store(error),
        }
    }
}

impl From<IntentChangeError> for CardsError {
    fn from(error: IntentChangeError) -> Self {
        match error {
            IntentChangeError::NotFound => Self::IntentTicketNotFound,
            IntentChangeError::Transition(refusal) => Self::IntentTransition(refusal),
            IntentChangeError::Store(error) => Self::Store(error),
        }
    }
}
