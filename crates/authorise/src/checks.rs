//! The checks made before anybody is asked (cardbridge-open-api.md sections 8.4 and 14, U16 and
//! U18). Pure; every check is made and leaves its line, and the first that fails is the cause.

use domain::{
    Authorisation, Card, CardStatus, Cause, PinVerdict, Timestamp, VelocityExcess, VelocityLimits,
};
use serde::Serialize;
use store::FailedCheck;

use crate::convert::{Conversion, ConversionFault};
use crate::request::{ChipVerdict, Presented, PresentedValue};

/// One line of the decision receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// The name of the check.
    pub(crate) name: &'static str,
    /// True if it passed.
    pub(crate) passed: bool,
    /// Why it did not.
    #[serde(rename = "detail")]
    pub(crate) cause: Option<Cause>,
}

/// The check of the deposit.
const DEPOSIT: &str = "deposit";
/// The check of the daily and monthly limits; the store makes it.
const VELOCITY: &str = "velocity_limits";
/// The check of the limit on a single authorisation; the store makes it for a whole bill.
const SINGLE: &str = "single_limit";
/// The check of what a completion takes over; the store makes it.
const RESERVATION: &str = "reservation";
/// The check of the bill that an increment raises; the store makes it.
const ORIGINAL: &str = "original";
/// The line of a reversal that arrived before its original.
const REVERSAL: &str = "reversal";

/// The enterprise's readiness to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It has an authUrl and a usable public key.
    Ready,
    /// It has set no authUrl.
    NoAuthUrl,
    /// It has set no public key.
    NoPublicKey,
    /// Its public key cannot be used.
    BadPublicKey,
    /// It need not be asked: the platform decides for this card.
    NotAsked,
}

impl Reach {
    /// Why it cannot be asked.
    pub(crate) const fn cause(self) -> Option<Cause> {
        match self {
            Self::Ready | Self::NotAsked => None,
            Self::NoAuthUrl => Some(Cause::NoAuthUrl),
            Self::NoPublicKey => Some(Cause::NoExternalPublicKey),
            Self::BadPublicKey => Some(Cause::BadExternalPublicKey),
        }
    }
}

/// The facts that the checks judge.
pub(crate) struct CheckInput<'a> {
    /// True if the cardholder gets money back; no state of the card and no limit prevents that
    /// (operator-and-sandbox.md section 5).
    pub(crate) is_refund: bool,
    /// The card record used.
    pub(crate) card: &'a Card,
    /// Every record of its PAN, including itself.
    pub(crate) cards_of_pan: &'a [Card],
    /// Its limits.
    pub(crate) limits: VelocityLimits,
    /// The values that the shopper presented.
    pub(crate) presented: Presented,
    /// The amount in the card's currency.
    pub(crate) conversion: &'a Result<Conversion, ConversionFault>,
    /// The enterprise's readiness to be asked.
    pub(crate) reach: Reach,
    /// Business time.
    pub(crate) now: Timestamp,
}

/// Makes every check, in order.
pub(crate) fn run_checks(input: &CheckInput<'_>) -> Vec<Check> {
    let presented = &input.presented;
    // The hold adds two more lines.
    let mut checks = Vec::with_capacity(11);
    let mut add = |name, cause: Option<Cause>| checks.push(check(name, cause));
    add("expiry", mismatch(presented.expiry, Cause::WrongExpiry));
    add("cvv2", mismatch(presented.cvv2, Cause::WrongCvv2));
    if presented.cvv1 != PresentedValue::Absent {
        add("cvv", mismatch(presented.cvv1, Cause::WrongCvv));
    }
    if let Some(verdict) = presented.chip {
        add("chip", unproven_chip(verdict));
    }
    add("pin", presented.pin.and_then(wrong_pin));
    if !input.is_refund {
        add("card_status", card_status(input.card));
        add("pan_status", pan_status(input.card, input.cards_of_pan));
        add("card_expiry", (input.card.valid_until <= input.now).then_some(Cause::CardExpired));
    }
    add("conversion", input.conversion.as_ref().err().map(|fault| fault.cause()));
    if !input.is_refund {
        add(SINGLE, single_limit(input.limits, input.conversion));
    }
    if input.reach != Reach::NotAsked {
        add("auth_url", input.reach.cause().filter(|_| input.reach == Reach::NoAuthUrl));
        add("public_key", public_key(input.reach));
    }
    checks
}

