//! Errors in amounts.

use thiserror::Error;

/// Why a text is not an amount, or why an arithmetic step was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Not a decimal number.
    #[error("not a decimal amount")]
    Syntax,
    /// Finer than the currency's minor unit.
    #[error("more decimals than the currency has")]
    TooManyDecimals,
    /// Beyond the range of 64-bit minor units.
    #[error("amount out of range")]
    OutOfRange,
    /// Two amounts of different currencies were combined.
    #[error("currencies differ")]
    CurrencyMismatch,
}
