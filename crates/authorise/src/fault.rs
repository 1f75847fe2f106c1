//! Why the enterprise gave no usable answer: in one word for machines and in a sentence for people.
//! All of these count as no answer (cardbridge-open-api.md section 8.3); only the log and the
//! decision receipt distinguish them.

use std::borrow::Cow;

use crypto::{CryptoError, RsaPoolError};
use outbound::OutboundError;
use wire::cardbridge::authorisation_notice::ReplyFault;
use wire::cardbridge::problem::{ParseError, Problem};

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    detail: Cow<'static, str>,
    explanation: Option<Cow<'static, str>>,
    reply: Option<ReplyFault>,
}

impl Fault {
    /// The deadline passed while the enterprise was asked.
    pub(crate) const NO_ANSWER: Self =
        Self::explained("no_answer", "no whole answer came within the deadline");
    /// The deadline passed before the notice was sent.
    pub(crate) const LATE_NOTICE: Self =
        Self::explained("deadline_before_notice", "the deadline passed before the notice was sent");

    const fn explained(detail: &'static str, explanation: &'static str) -> Self {
        Self {
            detail: Cow::Borrowed(detail),
            explanation: Some(Cow::Borrowed(explanation)),
            reply: None,
        }
    }

    /// An answer with a status other than 200.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            detail: Cow::Owned(format!("http_status_{status}")),
            explanation: Some(Cow::Owned(format!(
                "the answer has HTTP status {status}; only 200 is read"
            ))),
            reply: None,
        }
    }

    /// The machine-readable cause.
    pub(crate) fn into_detail(self) -> Cow<'static, str> {
        self.detail
    }

    /// The machine-readable cause.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The cause for people, if there is more to say.
    pub(crate) fn explanation(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    /// The step at which an answer failed, if one arrived.
    pub(crate) const fn reply(&self) -> Option<&ReplyFault> {
        self.reply.as_ref()
    }
}

impl From<&'static str> for Fault {
    fn from(detail: &'static str) -> Self {
        Self::from(Cow::Borrowed(detail))
    }
}

impl From<Cow<'static, str>> for Fault {
    fn from(detail: Cow<'static, str>) -> Self {
        Self { detail, explanation: None, reply: None }
    }
}

impl From<OutboundError> for Fault {
    fn from(error: OutboundError) -> Self {
        let detail = match error {
            OutboundError::BadUrl(_) => "bad_auth_url",
            OutboundError::AddressRefused => "address_refused",
            OutboundError::Connect => "no_connection",
            OutboundError::Timeout => return Self::NO_ANSWER,
            OutboundError::TooLarge { .. } => "answer_too_large",
            OutboundError::Broken => "connection_broken",
        };
        Self { explanation: Some(Cow::Owned(error.to_string())), ..Self::from(detail) }
    }
}

impl From<ReplyFault> for Fault {
    fn from(fault: ReplyFault) -> Self {
        let detail = match &fault {
            ReplyFault::Malformed => "malformed_answer".into(),
            ReplyFault::Field(error) | ReplyFault::InnerField(error) => of_field(error),
            ReplyFault::NoticesField => "missing_encryptData".into(),
            ReplyFault::BadSignature => "bad_signature".into(),
            ReplyFault::BadCiphertext => "bad_ciphertext".into(),
            ReplyFault::NotJson => "answer_not_json".into(),
            ReplyFault::WrongAuthId => "wrong_auth_id".into(),
            ReplyFault::UnknownCode(_) => "unknown_response_code".into(),
        };
        let explanation = Some(Cow::Owned(fault.to_string()));
        Self { detail, explanation, reply: Some(fault) }
    }
}

/// `missing_` or `ill_formed_` and the field's own name.
fn of_field(error: &ParseError) -> Cow<'static, str> {
    let name = error.field.rsplit('.').next().unwrap_or_default();
    let kind = if error.problem == Problem::Missing { "missing" } else { "ill_formed" };
    Cow::Owned(format!("{kind}_{name}"))
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
