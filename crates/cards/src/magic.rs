//! The sandbox's magic values: which scenario an application follows (operator-and-sandbox.md
//! section 4).
//!
//! A magic value begins with one of our words. The values checked are, in this order, the
//! `sumsubShareToken`, the `customerRef` and the part of the e-mail address before the `@`: the
//! last two stand in for the customer's name, which the application does not contain. In the e-mail
//! address the word must be whole, so Eddie gets his card. The first value that names an outcome
//! decides it; `slow` in any value slows the order down.

use domain::{ErrorCode, email_key, normal_form};

/// The outcome of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderOutcome {
    /// With a card.
    Pass,
    /// It waits for EDD evidence.
    Edd,
    /// It fails with this code, in the state that the code belongs to.
    Fail(ErrorCode),
}

/// The scenario of an order: its outcome and its speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// Its outcome.
    pub outcome: OrderOutcome,
    /// True if each step takes 5 s.
    pub slow: bool,
}

/// The fields that may contain an application's magic words.
pub struct MagicValues<'a> {
    /// `kycInfo.sumsubShareToken`.
    pub share_token: &'a str,
    /// `customerInfo.customerRef`.
    pub customer_ref: Option<&'a str>,
    /// `customerInfo.email`.
    pub email: Option<&'a str>,
}

/// Longer words first: all of them begin with `fail`.
const OUTCOMES: &[(&str, OrderOutcome)] = &[
    ("fail-customer", OrderOutcome::Fail(ErrorCode::CardOrderCustomerInfoInvalid)),
    ("fail-kyc-info", OrderOutcome::Fail(ErrorCode::CardOrderKycInfoInvalid)),
    ("fail-channel-customer", OrderOutcome::Fail(ErrorCode::CardOrderChannelCustomerInvalid)),
    ("fail-channel-create", OrderOutcome::Fail(ErrorCode::ChannelCustomerCreateFailed)),
    ("fail-channel-card", OrderOutcome::Fail(ErrorCode::CardOrderChannelCardInvalid)),
    ("fail", OrderOutcome::Fail(ErrorCode::CardOrderKycVerifyFailed)),
    ("edd", OrderOutcome::Edd),
];
const SLOW: &str = "slow";
/// Only in the reference of a KYC ticket.
const WAIT: &str = "wait";

impl Scenario {
    /// The scenario of every order whose application contains no magic word.
    pub const PLAIN: Self = Self { outcome: OrderOutcome::Pass, slow: false };

    /// The scenario of an order in NORMAL mode: its KYC ticket decides about identity and data.
    #[must_use]
    pub const fn identified(self) -> Self {
        match self.outcome {
            OrderOutcome::Fail(
                ErrorCode::CardOrderKycVerifyFailed | ErrorCode::CardOrderKycInfoInvalid,
            ) => Self { outcome: OrderOutcome::Pass, slow: self.slow },
            _ => self,
        }
    }

    /// The scenario that an application's magic words choose.
    #[must_use]
    pub fn of(values: &MagicValues<'_>) -> Self {
        type Begins = fn(&str, &str) -> bool;
        // Forwarding mode passes the address as it was written, NORMAL mode as it is stored.
        let email = values.email.map(email_key);
        let looked_at: [(Option<&str>, Begins); 3] = [
            (Some(values.share_token), |text, word| text.starts_with(word)),
            (values.customer_ref, |text, word| text.starts_with(word)),
            (email.as_deref(), is_whole_word),
        ];
        let mut scenario = Self::PLAIN;
        for (text, begins) in looked_at {
            let Some(text) = text else { continue };
            // If a combining mark follows the word, it ends in a different letter.
            let text = normal_form(text);
            scenario.slow |= begins(&text, SLOW);
            let named = OUTCOMES.iter().find(|(word, _)| begins(&text, word));
            if let (OrderOutcome::Pass, Some((_, outcome))) = (scenario.outcome, named) {
                scenario.outcome = *outcome;
            }
        }
        scenario
    }
}

/// True if a KYC ticket's reference asks the sandbox to leave the decision to a call.
pub fn waits_for_reviewer(kyc_ticket_ref: &str) -> bool {
    normal_form(kyc_ticket_ref).starts_with(WAIT)
}

/// True if the text begins with the word and no letter follows it.
fn is_whole_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(share_token: &str, customer_ref: Option<&str>, email: Option<&str>) -> Scenario {
        Scenario::of(&MagicValues { share_token, customer_ref, email })
    }

    fn fails(code: ErrorCode) -> OrderOutcome {
        OrderOutcome::Fail(code)
    }

    #[test]
    fn the_token_chooses_the_scenario() {
        for (token, outcome) in [
            ("share-1", OrderOutcome::Pass),
            ("my-fail", OrderOutcome::Pass),
            ("fail", fails(ErrorCode::CardOrderKycVerifyFailed)),
            ("fail_token_7", fails(ErrorCode::CardOrderKycVerifyFailed)),
            ("fail-customer", fails(ErrorCode::CardOrderCustomerInfoInvalid)),
            ("fail-kyc-info-2", fails(ErrorCode::CardOrderKycInfoInvalid)),
            ("fail-channel-customer", fails(ErrorCode::CardOrderChannelCustomerInvalid)),
            ("fail-channel-create", fails(ErrorCode::ChannelCustomerCreateFailed)),
            ("fail-channel-card", fails(ErrorCode::CardOrderChannelCardInvalid)),
            ("edd-1", OrderOutcome::Edd),
        ] {
            assert_eq!(scenario(token, None, None), Scenario { outcome, slow: false }, "{token}");
        }
    }

    #[test]
    fn reference_and_email_stand_for_the_customers_name() {
        let failing = fails(ErrorCode::CardOrderKycVerifyFailed);
        assert_eq!(scenario("t", Some("fail7"), None).outcome, failing);
        assert_eq!(scenario("t", None, Some("fail.x@example.com")).outcome, failing);
        assert_eq!(scenario("t", Some("edd"), Some("fail@example.com")).outcome, OrderOutcome::Edd);
        assert_eq!(scenario("t", None, Some("eddie@example.com")).outcome, OrderOutcome::Pass);
        assert_eq!(scenario("t", None, Some("FAIL@example.com")).outcome, failing);
    }

    #[test]
    fn a_word_is_judged_in_the_form_that_texts_are_compared_in() {
        for text in ["fai\u{13a}", "fail\u{301}"] {
            assert_eq!(scenario(text, None, None).outcome, OrderOutcome::Pass, "{text}");
            let email = format!("{text}@example.com");
            assert_eq!(
                scenario("t", Some(text), Some(&email)).outcome,
                OrderOutcome::Pass,
                "{text}"
            );
        }
        assert!(waits_for_reviewer("wait-1") && !waits_for_reviewer("Wait-1"));
    }

    #[test]
    fn slow_goes_with_any_ending() {
        assert_eq!(
            scenario("slow-1", None, None),
            Scenario { outcome: OrderOutcome::Pass, slow: true }
        );
        assert!(scenario("fail", Some("slow"), None).slow);
        assert!(!scenario("t", None, Some("slowik@example.com")).slow);
    }
}
