//! What is wrong with a request: the field, the fault and its code.

use std::borrow::Cow;
use std::fmt;

use domain::{ErrorCode, MAX_REFERENCE_CHARS};
use thiserror::Error;

use crate::field::Fault;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// Required and not there (or null, or blank).
    Missing,
    /// The JSON type is not one that the field takes.
    WrongType,
    /// Longer than the field takes.
    TooLong,
    /// Holds control characters.
    ControlCharacters,
    /// Not a caller's reference as `domain::is_reference` defines it.
    NotAReference,
    /// Not a decimal.
    NotAnAmount,
    /// Not above zero, beyond the largest amount, or finer than its currency's minor unit.
    NotSpendable,
    /// Not an ISO 4217 currency.
    NotACurrency,
    /// Not an ISO 3166 country.
    NotACountry,
    /// Cannot be decrypted with the secret of the signing key.
    Undecipherable,
    /// Given more than once.
    Repeated,
    /// Not a JSON object.
    NotAnObject,
    /// Not a well-formed query string.
    NotAQuery,
    /// Neither APPROVE nor REJECT.
    NotAVerdict,
    /// Not one of the values that are published for it.
    NotInDictionary,
    /// A mode of operation that does not exist.
    UnknownMode,
    /// Not a type, day or form of a reconciliation file.
    NotAFile,
    /// A file's name without one of the extensions that are taken.
    NotAFileType,
    /// No purpose of an upload.
    NotAnUploadPurpose,
    /// No type of hosted page.
    UnknownGuidanceType,
    /// Neither 0 nor 1.
    NotAnOtpStatus,
    /// Not 4 to 8 digits.
    NotAnOtp,
    /// Neither EMAIL nor SMS.
    NotAnOtpChannel,
    /// Neither zh nor en.
    NotALanguage,
    /// Not an absolute http or https URL without user information.
    NotAWebUrl,
    /// Not a name that a card can bear.
    NotEmbossable,
}

impl Problem {
    fn text(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Missing => "is missing",
            Self::WrongType => "has the wrong type",
            Self::TooLong => "is too long",
            Self::ControlCharacters => "holds control characters",
            Self::NotAReference => {
                return Cow::Owned(format!(
                    "must be 1 to {MAX_REFERENCE_CHARS} visible characters without a blank at \
                     either end"
                ));
            }
            Self::NotAnAmount => "is not a decimal amount",
            Self::NotSpendable => "must be above zero and a multiple of the currency's minor unit",
            Self::NotACurrency => "is not an ISO 4217 currency code",
            Self::NotACountry => "is not an ISO 3166 country code",
            Self::Undecipherable => "cannot be decrypted",
            Self::Repeated => "is given more than once",
            Self::NotAnObject => "is not a JSON object",
            Self::NotAQuery => "is not a well-formed query string",
            Self::NotAVerdict => "must be APPROVE or REJECT",
            Self::NotInDictionary => "is not one of its values",
            Self::UnknownMode => "names no supported mode",
            Self::NotAFile => "names no reconciliation file",
            Self::NotAFileType => "must end in .pdf, .jpg, .jpeg or .png",
            Self::NotAnUploadPurpose => {
                "must be CREATE_CARD_EDD, INCREASE_LIMIT_EDD or CREATE_CARD_KYC"
            }
            Self::UnknownGuidanceType => "must be 1, 2, 3, 4 or 7",
            Self::NotAnOtpStatus => "must be 0 or 1",
            Self::NotAnOtp => "must be 4 to 8 digits",
            Self::NotAnOtpChannel => "must be EMAIL or SMS",
            Self::NotALanguage => "must be zh or en",
            Self::NotAWebUrl => "is not an absolute http or https URL",
            Self::NotEmbossable => "must be 1 to 26 of A-Z a-z 0-9 space . ' -",
        })
    }
}

/// A request that cannot be read. Its text is for `messageDetail`: it names the field
/// and never repeats the caller's value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ParseError {
    /// Path of the field, `kycInfo.country`.
    pub field: String,
    /// What is wrong.
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

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem.text())
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
