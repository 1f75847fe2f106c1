//! The cause of a decision: one word for machines, from which every code on a wire follows.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::{ErrorCode, ResponseCode, VelocityExcess};

/// Who decided an authorisation, and how (cardbridge-open-api.md section 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It is approved, or stands because it is a fact.
    Approval,
    /// The enterprise refused for lack of funds.
    EnterpriseFunds,
    /// The enterprise refused for another reason.
    EnterpriseRefusal,
    /// The enterprise gave no usable answer, or something broke off.
    NoAnswer,
    /// The platform refused because money or a limit does not suffice.
    OwnFunds,
    /// The platform refused for another reason.
    OwnRefusal,
}

impl Ruling {
    /// The answer that is recorded and shown.
    #[must_use]
    pub const fn response_code(self) -> ResponseCode {
        match self {
            Self::Approval => ResponseCode::Approved,
            Self::EnterpriseFunds | Self::OwnFunds => ResponseCode::InsufficientFunds,
            Self::EnterpriseRefusal | Self::OwnRefusal => ResponseCode::NotAllowed,
            Self::NoAnswer => ResponseCode::NoResponse,
        }
    }

    /// Dialect 1's reason for a decline; `None` for an approval.
    #[must_use]
    pub const fn reject_reason(self) -> Option<ErrorCode> {
        match self {
            Self::Approval => None,
            Self::EnterpriseFunds | Self::EnterpriseRefusal => {
                Some(ErrorCode::AuthEnterpriseReject)
            }
            Self::NoAnswer => Some(ErrorCode::AuthEnterpriseTimeoutReject),
            Self::OwnFunds | Self::OwnRefusal => Some(ErrorCode::AuthInternalReject),
        }
    }
}

