//! The facts about the sandbox's enterprise that are kept as settings, and the failures of making
//! it.

use provision::ProvisionError;
use store::{MoneyError, Store, StoreError};
use thiserror::Error;
use vault::VaultError;

/// Why the sandbox's enterprise could not be made.
#[derive(Debug, Error)]
pub(super) enum SandboxError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Money(#[from] MoneyError),
    #[error(transparent)]
    Provision(#[from] ProvisionError),
    #[error(transparent)]
    Crypto(#[from] crypto::CryptoError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("{0} is kept and not in the store")]
    Missing(&'static str),
}

/// The text of a setting, if it is there.
pub(super) async fn kept(store: &Store, setting: &str) -> Result<Option<String>, StoreError> {
    let value = store.setting(setting).await?;
    value
        .map(|bytes| String::from_utf8(bytes).map_err(|_| StoreError::Corrupt("setting")))
        .transpose()
}
