//! Why the enterprise gave no usable answer: in one word for machines and in a sentence for people.
//! All of these count as no answer (cardbridge-open-api.md section 8.3); only the log and the
//! decision receipt distinguish them.

use std::borrow::Cow;

use crypto::{CryptoError, RsaPoolError};
use domain::Cause;
use outbound::OutboundError;
use wire::cardbridge::authorisation_notice::ReplyFault;
use wire::cardbridge::problem::{ParseError, Problem};

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    cause: Cause,
    explanation: Option<Cow<'static, str>>,
    reply: Option<ReplyFault>,
}

impl Fault {
    /// The deadline passed while the enterprise was asked.
    pub(crate) const NO_ANSWER: Self =
        Self::explained(Cause::NoAnswer, "no whole answer came within the deadline");
    /// The deadline passed before the notice was sent.
    pub(crate) const LATE_NOTICE: Self = Self::explained(
        Cause::DeadlineBeforeNotice,
        "the deadline passed before the notice was sent",
    );

    const fn explained(cause: Cause, explanation: &'static str) -> Self {
        Self { cause, explanation: Some(Cow::Borrowed(explanation)), reply: None }
    }

    /// An answer with a status other than 200.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            cause: Cause::HttpStatus(status),
            explanation: Some(Cow::Owned(format!(
                "the answer has HTTP status {status}; only 200 is read"
            ))),
            reply: None,
        }
    }

    /// The cause, for programs.
    pub(crate) fn into_cause(self) -> Cause {
        self.cause
    }

    /// The cause, for programs.
    pub(crate) const fn cause(&self) -> &Cause {
        &self.cause
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

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Self { cause, explanation: None, reply: None }
    }
}

impl From<OutboundError> for Fault {
    fn from(error: OutboundError) -> Self {
        let cause = match error {
            OutboundError::BadUrl(_) => Cause::BadAuthUrl,
            OutboundError::AddressRefused => Cause::AddressRefused,
            OutboundError::Connect => Cause::NoConnection,
            OutboundError::Timeout => return Self::NO_ANSWER,
            OutboundError::TooLarge { .. } => Cause::AnswerTooLarge,
            OutboundError::Broken => Cause::ConnectionBroken,
        };
        Self { explanation: Some(Cow::Owned(error.to_string())), ..Self::from(cause) }
    }
}

impl From<ReplyFault> for Fault {
    fn from(fault: ReplyFault) -> Self {
        let cause = match &fault {
            ReplyFault::Malformed => Cause::MalformedAnswer,
            ReplyFault::Field(error) | ReplyFault::InnerField(error) => of_field(error),
            ReplyFault::NoticesField => Cause::MissingField("encryptData".to_owned()),
            ReplyFault::BadSignature => Cause::BadSignature,
            ReplyFault::BadCiphertext => Cause::BadCiphertext,
            ReplyFault::NotJson => Cause::AnswerNotJson,
            ReplyFault::WrongAuthId => Cause::WrongAuthId,
            ReplyFault::UnknownCode(_) => Cause::UnknownResponseCode,
        };
        let explanation = Some(Cow::Owned(fault.to_string()));
        Self { cause, explanation, reply: Some(fault) }
    }
}

/// The cause for a field, by its own name.
fn of_field(error: &ParseError) -> Cause {
    let name = error.field.rsplit('.').next().unwrap_or_default().to_owned();
    match error.problem {
        Problem::Missing => Cause::MissingField(name),
        _ => Cause::IllFormedField(name),
    }
}

impl From<RsaPoolError> for Fault {
    fn from(error: RsaPoolError) -> Self {
        Self::from(match error {
            RsaPoolError::QueueFull => Cause::RsaQueueFull,
            RsaPoolError::Unfinished => Cause::RsaUnfinished,
        })
    }
}

impl From<CryptoError> for Fault {
    fn from(_: CryptoError) -> Self {
        Self::from(Cause::NoticeNotSealed)
    }
}
