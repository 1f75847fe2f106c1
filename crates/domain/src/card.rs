//! A card record and its life cycle: which state may follow which.

use thiserror::Error;

use crate::text::text_enum;
use crate::{
    AccountOwner, CardId, Currency, CustomerId, EnterpriseId, PanId, ProfileId, Timestamp,
};

text_enum! {
    /// The form of a card: numbers only, or plastic too.
    CardType {
        /// Numbers only.
        Virtual = "VIRTUAL",
        /// Embossed and shipped.
        Physical = "PHYSICAL",
    }
}

text_enum! {
    /// The state of a card record (cardbridge-open-api.md section 7.2).
    CardStatus {
        /// Physical only: not yet activated by its holder.
        WaitingActive = "WAITING_ACTIVE",
        /// In use.
        Activated = "ACTIVATED",
        /// Stopped by the enterprise or its user; they may lift it.
        Frozen = "FROZEN",
        /// Stopped by the issuer; only the issuer may lift it.
        Blocked = "BLOCKED",
        /// Ended for good.
        Invalid = "INVALID",
    }
}

text_enum! {
    /// Why a card has its status.
    CardStatusReason {
        /// Nothing special.
        Normal = "NORMAL",
        /// Frozen by the enterprise or its user.
        UserFreeze = "USER_FREEZE",
    }
}

/// A card record. Two records may share one PAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub card_id: CardId,
    /// Profile it was issued under.
    pub profile_id: ProfileId,
    /// Cardholder.
    pub customer_id: CustomerId,
    /// The PAN record.
    pub pan_id: PanId,
    /// Virtual or physical.
    pub card_type: CardType,
    /// State.
    pub status: CardStatus,
    /// Reason of the state.
    pub status_reason: CardStatusReason,
    /// First six digits of the PAN.
    pub pan_first6: String,
    /// Last four digits of the PAN.
    pub pan_last4: String,
    /// Billing currency, taken from the profile.
    pub currency: Currency,
    /// The account that its authorisations draw on.
    pub account: AccountOwner,
    /// First moment at which the card is expired: the end of its expiry month in UTC+8.
    pub valid_until: Timestamp,
    /// The reason that the enterprise gave when it terminated the card.
    pub invalidate_reason: Option<String>,
    /// Created.
    pub created_at: Timestamp,
    /// Last changed.
    pub modified_at: Timestamp,
}

/// An event in the life of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardEvent {
    /// The enterprise freezes it.
    Freeze,
    /// The enterprise lifts its freeze.
    Unfreeze,
    /// The issuer blocks it.
    Block,
    /// The issuer lifts its block.
    Unblock,
    /// The holder activates the physical card.
    Activate,
    /// It is terminated for good.
    Terminate,
}

/// An event that the card's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a {from} card does not take {event:?}")]
pub struct CardTransitionError {
    /// The state it was in.
    pub from: CardStatus,
    /// The event that was refused.
    pub event: CardEvent,
}

impl CardStatus {
    /// The state after `event` (cardbridge-open-api.md section 7.2).
    ///
    /// # Errors
    /// The state does not allow the event.
    pub const fn transition(
        self,
        event: CardEvent,
    ) -> Result<(Self, CardStatusReason), CardTransitionError> {
        use CardStatus::{Activated, Blocked, Frozen, Invalid, WaitingActive};
        match (self, event) {
            (Activated, CardEvent::Freeze) => Ok((Frozen, CardStatusReason::UserFreeze)),
            (Frozen, CardEvent::Unfreeze)
            | (Blocked, CardEvent::Unblock)
            | (WaitingActive, CardEvent::Activate) => Ok((Activated, CardStatusReason::Normal)),
            (Activated | Frozen, CardEvent::Block) => Ok((Blocked, CardStatusReason::Normal)),
            (Activated | Frozen | Blocked | WaitingActive, CardEvent::Terminate) => {
                Ok((Invalid, CardStatusReason::Normal))
            }
            (from, event) => Err(CardTransitionError { from, event }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [CardEvent; 6] = [
        CardEvent::Freeze,
        CardEvent::Unfreeze,
        CardEvent::Block,
        CardEvent::Unblock,
        CardEvent::Activate,
        CardEvent::Terminate,
    ];

    #[test]
    fn exactly_the_published_transitions_are_allowed() {
        let mut allowed = Vec::new();
        for from in CardStatus::ALL {
            for event in EVENTS {
                if let Ok((to, _)) = from.transition(event) {
                    allowed.push(format!("{from} {event:?} {to}"));
                }
            }
        }
        assert_eq!(
            allowed,
            [
                "WAITING_ACTIVE Activate ACTIVATED",
                "WAITING_ACTIVE Terminate INVALID",
                "ACTIVATED Freeze FROZEN",
                "ACTIVATED Block BLOCKED",
                "ACTIVATED Terminate INVALID",
                "FROZEN Unfreeze ACTIVATED",
                "FROZEN Block BLOCKED",
                "FROZEN Terminate INVALID",
                "BLOCKED Unblock ACTIVATED",
                "BLOCKED Terminate INVALID",
            ]
        );
    }
}