/// The line of a check, which passed if there is no cause.
const fn check(name: &'static str, cause: Option<Cause>) -> Check {
    Check { name, passed: cause.is_none(), cause }
}

/// The cause of a refusal: the first check that failed.
pub(crate) fn first_refusal(checks: &[Check]) -> Option<Cause> {
    checks.iter().find_map(|check| check.cause.clone())
}

/// The line of the hold.
pub(crate) fn deposit_check(is_covered: bool) -> Check {
    check(DEPOSIT, (!is_covered).then_some(Cause::DepositExhausted))
}

/// The checks, completed by those that the commit of `it` made: `passed` are the lines of its
/// checks if they pass, `failed` is the one that did not.
pub(crate) fn with_commit_checks(
    checks: &[Check],
    passed: &[Check],
    it: &Authorisation,
    failed: Option<FailedCheck>,
) -> Vec<Check> {
    let mut checks = checks.to_vec();
    match failed {
        None => checks.extend_from_slice(passed),
        Some(FailedCheck::Deposit) => checks.extend(passed.iter().map(|check| match check.name {
            DEPOSIT => deposit_check(false),
            _ => check.clone(),
        })),
        Some(FailedCheck::Limit(excess)) => note_excess(&mut checks, excess),
        Some(FailedCheck::Original) => {
            let name = if it.is_completion() { RESERVATION } else { ORIGINAL };
            checks.push(check(name, Some(FailedCheck::Original.cause(it))));
        }
        Some(FailedCheck::Reversed) => {
            checks.push(check(REVERSAL, Some(Cause::ReversedBeforeArrival)));
        }
    }
    checks
}

/// Records the limit that the store found exceeded.
fn note_excess(checks: &mut Vec<Check>, excess: VelocityExcess) {
    if excess == VelocityExcess::Single {
        // By itself the amount was within the limit.
        checks.retain(|check| check.name != SINGLE);
        checks.push(check(SINGLE, Some(excess.into())));
    } else {
        checks.push(velocity_check(Some(excess)));
    }
}

/// The line of the daily and monthly limits, if the profile has any.
pub(crate) fn velocity_check(excess: Option<VelocityExcess>) -> Check {
    check(VELOCITY, excess.map(Cause::from))
}

fn mismatch(value: PresentedValue, cause: Cause) -> Option<Cause> {
    (value == PresentedValue::Mismatched).then_some(cause)
}

const fn unproven_chip(verdict: ChipVerdict) -> Option<Cause> {
    match verdict {
        ChipVerdict::Verified | ChipVerdict::Trusted => None,
        ChipVerdict::Wrong => Some(Cause::WrongArqc),
        ChipVerdict::Unverified => Some(Cause::ChipUnverified),
    }
}

const fn wrong_pin(verdict: PinVerdict) -> Option<Cause> {
    match verdict {
        PinVerdict::Matched => None,
        PinVerdict::Wrong => Some(Cause::WrongPin),
        PinVerdict::TriesExceeded => Some(Cause::PinTriesExceeded),
        PinVerdict::NotSet => Some(Cause::PinNotSet),
        PinVerdict::Unreadable => Some(Cause::PinBlockUnreadable),
    }
}

const fn card_status(card: &Card) -> Option<Cause> {
    match card.status {
        CardStatus::Activated => None,
        CardStatus::WaitingActive => Some(Cause::CardWaitingActive),
        CardStatus::Frozen => Some(Cause::CardFrozen),
        CardStatus::Blocked => Some(Cause::CardBlocked),
        CardStatus::Invalid => Some(Cause::CardInvalid),
    }
}

/// A frozen or blocked record stops all records of its PAN.
fn pan_status(used: &Card, cards_of_pan: &[Card]) -> Option<Cause> {
    let mut others = cards_of_pan.iter().filter(|card| card.card_id != used.card_id);
    others.find_map(|card| match card.status {
        CardStatus::Frozen => Some(Cause::PanFrozen),
        CardStatus::Blocked => Some(Cause::PanBlocked),
        CardStatus::Activated | CardStatus::WaitingActive | CardStatus::Invalid => None,
    })
}