/// Declares the causes by their ruling, each with its text.
///
/// ```text
/// causes! {
///     Approval {
///         /// The enterprise agreed, or nobody had to be asked.
///         Approved = "approved",
///     }
/// }
/// ```
macro_rules! causes {
    ($($ruling:ident { $($(#[doc = $meaning:literal])+ $cause:ident = $text:literal,)+ })+) => {
        /// The exact cause of a decision, as operators see it (`detail`).
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Cause {
            $($($(#[doc = $meaning])+ $cause,)+)+
            /// The enterprise answered with this HTTP status instead of 200.
            HttpStatus(u16),
            /// The answer lacks the field of this name.
            MissingField(String),
            /// The answer's field of this name is ill-formed.
            IllFormedField(String),
            /// A cause that only another version of the platform knows.
            Other(String),
        }

        impl Cause {
            /// Every cause with a fixed text, in declaration order.
            pub const NAMED: &'static [Self] = &[$($(Self::$cause,)+)+];

            /// The text that is stored and shown.
            #[must_use]
            pub fn text(&self) -> Cow<'_, str> {
                match self {
                    $($(Self::$cause => Cow::Borrowed($text),)+)+
                    Self::HttpStatus(status) => Cow::Owned(format!("{HTTP_STATUS}{status}")),
                    Self::MissingField(name) => Cow::Owned(format!("{MISSING}{name}")),
                    Self::IllFormedField(name) => Cow::Owned(format!("{ILL_FORMED}{name}")),
                    Self::Other(text) => Cow::Borrowed(text),
                }
            }

            /// The ruling that the cause leads to; a cause of another version counts as a
            /// refusal of the platform.
            #[must_use]
            pub const fn ruling(&self) -> Ruling {
                match self {
                    $($(Self::$cause => Ruling::$ruling,)+)+
                    Self::HttpStatus(_) | Self::MissingField(_) | Self::IllFormedField(_) => {
                        Ruling::NoAnswer
                    }
                    Self::Other(_) => Ruling::OwnRefusal,
                }
            }
        }

        impl From<&str> for Cause {
            fn from(text: &str) -> Self {
                match text {
                    $($($text => Self::$cause,)+)+
                    _ => Self::with_value(text).unwrap_or_else(|| Self::Other(text.to_owned())),
                }
            }
        }
    };
}

/// The text of [`Cause::HttpStatus`] before its number.
const HTTP_STATUS: &str = "http_status_";
/// The text of [`Cause::MissingField`] before the field's name.
const MISSING: &str = "missing_";
/// The text of [`Cause::IllFormedField`] before the field's name.
const ILL_FORMED: &str = "ill_formed_";

causes! {
    Approval {
        /// The enterprise agreed, or the card's own money covers it.
        Approved = "approved",
        /// The network took its authorisation back, and the enterprise agreed.
        Reversal = "reversal",
        /// The network took its authorisation back; the enterprise's refusal changes nothing.
        ReversalRefused = "reversal_refused",
        /// The network took its authorisation back; the enterprise gave no usable answer.
        ReversalNotAnswered = "reversal_not_answered",
        /// A clearing that nothing authorised was posted.
        Forced = "forced",
        /// The network decided in the enterprise's place; the enterprise agreed, or is still to be
        /// told.
        Advice = "advice",
        /// The network decided; the enterprise's refusal changes nothing.
        AdviceRefused = "advice_refused",
        /// The network decided; the enterprise gave no usable answer.
        AdviceNotAnswered = "advice_not_answered",
        /// The enterprise gave no usable answer, and the platform approved in its place.
        StandInApproved = "stand_in_approved",
    }
    EnterpriseFunds {
        /// The enterprise answered 01.
        EnterpriseInsufficientFunds = "enterprise_insufficient_funds",
    }
    EnterpriseRefusal {
        /// The enterprise answered 11.
        EnterpriseNotAllowed = "enterprise_not_allowed",
    }
    NoAnswer {
        /// The enterprise answered 21.
        EnterpriseNoResponse = "enterprise_no_response",
        /// No whole answer arrived within the deadline.
        NoAnswer = "no_answer",
        /// The deadline passed before the notice was sent.
        DeadlineBeforeNotice = "deadline_before_notice",
        /// No connection to the enterprise could be made.
        NoConnection = "no_connection",
        /// The connection broke before the answer was whole.
        ConnectionBroken = "connection_broken",
        /// The enterprise's authUrl cannot be called.
        BadAuthUrl = "bad_auth_url",
        /// The address of the authUrl may not be called.
        AddressRefused = "address_refused",
        /// The answer is larger than an answer may be.
        AnswerTooLarge = "answer_too_large",
        /// The answer is not a JSON object of the right shape.
        MalformedAnswer = "malformed_answer",
        /// The answer's signature does not verify.
        BadSignature = "bad_signature",
        /// The answer's ciphertext does not open.
        BadCiphertext = "bad_ciphertext",
        /// The answer opens to something that is not JSON.
        AnswerNotJson = "answer_not_json",
        /// The answer is about another authorisation.
        WrongAuthId = "wrong_auth_id",
        /// The answer's code is not one of the four.
        UnknownResponseCode = "unknown_response_code",
        /// Too many RSA operations waited.
        RsaQueueFull = "rsa_queue_full",
        /// An RSA operation did not end.
        RsaUnfinished = "rsa_unfinished",
        /// The notice could not be encrypted or signed.
        NoticeNotSealed = "notice_not_sealed",
        /// The process ended before the decision.
        Crash = "crash",
        /// The process that worked on it did not come back, and another one ended it.
        Abandoned = "abandoned",
        /// The store did not take the decision in time.
        DecisionNotWritten = "decision_not_written",
    }
    OwnFunds {
        /// The deposit, card or wallet does not cover the amount.
        DepositExhausted = "deposit_exhausted",
        /// A completion's reservation was cleared or reversed while the enterprise was asked, or
        /// expired and the deposit does not cover the rest.
        ReservationGone = "reservation_gone",
        /// More than one authorisation and its increments may come to.
        SingleLimitExceeded = "single_limit_exceeded",
        /// More than the day's amount.
        DailyAmountExceeded = "daily_amount_exceeded",
        /// More authorisations than the day's number.
        DailyCountExceeded = "daily_count_exceeded",
        /// More than the month's amount.
        MonthlyAmountExceeded = "monthly_amount_exceeded",
        /// More authorisations than the month's number.
        MonthlyCountExceeded = "monthly_count_exceeded",
        /// More than may ever be authorised and not given back.
        TotalLimitExceeded = "total_limit_exceeded",
    }
    OwnRefusal {
        /// The presented expiry is not the card's.
        WrongExpiry = "wrong_expiry",
        /// The presented CVV2 is not the card's.
        WrongCvv2 = "wrong_cvv2",
        /// The CVV of the presented track is not the card's.
        WrongCvv = "wrong_cvv",
        /// The chip's cryptogram is not the card's.
        WrongArqc = "wrong_arqc",
        /// Nobody verified the chip's cryptogram.
        ChipUnverified = "chip_unverified",
        /// The PIN is wrong.
        WrongPin = "wrong_pin",
        /// Too many wrong PINs in a row.
        PinTriesExceeded = "pin_tries_exceeded",
        /// The card has no PIN.
        PinNotSet = "pin_not_set",
        /// The block that holds the PIN cannot be opened; no try was counted.
        PinBlockUnreadable = "pin_block_unreadable",
        /// The card is not activated yet.
        CardWaitingActive = "card_waiting_active",
        /// The card is frozen.
        CardFrozen = "card_frozen",
        /// The card is blocked.
        CardBlocked = "card_blocked",
        /// The card has ended.
        CardInvalid = "card_invalid",
        /// Another record of the card's PAN is frozen.
        PanFrozen = "pan_frozen",
        /// Another record of the card's PAN is blocked.
        PanBlocked = "pan_blocked",
        /// The card's expiry has passed.
        CardExpired = "card_expired",
        /// There is no rate between the two currencies.
        NoFxRate = "no_fx_rate",
        /// The converted amount is too large.
        AmountOutOfRange = "amount_out_of_range",
        /// The converted amount rounds to zero, so the purchase would be free.
        AmountRoundsToZero = "amount_rounds_to_zero",
        /// The enterprise has set no authUrl.
        NoAuthUrl = "no_auth_url",
        /// The enterprise has set no public key.
        NoExternalPublicKey = "no_external_public_key",
        /// The enterprise's public key cannot be used.
        BadExternalPublicKey = "bad_external_public_key",
        /// An increment's bill ended while the enterprise was asked.
        OriginalEnded = "original_ended",
        /// The network took it back before it arrived.
        ReversedBeforeArrival = "reversed_before_arrival",
        /// The network took it back while the enterprise was asked.
        ReversedWhilePending = "reversed_while_pending",
        /// The network reported its own decision while the enterprise was asked.
        SupersededByAdvice = "superseded_by_advice",
        /// The network declined in the enterprise's place; its answer is the record's code.
        NetworkDeclined = "network_declined",
    }
}

impl Cause {
    /// A cause whose text ends with a value.
    fn with_value(text: &str) -> Option<Self> {
        let after = |prefix| text.strip_prefix(prefix);
        let status = after(HTTP_STATUS).and_then(|status| status.parse().ok());
        let missing = || after(MISSING).map(|name| Self::MissingField(name.to_owned()));
        let ill_formed = || after(ILL_FORMED).map(|name| Self::IllFormedField(name.to_owned()));
        status.map(Self::HttpStatus).or_else(missing).or_else(ill_formed)
    }

    /// Whether it leads to an approval.
    #[must_use]
    pub fn is_approval(&self) -> bool {
        self.ruling() == Ruling::Approval
    }
}

impl From<VelocityExcess> for Cause {
    fn from(excess: VelocityExcess) -> Self {
        match excess {
            VelocityExcess::Single => Self::SingleLimitExceeded,
            VelocityExcess::DailyAmount => Self::DailyAmountExceeded,
            VelocityExcess::DailyCount => Self::DailyCountExceeded,
            VelocityExcess::MonthlyAmount => Self::MonthlyAmountExceeded,
            VelocityExcess::MonthlyCount => Self::MonthlyCountExceeded,
            VelocityExcess::Total => Self::TotalLimitExceeded,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_read_from_its_text() {
        let with_values = [
            Cause::HttpStatus(503),
            Cause::MissingField("encryptData".to_owned()),
            Cause::IllFormedField("authId".to_owned()),
        ];
        for cause in Cause::NAMED.iter().chain(&with_values) {
            assert_eq!(Cause::from(cause.text().as_ref()), *cause);
        }
    }

    #[test]
    fn a_cause_of_another_version_keeps_its_text() {
        for text in ["moon_phase", "http_status_", "http_status_99999", ""] {
            assert_eq!(Cause::from(text), Cause::Other(text.to_owned()));
        }
    }

    #[test]
    fn a_cause_leads_to_the_codes_of_section_8_4() {
        let codes = |cause: Cause| {
            let ruling = cause.ruling();
            (ruling.response_code().as_str(), ruling.reject_reason())
        };
        let own = Some(ErrorCode::AuthInternalReject);
        assert_eq!(codes(Cause::Approved), ("00", None));
        assert_eq!(codes(Cause::CardFrozen), ("11", own));
        assert_eq!(codes(Cause::DepositExhausted), ("01", own));
        assert_eq!(codes(Cause::OriginalEnded), ("11", own));
        assert_eq!(codes(Cause::ReservationGone), ("01", own));
        let timeout = Some(ErrorCode::AuthEnterpriseTimeoutReject);
        assert_eq!(codes(Cause::HttpStatus(500)), ("21", timeout));
    }
}
