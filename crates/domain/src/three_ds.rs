//! The 3DS challenge (cardbridge-open-api.md sections 6.4 and 7.4). Pure.

use thiserror::Error;

use crate::text::text_enum;
use crate::{CardId, ChallengeId, EnterpriseId, Merchant, Money, Timestamp};

text_enum! {
    /// The state of a challenge.
    ChallengeStatus {
        /// Made; its webhook is the request to the enterprise.
        Init = "INIT",
        /// The enterprise acknowledged that webhook.
        Noticed = "NOTICED",
        /// The enterprise gave its verdict.
        Received = "RECEIVED",
        /// The purchase is the cardholder's.
        Approved = "APPROVED",
        /// It is not, or no verdict came in time.
        Rejected = "REJECTED",
    }
}

text_enum! {
    /// The enterprise's verdict (cardbridge-open-api.md section 13, C16).
    ChallengeVerdict {
        /// The cardholder confirmed the purchase.
        Approve = "APPROVE",
        /// The cardholder did not.
        Reject = "REJECT",
    }
}

impl ChallengeVerdict {
    /// The state that a verdict leads to.
    #[must_use]
    pub const fn status(self) -> ChallengeStatus {
        match self {
            Self::Approve => ChallengeStatus::Approved,
            Self::Reject => ChallengeStatus::Rejected,
        }
    }
}

/// An event in the life of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeEvent {
    /// Its first webhook was acknowledged.
    Acknowledged,
    /// The enterprise gave its verdict.
    Verdict(ChallengeVerdict),
    /// Its validity ended, in business time.
    Expired,
}

/// The effect of an event: the states passed through, in order. Empty if the challenge stays as it
/// is.
pub type ChallengeSteps = &'static [ChallengeStatus];

/// A verdict that is not accepted: the challenge already ended differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the challenge is over")]
pub struct ChallengeOverError;

/// A challenge: the merchant asks whether a purchase is the cardholder's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreeDsChallenge {
    /// Owner of the card.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub challenge_id: ChallengeId,
    /// The card.
    pub card_id: CardId,
    /// Its state.
    pub status: ChallengeStatus,
    /// The merchant's amount and currency, unconverted.
    pub amount: Money,
    /// The shop where the cardholder is buying.
    pub merchant: Merchant,
    /// From when no verdict is accepted (business time).
    pub expires_at: Timestamp,
    /// Created.
    pub created_at: Timestamp,
    /// Last changed.
    pub modified_at: Timestamp,
}

impl ThreeDsChallenge {
    /// Time for which a challenge waits for a verdict, seconds (cardbridge-open-api.md section 14,
    /// U29).
    pub const VALIDITY_S: i64 = 5 * 60;

    /// The states that an event leads through at `now`. A repeated verdict is accepted and changes
    /// nothing; an acknowledgement never overwrites a later state.
    ///
    /// # Errors
    /// [`ChallengeOverError`] for a verdict that arrives too late or contradicts the first.
    pub fn transition(
        &self,
        event: ChallengeEvent,
        now: Timestamp,
    ) -> Result<ChallengeSteps, ChallengeOverError> {
        use ChallengeStatus::{Approved, Init, Noticed, Received, Rejected};
        let is_open = matches!(self.status, Init | Noticed);
        let is_in_time = now < self.expires_at;
        match event {
            ChallengeEvent::Acknowledged if self.status == Init => Ok(&[Noticed]),
            ChallengeEvent::Acknowledged => Ok(&[]),
            ChallengeEvent::Expired if is_open && !is_in_time => Ok(&[Rejected]),
            ChallengeEvent::Expired => Ok(&[]),
            ChallengeEvent::Verdict(verdict) if is_open && is_in_time => Ok(match verdict {
                ChallengeVerdict::Approve => &[Received, Approved],
                ChallengeVerdict::Reject => &[Received, Rejected],
            }),
            // An expired challenge was rejected without a verdict, so no later verdict counts as a
            // repeat of one.
            ChallengeEvent::Verdict(verdict)
                if self.status == verdict.status() && self.modified_at < self.expires_at =>
            {
                Ok(&[])
            }
            ChallengeEvent::Verdict(_) => Err(ChallengeOverError),
        }
    }
}

#[cfg(test)]
mod tests {
    use ChallengeStatus::{Approved, Init, Noticed, Received, Rejected};

    use super::*;
    use crate::Currency;

    const END: Timestamp = Timestamp::from_micros(300);

    fn challenge(status: ChallengeStatus) -> ThreeDsChallenge {
        ThreeDsChallenge {
            enterprise_id: EnterpriseId::from_i64(1),
            challenge_id: ChallengeId::from_i64(2),
            card_id: CardId::from_i64(3),
            status,
            amount: Money::new(2550, Currency::SGD),
            merchant: Merchant::default(),
            expires_at: END,
            created_at: Timestamp::from_micros(0),
            modified_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn an_open_challenge_takes_one_verdict_in_time() {
        let in_time = Timestamp::from_micros(299);
        for status in [Init, Noticed] {
            let give =
                |verdict, now| challenge(status).transition(ChallengeEvent::Verdict(verdict), now);
            assert_eq!(give(ChallengeVerdict::Approve, in_time), Ok(&[Received, Approved][..]));
            assert_eq!(give(ChallengeVerdict::Reject, in_time), Ok(&[Received, Rejected][..]));
            assert_eq!(give(ChallengeVerdict::Approve, END), Err(ChallengeOverError));
            assert_eq!(give(ChallengeVerdict::Reject, END), Err(ChallengeOverError));
        }
    }

    #[test]
    fn the_same_verdict_again_changes_nothing_and_the_other_is_refused() {
        for now in [Timestamp::from_micros(1), END] {
            for (status, same, other) in [
                (Approved, ChallengeVerdict::Approve, ChallengeVerdict::Reject),
                (Rejected, ChallengeVerdict::Reject, ChallengeVerdict::Approve),
            ] {
                let give =
                    |verdict| challenge(status).transition(ChallengeEvent::Verdict(verdict), now);
                assert_eq!(give(same), Ok(&[][..]));
                assert_eq!(give(other), Err(ChallengeOverError));
            }
        }
    }

    #[test]
    fn no_verdict_is_taken_of_what_expired() {
        let expired = ThreeDsChallenge { modified_at: END, ..challenge(Rejected) };
        for verdict in [ChallengeVerdict::Approve, ChallengeVerdict::Reject] {
            let given = expired.transition(ChallengeEvent::Verdict(verdict), END);
            assert_eq!(given, Err(ChallengeOverError));
        }
    }

    #[test]
    fn an_acknowledgement_never_overwrites_a_later_state() {
        let acknowledged = |status| {
            challenge(status).transition(ChallengeEvent::Acknowledged, Timestamp::from_micros(1))
        };
        assert_eq!(acknowledged(Init), Ok(&[Noticed][..]));
        for status in [Noticed, Received, Approved, Rejected] {
            assert_eq!(acknowledged(status), Ok(&[][..]), "{status}");
        }
    }

    #[test]
    fn only_an_open_challenge_expires_and_not_before_its_end() {
        let expired = |status, now| challenge(status).transition(ChallengeEvent::Expired, now);
        for status in [Init, Noticed] {
            assert_eq!(expired(status, END), Ok(&[Rejected][..]));
            assert_eq!(expired(status, Timestamp::from_micros(299)), Ok(&[][..]));
        }
        for status in [Approved, Rejected] {
            assert_eq!(expired(status, END), Ok(&[][..]));
        }
    }
}
