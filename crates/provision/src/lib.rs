//! Creates enterprises and API keys, for the operator API and for the sandbox's first start.

use domain::{ApiKey, Enterprise, EnterpriseId};
use store::{NewEnterprise, PlatformKey, Store, StoreError};
use thiserror::Error;
use vault::{SecretText, Vault};

mod vm;

pub use vm::{DEFAULT_ISSUING_AREA, MAX_REMAINING_CARDS, NewVmApp, create_vm_app};

/// Bits of the platform's key pair for an enterprise (cardbridge-open-api.md section 4).
const PLATFORM_KEY_BITS: u32 = 2_048;
/// Version of an enterprise's first key pair.
const FIRST_KEY_VERSION: u32 = 1;

/// Why nothing was created.
#[derive(Debug, Clone, Error)]
pub enum ProvisionError {
    /// No key pair could be generated.
    #[error("no RSA key pair could be generated")]
    KeyPair,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new API key and its secret, which is shown only this once.
pub struct NewApiKey {
    /// The key's public text.
    pub api_key: String,
    /// Its secret.
    pub secret: SecretText,
}

/// Creates an enterprise with default settings and the platform's key pair for it.
///
/// # Errors
/// [`ProvisionError`].
pub async fn create_enterprise(
    store: &Store,
    vault: &Vault,
    name: String,
) -> Result<NewEnterprise, ProvisionError> {
    let enterprise_id = EnterpriseId::from_i64(store.ids().next());
    let now = store.clock().now();
    let generated = tokio::task::spawn_blocking(generate_key_pair).await;
    let (private_key, public_key) = generated.ok().flatten().ok_or(ProvisionError::KeyPair)?;
    let key = PlatformKey {
        enterprise_id,
        version: FIRST_KEY_VERSION,
        sealed_private_key: vault.seal_platform_key(enterprise_id, FIRST_KEY_VERSION, &private_key),
        public_key,
        created_at: now,
    };
    Ok(store.create_enterprise(Enterprise::new(enterprise_id, name, now), key).await?)
}

fn generate_key_pair() -> Option<(zeroize::Zeroizing<Vec<u8>>, Vec<u8>)> {
    let private_key = crypto::RsaPrivateKey::generate(PLATFORM_KEY_BITS).ok()?;
    let public_key = private_key.public_key().to_spki_der().to_vec();
    Some((private_key.to_pkcs8_der().ok()?, public_key))
}

/// Adds an API key to an enterprise.
///
/// # Errors
/// [`StoreError`].
pub async fn create_api_key(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
) -> Result<NewApiKey, StoreError> {
    let (row, key) = draw_api_key(store, vault, enterprise_id);
    store.add_api_key(row).await?;
    Ok(key)
}

/// Draws an API key without storing it: its row, and what its owner receives.
pub fn draw_api_key(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
) -> (ApiKey, NewApiKey) {
    let (api_key, secret) = (vault.new_api_key(), vault.new_secret_key());
    let row = ApiKey {
        api_key: api_key.clone(),
        enterprise_id,
        sealed_secret: vault.seal_api_secret(enterprise_id, &api_key, &secret),
        created_at: store.clock().now(),
        revoked_at: None,
    };
    (row, NewApiKey { api_key, secret })
}
