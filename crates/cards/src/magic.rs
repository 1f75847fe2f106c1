//! The sandbox's magic values: which road an application takes
//! (operator-and-sandbox.md section 4).
//!
//! A value begins with one of our words. The values looked at are, in this order, the
//! `sumsubShareToken`, the `customerRef` and the part of the e-mail address before the
//! `@`: the last two stand for the customer's name, which the application does not
//! carry. In the e-mail address the word must be whole, so that Eddie gets his card.
//! The first value that names an ending decides it; `slow` in any value slows it down.

use domain::{ErrorCode, email_key, normal_form};

/// How an order ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a card.
    Pass,
    /// It waits for EDD evidence.
    Edd,
    /// It fails with this code, in the state that the code belongs to.
    Fail(ErrorCode),
}

/// The road of an order: how it ends, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Road {
    /// How it ends.
    pub ending: Ending,
    /// Whether each step takes 5 s.
    pub slow: bool,
}

/// Where an application's magic words may stand.
pub struct MagicValues<'a> {
    /// `kycInfo.sumsubShareToken`.
    pub share_token: &'a str,
    /// `customerInfo.customerRef`.
    pub customer_ref: Option<&'a str>,
    /// `customerInfo.email`.
    pub email: Option<&'a str>,
}

/// Longer words first: each begins with `fail`.
const ENDINGS: &[(&str, Ending)] = &[
    ("fail-customer", Ending::Fail(ErrorCode::CardOrderCustomerInfoInvalid)),
    ("fail-kyc-info", Ending::Fail(ErrorCode::CardOrderKycInfoInvalid)),
    ("fail-channel-customer", Ending::Fail(ErrorCode::CardOrderChannelCustomerInvalid)),
    ("fail-channel-create", Ending::Fail(ErrorCode::ChannelCustomerCreateFailed)),
    ("fail-channel-card", Ending::Fail(ErrorCode::CardOrderChannelCardInvalid)),
    ("fail", Ending::Fail(ErrorCode::CardOrderKycVerifyFailed)),
    ("edd", Ending::Edd),
];
const SLOW: &str = "slow";
/// In the reference of a KYC ticket only.
const WAIT: &str = "wait";

impl Road {
    /// The road of every order whose application holds no magic word.
    pub const PLAIN: Self = Self { ending: Ending::Pass, slow: false };

    /// The road of an order of NORMAL mode: its KYC ticket decides about identity and data.
    #[must_use]
    pub const fn identified(self) -> Self {
        match self.ending {
            Ending::Fail(
                ErrorCode::CardOrderKycVerifyFailed | ErrorCode::CardOrderKycInfoInvalid,
            ) => Self { ending: Ending::Pass, slow: self.slow },
            _ => self,
        }
    }

    /// The road that an application's magic words choose.
    #[must_use]
    pub fn of(values: &MagicValues<'_>) -> Self {
        type Begins = fn(&str, &str) -> bool;
        // Forwarding mode hands over the address as it was written, NORMAL mode as it is kept.
        let email = values.email.map(email_key);
        let looked_at: [(Option<&str>, Begins); 3] = [
            (Some(values.share_token), |text, word| text.starts_with(word)),
            (values.customer_ref, |text, word| text.starts_with(word)),
            (email.as_deref(), is_whole_word),
        ];
        let mut road = Self::PLAIN;
        for (text, begins) in looked_at {
            let Some(text) = text else { continue };
            // A word that goes on with a combining mark ends in another letter.
            let text = normal_form(text);
            road.slow |= begins(&text, SLOW);
            let named = ENDINGS.iter().find(|(word, _)| begins(&text, word));
            if let (Ending::Pass, Some((_, ending))) = (road.ending, named) {
                road.ending = *ending;
            }
        }
        road
    }
}

/// Whether a KYC ticket's reference asks the sandbox to leave the decision to a call.
pub fn waits_for_reviewer(kyc_ticket_ref: &str) -> bool {
    normal_form(kyc_ticket_ref).starts_with(WAIT)
}

/// Whether the text begins with the word and no letter follows it.
fn is_whole_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn road(share_token: &str, customer_ref: Option<&str>, email: Option<&str>) -> Road {
        Road::of(&MagicValues { share_token, customer_ref, email })
    }

    fn fails(code: ErrorCode) -> Ending {
        Ending::Fail(code)
    }

    #[test]
    fn the_token_chooses_the_road() {
        for (token, ending) in [
            ("share-1", Ending::Pass),
            ("my-fail", Ending::Pass),
            ("fail", fails(ErrorCode::CardOrderKycVerifyFailed)),
            ("fail_token_7", fails(ErrorCode::CardOrderKycVerifyFailed)),
            ("fail-customer", fails(ErrorCode::CardOrderCustomerInfoInvalid)),
            ("fail-kyc-info-2", fails(ErrorCode::CardOrderKycInfoInvalid)),
            ("fail-channel-customer", fails(ErrorCode::CardOrderChannelCustomerInvalid)),
            ("fail-channel-create", fails(ErrorCode::ChannelCustomerCreateFailed)),
            ("fail-channel-card", fails(ErrorCode::CardOrderChannelCardInvalid)),
            ("edd-1", Ending::Edd),
        ] {
            assert_eq!(road(token, None, None), Road { ending, slow: false }, "{token}");
        }
    }

    #[test]
    fn reference_and_email_stand_for_the_customers_name() {
        let failing = fails(ErrorCode::CardOrderKycVerifyFailed);
        assert_eq!(road("t", Some("fail7"), None).ending, failing);
        assert_eq!(road("t", None, Some("fail.x@example.com")).ending, failing);
        assert_eq!(road("t", Some("edd"), Some("fail@example.com")).ending, Ending::Edd);
        assert_eq!(road("t", None, Some("eddie@example.com")).ending, Ending::Pass);
        assert_eq!(road("t", None, Some("FAIL@example.com")).ending, failing);
    }

    #[test]
    fn a_word_is_judged_in_the_form_that_texts_are_compared_in() {
        for text in ["fai\u{13a}", "fail\u{301}"] {
            assert_eq!(road(text, None, None).ending, Ending::Pass, "{text}");
            let email = format!("{text}@example.com");
            assert_eq!(road("t", Some(text), Some(&email)).ending, Ending::Pass, "{text}");
        }
        assert!(waits_for_reviewer("wait-1") && !waits_for_reviewer("Wait-1"));
    }

    #[test]
    fn slow_goes_with_any_ending() {
        assert_eq!(road("slow-1", None, None), Road { ending: Ending::Pass, slow: true });
        assert!(road("fail", Some("slow"), None).slow);
        assert!(!road("t", None, Some("slowik@example.com")).slow);
    }
}
