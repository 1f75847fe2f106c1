//! Why the enterprise gave no usable answer, in one word each. All of them count as no
//! answer (cardbridge-open-api.md section 8.3); only the decision receipt tells them apart.

use std::borrow::Cow;

use crypto::{CryptoError, RsaPoolError};
use outbound::OutboundError;
use wire::cardbridge::authorisation_notice::ReplyFault;

/// A machine-readable cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(Cow<'static, str>);

impl Fault {
    /// The deadline passed while the enterprise was asked.
    pub(crate) const NO_ANSWER: Self = Self(Cow::Borrowed("no_answer"));
    /// The deadline passed before the notice was sent.
    pub(crate) const LATE_NOTICE: Self = Self(Cow::Borrowed("deadline_before_notice"));

    /// An answer with another status than 200.
    pub(crate) fn status(status: u16) -> Self {
        Self(Cow::Owned(format!("http_status_{status}")))
    }

    /// The cause.
    pub(crate) fn into_detail(self) -> Cow<'static, str> {
        self.0
    }

    /// The cause.
    pub(crate) fn detail(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Fault {
    fn from(detail: &'static str) -> Self {
        Self(Cow::Borrowed(detail))
    }
}

impl From<Cow<'static, str>> for Fault {
    fn from(detail: Cow<'static, str>) -> Self {
        Self(detail)
    }
}

impl From<OutboundError> for Fault {
    fn from(error: OutboundError) -> Self {
        Self::from(match error {
            OutboundError::BadUrl(_) => "bad_auth_url",
            OutboundError::AddressRefused => "address_refused",
            OutboundError::Connect => "no_connection",
            OutboundError::Timeout => return Self::NO_ANSWER,
            OutboundError::TooLarge { .. } => "answer_too_large",
            OutboundError::Broken => "connection_broken",
        })
    }
}

impl From<ReplyFault> for Fault {
    fn from(fault: ReplyFault) -> Self {
        Self::from(match fault {
            ReplyFault::Malformed => "malformed_answer",
            ReplyFault::BadSignature => "bad_signature",
            ReplyFault::BadCiphertext => "bad_ciphertext",
            ReplyFault::WrongAuthId => "wrong_auth_id",
            ReplyFault::UnknownCode(_) => "unknown_response_code",
        })
    }
}

impl From<RsaPoolError> for Fault {
    fn from(error: RsaPoolError) -> Self {
        Self::from(match error {
            RsaPoolError::QueueFull => "rsa_queue_full",
            RsaPoolError::Unfinished => "rsa_unfinished",
        })
    }
}

impl From<CryptoError> for Fault {
    fn from(_: CryptoError) -> Self {
        Self::from("notice_not_sealed")
    }
}
