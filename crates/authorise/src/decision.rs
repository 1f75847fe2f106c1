//! From the enterprise's answer, or its silence, to the answer for the network
//! (cardbridge-open-api.md section 8.4). Pure.

use domain::{Authorisation, Cause, ResponseCode};

use crate::fault::Fault;

/// The cause of the decision of `authorisation` that an exchange leads to.
pub(crate) fn cause_of(
    authorisation: &Authorisation,
    verdict: Result<ResponseCode, Fault>,
) -> Cause {
    if authorisation.is_reversal() { of_reversal(&verdict) } else { of_verdict(verdict) }
}

/// A reversal stands whatever the enterprise answers: the network took its authorisation back.
/// The answer is recorded (operator-and-sandbox.md section 5).
fn of_reversal(verdict: &Result<ResponseCode, Fault>) -> Cause {
    match verdict {
        Ok(ResponseCode::Approved) => Cause::Reversal,
        Ok(ResponseCode::InsufficientFunds | ResponseCode::NotAllowed) => Cause::ReversalRefused,
        Ok(ResponseCode::NoResponse) | Err(_) => Cause::ReversalNotAnswered,
    }
}

/// Anything but a verified code counts as no answer.
fn of_verdict(verdict: Result<ResponseCode, Fault>) -> Cause {
    match verdict {
        Ok(ResponseCode::Approved) => Cause::Approved,
        Ok(ResponseCode::InsufficientFunds) => Cause::EnterpriseInsufficientFunds,
        Ok(ResponseCode::NotAllowed) => Cause::EnterpriseNotAllowed,
        Ok(ResponseCode::NoResponse) => Cause::EnterpriseNoResponse,
        Err(fault) => fault.into_cause(),
    }
}

#[cfg(test)]
mod tests {
    use domain::ErrorCode;

    use super::*;

    #[test]
    fn each_code_of_section_8_4_has_its_outcome() {
        let outcome = |verdict| {
            let cause = of_verdict(verdict);
            let ruling = cause.ruling();
            (cause.is_approval(), ruling.response_code().as_str(), ruling.reject_reason())
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
            let cause = of_reversal(&verdict);
            assert!(cause.is_approval());
            assert_eq!((cause.ruling().reject_reason(), cause.text().as_ref()), (None, detail));
        }
    }
}
