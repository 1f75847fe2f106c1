//! From the enterprise's answer, or its silence, to the answer for the network
//! (cardbridge-open-api.md section 8.4). Pure.

use std::borrow::Cow;

use domain::{Authorisation, ErrorCode, ResponseCode};

use crate::fault::Fault;

/// A decision and its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) response_code: ResponseCode,
    pub(crate) reject_reason: Option<ErrorCode>,
    pub(crate) detail: Cow<'static, str>,
}

impl Decision {
    /// The decision of `authorisation` that an exchange leads to.
    pub(crate) fn of(authorisation: &Authorisation, verdict: Result<ResponseCode, Fault>) -> Self {
        if authorisation.is_reversal() {
            Self::of_reversal(&verdict)
        } else {
            Self::of_verdict(verdict)
        }
    }

    /// A reversal stands whatever the enterprise answers: the network took its authorisation back.
    /// The answer is recorded (operator-and-sandbox.md section 5).
    fn of_reversal(verdict: &Result<ResponseCode, Fault>) -> Self {
        let detail = match verdict {
            Ok(ResponseCode::Approved) => "reversal",
            Ok(ResponseCode::InsufficientFunds | ResponseCode::NotAllowed) => "reversal_refused",
            Ok(ResponseCode::NoResponse) | Err(_) => "reversal_not_answered",
        };
        Self {
            response_code: ResponseCode::Approved,
            reject_reason: None,
            detail: Cow::Borrowed(detail),
        }
    }

    /// The decision that an exchange leads to: anything but a verified code counts as no answer.
    fn of_verdict(verdict: Result<ResponseCode, Fault>) -> Self {
        let code = match verdict {
            Ok(code) => code,
            Err(fault) => return Self::no_response(fault.into_detail()),
        };
        let (reject_reason, detail) = match code {
            ResponseCode::Approved => (None, "approved"),
            ResponseCode::InsufficientFunds => {
                (Some(ErrorCode::AuthEnterpriseReject), "enterprise_insufficient_funds")
            }
            ResponseCode::NotAllowed => {
                (Some(ErrorCode::AuthEnterpriseReject), "enterprise_not_allowed")
            }
            ResponseCode::NoResponse => {
                (Some(ErrorCode::AuthEnterpriseTimeoutReject), "enterprise_no_response")
            }
        };
        Self { response_code: code, reject_reason, detail: Cow::Borrowed(detail) }
    }

    /// A decline because no usable answer arrived.
    const fn no_response(detail: Cow<'static, str>) -> Self {
        Self {
            response_code: ResponseCode::NoResponse,
            reject_reason: Some(ErrorCode::AuthEnterpriseTimeoutReject),
            detail,
        }
    }

    /// True if it is an approval.
    pub(crate) fn is_approval(&self) -> bool {
        self.response_code == ResponseCode::Approved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_section_8_4_has_its_outcome() {
        let outcome = |verdict| {
            let decision = Decision::of_verdict(verdict);
            (decision.is_approval(), decision.response_code.as_str(), decision.reject_reason)
        };
        let enterprise = Some(ErrorCode::AuthEnterpriseReject);
        let timeout = Some(ErrorCode::AuthEnterpriseTimeoutReject);
        assert_eq!(outcome(Ok(ResponseCode::Approved)), (true, "00", None));
        assert_eq!(outcome(Ok(ResponseCode::InsufficientFunds)), (false, "01", enterprise));
        assert_eq!(outcome(Ok(ResponseCode::NotAllowed)), (false, "11", enterprise));
        assert_eq!(outcome(Ok(ResponseCode::NoResponse)), (false, "21", timeout));
        assert_eq!(outcome(Err(Fault::NO_ANSWER)), (false, "21", timeout));
        assert_eq!(outcome(Err(Fault::status(500))), (false, "21", timeout));
    }

    #[test]
    fn a_reversal_stands_whatever_the_enterprise_answers() {
        for (verdict, detail) in [
            (Ok(ResponseCode::Approved), "reversal"),
            (Ok(ResponseCode::InsufficientFunds), "reversal_refused"),
            (Ok(ResponseCode::NotAllowed), "reversal_refused"),
            (Ok(ResponseCode::NoResponse), "reversal_not_answered"),
            (Err(Fault::NO_ANSWER), "reversal_not_answered"),
        ] {
            let decision = Decision::of_reversal(&verdict);
            assert!(decision.is_approval());
            assert_eq!((decision.reject_reason, decision.detail.as_ref()), (None, detail));
        }
    }
}
