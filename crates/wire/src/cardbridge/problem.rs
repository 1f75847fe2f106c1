//! Errors in a request: the field, the fault and its code.

use domain::{ErrorCode, MAX_REFERENCE_CHARS};
use thiserror::Error;

use crate::field::Fault;

/// A fault of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Problem {
    /// Required and not there (or null, or blank).
    #[error("is missing")]
    Missing,
    /// The JSON type is not one that the field takes.
    #[error("has the wrong type")]
    WrongType,
    /// Longer than the field takes.
    #[error("is too long")]
    TooLong,
    /// Holds control characters.
    #[error("holds control characters")]
    ControlCharacters,
    /// Not a caller's reference as `domain::is_reference` defines it.
    #[error("must be 1 to {MAX_REFERENCE_CHARS} visible characters without a blank at either end")]
    NotAReference,
    /// Not a decimal.
    #[error("is not a decimal amount")]
    NotAnAmount,
    /// Not above zero, beyond the largest amount, or finer than its currency's minor unit.
    #[error("must be above zero and a multiple of the currency's minor unit")]
    NotSpendable,
    /// Not an ISO 4217 currency.
    #[error("is not an ISO 4217 currency code")]
    NotACurrency,
    /// Not an ISO 3166 country.
    #[error("is not an ISO 3166 country code")]
    NotACountry,
    /// Cannot be decrypted with the secret of the signing key.
    #[error("cannot be decrypted")]
    Undecipherable,
    /// Given more than once.
    #[error("is given more than once")]
    Repeated,
    /// Not a JSON object.
    #[error("is not a JSON object")]
    NotAnObject,
    /// Not a well-formed query string.
    #[error("is not a well-formed query string")]
    NotAQuery,
    /// Neither APPROVE nor REJECT.
    #[error("must be APPROVE or REJECT")]
    NotAVerdict,
    /// Not one of the values that are published for it.
    #[error("is not one of its values")]
    NotInDictionary,
    /// A mode of operation that does not exist.
    #[error("names no supported mode")]
    UnknownMode,
    /// Not a type, day or form of a reconciliation file.
    #[error("names no reconciliation file")]
    NotAFile,
    /// A file's name without one of the extensions that are taken.
    #[error("must end in .pdf, .jpg, .jpeg or .png")]
    NotAFileType,
    /// Not a purpose of an upload.
    #[error("must be CREATE_CARD_EDD, INCREASE_LIMIT_EDD or CREATE_CARD_KYC")]
    NotAnUploadPurpose,
    /// Not a type of hosted page.
    #[error("must be 1, 2, 3, 4 or 7")]
    UnknownGuidanceType,
    /// Neither 0 nor 1.
    #[error("must be 0 or 1")]
    NotAnOtpStatus,
    /// Not 4 to 8 digits.
    #[error("must be 4 to 8 digits")]
    NotAnOtp,
    /// Neither EMAIL nor SMS.
    #[error("must be EMAIL or SMS")]
    NotAnOtpChannel,
    /// Neither zh nor en.
    #[error("must be zh or en")]
    NotALanguage,
    /// Not an absolute http or https URL without user information.
    #[error("is not an absolute http or https URL")]
    NotAWebUrl,
    /// Not a name that can be embossed.
    #[error("must be 1 to 26 of A-Z a-z 0-9 space . ' -")]
    NotEmbossable,
}

/// A request that cannot be read. Its text is for `messageDetail`: it names the field
/// and never repeats the caller's value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field} {problem}")]
pub struct ParseError {
    /// Path of the field, `kycInfo.country`.
    pub field: String,
    /// The fault.
    pub problem: Problem,
}

impl ParseError {
    /// An error about one field.
    #[must_use]
    pub fn new(field: impl Into<String>, problem: Problem) -> Self {
        Self { field: field.into(), problem }
    }

    /// The dialect's code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self.problem {
            Problem::UnknownMode | Problem::NotAnOtpChannel => ErrorCode::OperationNotSupport,
            Problem::NotAnUploadPurpose => ErrorCode::UploadBusinessTypeError,
            Problem::UnknownGuidanceType => ErrorCode::GuidanceLinkTypeInvalid,
            Problem::NotAnOtpStatus => ErrorCode::GuidanceLinkPreVerifiedInvalid,
            _ => ErrorCode::SysIllegalParam,
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing | Fault::Blank => Self::Missing,
            Fault::WrongType(_) | Fault::Undecodable | Fault::NotWithin(..) => Self::WrongType,
            Fault::TooLong | Fault::TooManyEntries => Self::TooLong,
            Fault::ControlCharacters => Self::ControlCharacters,
            Fault::NotAnObject => Self::NotAnObject,
        }
    }
}
