//! Why the network's message was not taken.

use authorise::{AuthoriseError, ClearingError};
use domain::AmountError;
use store::StoreError;
use thiserror::Error;
use vault::VaultError;

/// Why a message was not taken; nothing was written. A decline is not an error.
#[derive(Debug, Clone, Error)]
pub enum SchemeError {
    /// No card has this id or PAN.
    #[error("card not found")]
    CardNotFound,
    /// No such authorisation.
    #[error("authorisation not found")]
    AuthorisationNotFound,
    /// The expiry is neither YYMM nor MM/YY.
    #[error("the expiry is neither YYMM nor MM/YY")]
    Expiry,
    /// The amount is not valid in its currency.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// What is to remain is not valid in its currency.
    #[error(transparent)]
    Remaining(AmountError),
    /// The amount is not above zero.
    #[error("the amount must be above zero")]
    NotPositive,
    /// The part that is paid out in cash exceeds the amount.
    #[error("the part paid out in cash exceeds the amount")]
    CashBack,
    /// A message needs the card's balances, which its enterprise alone knows.
    #[error("the card's balances are not known here")]
    NoBalances,
    /// The authorisation itself.
    #[error(transparent)]
    Authorise(#[from] AuthoriseError),
    /// The clearing itself.
    #[error(transparent)]
    Clearing(#[from] ClearingError),
    /// The card's sealed data cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
