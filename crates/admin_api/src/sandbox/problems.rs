//! Refusals of the simulated network as problem details.

use authorise::{AuthoriseError, ClearingError};
use domain::FxError;
use scheme::SchemeError;

use crate::fields::amount_text;
use crate::problem::Problem;

impl From<SchemeError> for Problem {
    fn from(error: SchemeError) -> Self {
        match error {
            SchemeError::CardNotFound => Self::not_found("card"),
            SchemeError::AuthorisationNotFound => Self::not_found("authorisation"),
            SchemeError::Expiry => Self::invalid("expiry is neither YYMM nor MM/YY"),
            SchemeError::Amount(error) => Self::invalid(format!("amount {}", amount_text(error))),
            SchemeError::Remaining(error) => {
                Self::invalid(format!("remainingAmount {}", amount_text(error)))
            }
            SchemeError::CashBack => Self::invalid("cashBackAmount exceeds amount"),
            SchemeError::NoBalances => Self::invalid(error.to_string()),
            SchemeError::NotPositive => Self::invalid("amount must be above zero"),
            SchemeError::Authorise(error) => error.into(),
            SchemeError::Clearing(error) => error.into(),
            SchemeError::Vault(error) => {
                tracing::error!(%error, "a card's sealed data are out of reach");
                Self::internal()
            }
            SchemeError::Store(error) => error.into(),
        }
    }
}

impl From<AuthoriseError> for Problem {
    fn from(error: AuthoriseError) -> Self {
        match error {
            AuthoriseError::Amount => {
                Self::invalid("amount must be above zero; that of an inquiry may be zero")
            }
            AuthoriseError::OriginalMissing => {
                Self::invalid("originalAuthId is missing: a completion needs its reservation")
            }
            AuthoriseError::NoRate => Self::invalid("currency cannot be converted: no rate is set"),
            AuthoriseError::NotReserved => Self::conflict("not_reserved", error.to_string()),
            AuthoriseError::NotIncrementable => {
                Self::conflict("not_incrementable", error.to_string())
            }
            error if error.is_passing() => Self::unavailable(),
            AuthoriseError::Overloaded => Self::unavailable(),
            AuthoriseError::Undecided => Self::conflict("undecided", error.to_string()),
            AuthoriseError::Money(error) => error.into(),
            AuthoriseError::Store(error) => error.into(),
            AuthoriseError::Missing(_) | AuthoriseError::BrokenOff => {
                tracing::error!(%error, "an authorisation failed");
                Self::internal()
            }
        }
    }
}

impl From<ClearingError> for Problem {
    fn from(error: ClearingError) -> Self {
        match error {
            ClearingError::NotPositive => Self::invalid("amount must be above zero"),
            ClearingError::Conversion(FxError::NoRate { .. }) => {
                Self::invalid("currency cannot be converted: no rate is set")
            }
            ClearingError::Conversion(FxError::OutOfRange) => {
                Self::invalid("amount is out of range after conversion")
            }
            ClearingError::Overloaded => Self::unavailable(),
            ClearingError::BrokenOff => {
                tracing::error!(%error, "a clearing failed");
                Self::internal()
            }
            ClearingError::Money(error) => error.into(),
            ClearingError::Store(error) => error.into(),
        }
    }
}
