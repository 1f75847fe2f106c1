//! What jobs there are.

use crate::StoreError;
use crate::engine::Value;
use crate::records::{Fields, Stored};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Moves a card order one state on; the subject is the order's id.
    OrderStep,
    /// Cuts the reconciliation files of a day; the subject is the day.
    SettlementFiles,
    /// Ends a 3DS challenge without a verdict; the subject is the challenge's id.
    ChallengeExpiry,
    /// Decides a KYC ticket as the sandbox's reviewer; the subject is the ticket's id.
    KycDecision,
    /// Moves an intent ticket on; the subject is the ticket's id.
    IntentTicketStep,
    /// Cuts the reconciliation files of one enterprise again; the subject is the day.
    SettlementRecut,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::OrderStep,
        Self::SettlementFiles,
        Self::ChallengeExpiry,
        Self::KycDecision,
        Self::IntentTicketStep,
        Self::SettlementRecut,
    ];

    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderStep => "ORDER_STEP",
            Self::SettlementFiles => "SETTLEMENT_FILES",
            Self::ChallengeExpiry => "CHALLENGE_EXPIRY",
            Self::KycDecision => "KYC_DECISION",
            Self::IntentTicketStep => "INTENT_TICKET_STEP",
            Self::SettlementRecut => "SETTLEMENT_RECUT",
        }
    }

    /// Reads the stored text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Stored for JobKind {
    const WIDTH: usize = 1;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Self::parse(fields.text()?).ok_or(fields.corrupt())
    }

    fn write(&self, values: &mut Vec<Value>) {
        values.push(self.as_str().into());
    }
}