fn single_limit(
    limits: VelocityLimits,
    conversion: &Result<Conversion, ConversionFault>,
) -> Option<Cause> {
    let amount = conversion.as_ref().ok()?.amount;
    limits.is_above_single(amount.amount_minor()).then_some(Cause::SingleLimitExceeded)
}

const fn public_key(reach: Reach) -> Option<Cause> {
    match reach {
        Reach::Ready | Reach::NotAsked | Reach::NoAuthUrl => None,
        Reach::NoPublicKey | Reach::BadPublicKey => reach.cause(),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use domain::{AuthId, AuthType, CardId, CardProfile, Currency, Money};

    use super::*;
    use crate::test_objects::{authorisation, card, profile};

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    struct Case {
        is_refund: bool,
        card: Card,
        others: Vec<Card>,
        profile: CardProfile,
        presented: Presented,
        conversion: Result<Conversion, ConversionFault>,
        reach: Reach,
    }

    fn text(cause: &Cause) -> &'static str {
        let named = Cause::NAMED.iter().find(|named| *named == cause).unwrap();
        let Cow::Borrowed(text) = named.text() else { panic!("{cause} has a value") };
        text
    }

    impl Case {
        fn in_order() -> Self {
            let amount = Money::new(1550, Currency::USD);
            Self {
                is_refund: false,
                card: card(),
                others: Vec::new(),
                profile: profile(),
                presented: Presented::default(),
                conversion: Ok(Conversion { amount, rate: "1".to_owned() }),
                reach: Reach::Ready,
            }
        }

        fn refusal(mut self) -> Option<(&'static str, &'static str)> {
            self.others.push(self.card.clone());
            let checks = run_checks(&CheckInput {
                is_refund: self.is_refund,
                card: &self.card,
                cards_of_pan: &self.others,
                limits: self.profile.limits,
                presented: self.presented,
                conversion: &self.conversion,
                reach: self.reach,
                now: NOW,
            });
            assert_eq!(checks.len(), if self.is_refund { 6 } else { 10 });
            assert!(checks.iter().all(|check| check.passed == check.cause.is_none()));
            let refusal = first_refusal(&checks)?;
            Some((refusal.ruling().response_code().as_str(), text(&refusal)))
        }
    }

    #[test]
    fn a_purchase_in_order_is_not_refused() {
        assert_eq!(Case::in_order().refusal(), None);
    }

    #[test]
    fn only_an_activated_record_may_be_used() {
        for (status, detail) in [
            (CardStatus::WaitingActive, "card_waiting_active"),
            (CardStatus::Frozen, "card_frozen"),
            (CardStatus::Blocked, "card_blocked"),
            (CardStatus::Invalid, "card_invalid"),
        ] {
            let mut case = Case::in_order();
            case.card.status = status;
            assert_eq!(case.refusal(), Some(("11", detail)));
        }
    }

    #[test]
    fn no_card_state_and_no_limit_prevents_a_refund() {
        let mut case = Case { is_refund: true, ..Case::in_order() };
        case.card.status = CardStatus::Invalid;
        case.card.valid_until = NOW;
        case.profile.limits.single.amount_minor = Some(1);
        assert_eq!(case.refusal(), None);
        let mut case = Case { is_refund: true, ..Case::in_order() };
        case.reach = Reach::NoAuthUrl;
        assert_eq!(case.refusal(), Some(("11", "no_auth_url")));
    }

    #[test]
    fn a_frozen_or_blocked_record_stops_the_whole_pan_and_an_invalid_one_does_not() {
        for (status, refusal) in [
            (CardStatus::Frozen, Some(("11", "pan_frozen"))),
            (CardStatus::Blocked, Some(("11", "pan_blocked"))),
            (CardStatus::Invalid, None),
            (CardStatus::WaitingActive, None),
            (CardStatus::Activated, None),
        ] {
            let mut case = Case::in_order();
            case.others = vec![Card { card_id: CardId::from_i64(77), status, ..card() }];
            assert_eq!(case.refusal(), refusal, "{status}");
        }
    }

    #[test]
    fn the_first_moment_after_the_expiry_month_is_too_late() {
        let mut case = Case::in_order();
        case.card.valid_until = NOW.plus_millis(1);
        assert_eq!(case.refusal(), None);
        let mut case = Case::in_order();
        case.card.valid_until = NOW;
        assert_eq!(case.refusal(), Some(("11", "card_expired")));
    }

    #[test]
    fn the_single_limit_is_inclusive_and_answers_insufficient_funds() {
        for (limit_minor, refusal) in
            [(Some(1550), None), (None, None), (Some(1549), Some(("01", "single_limit_exceeded")))]
        {
            let mut case = Case::in_order();
            case.profile.limits.single.amount_minor = limit_minor;
            assert_eq!(case.refusal(), refusal);
        }
    }

    #[test]
    fn wrong_presented_values_are_reported_first() {
        let mut case = Case::in_order();
        case.presented.cvv2 = PresentedValue::Mismatched;
        case.card.status = CardStatus::Frozen;
        assert_eq!(case.refusal(), Some(("11", "wrong_cvv2")));
        for (verdict, refusal) in [
            (PinVerdict::Matched, None),
            (PinVerdict::Wrong, Some(("11", "wrong_pin"))),
            (PinVerdict::TriesExceeded, Some(("11", "pin_tries_exceeded"))),
            (PinVerdict::NotSet, Some(("11", "pin_not_set"))),
            (PinVerdict::Unreadable, Some(("11", "pin_block_unreadable"))),
        ] {
            let mut case = Case::in_order();
            case.presented.pin = Some(verdict);
            assert_eq!(case.refusal(), refusal);
        }
        let mut case = Case::in_order();
        case.presented.expiry = PresentedValue::Mismatched;
        assert_eq!(case.refusal(), Some(("11", "wrong_expiry")));
    }

    #[test]
    fn an_enterprise_that_cannot_be_asked_refuses() {
        for (reach, detail) in [
            (Reach::NoAuthUrl, "no_auth_url"),
            (Reach::NoPublicKey, "no_external_public_key"),
            (Reach::BadPublicKey, "bad_external_public_key"),
        ] {
            let mut case = Case::in_order();
            case.reach = reach;
            assert_eq!(case.refusal(), Some(("11", detail)));
        }
        let mut case = Case::in_order();
        case.conversion = Err(ConversionFault::RoundsToZero);
        assert_eq!(case.refusal(), Some(("11", "amount_rounds_to_zero")));
    }

    #[test]
    fn the_commit_adds_the_lines_of_its_own_checks() {
        let made = [velocity_check(None), deposit_check(true)];
        let lines = |it: &Authorisation, failed| {
            let checks = with_commit_checks(&[check(SINGLE, None)], &made, it, failed);
            let line = |check: &Check| (check.name, check.cause.as_ref().map(text));
            checks.iter().map(line).collect::<Vec<_>>()
        };
        let it = authorisation();
        let (single, velocity) = ((SINGLE, None), (VELOCITY, None));
        assert_eq!(lines(&it, None), [single, velocity, (DEPOSIT, None)]);
        let exhausted = (DEPOSIT, Some("deposit_exhausted"));
        assert_eq!(lines(&it, Some(FailedCheck::Deposit)), [single, velocity, exhausted]);
        let daily = Some(FailedCheck::Limit(VelocityExcess::DailyAmount));
        assert_eq!(lines(&it, daily), [single, (VELOCITY, Some("daily_amount_exceeded"))]);
        let whole_bill = Some(FailedCheck::Limit(VelocityExcess::Single));
        assert_eq!(lines(&it, whole_bill), [(SINGLE, Some("single_limit_exceeded"))]);
        let original_auth_id = Some(AuthId::from_i64(9));
        let increment = Authorisation { original_auth_id, ..authorisation() };
        let ended = (ORIGINAL, Some("original_ended"));
        assert_eq!(lines(&increment, Some(FailedCheck::Original)), [single, ended]);
        let auth_type = AuthType::PreAuthCompletion;
        let completion = Authorisation { auth_type, ..increment };
        let gone = (RESERVATION, Some("reservation_gone"));
        assert_eq!(lines(&completion, Some(FailedCheck::Original)), [single, gone]);
    }
}
