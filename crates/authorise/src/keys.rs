//! Keys and secrets, opened and parsed once.

use std::sync::Arc;

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::{ApiKey, EnterpriseId};
use store::PlatformKey;
use vault::{Kept, SecretText, Vault};

/// The keys of enterprises.
#[derive(Default)]
pub(crate) struct KeyRing {
    external: Kept<EnterpriseId, RsaPublicKey>,
    platform: Kept<EnterpriseId, RsaPrivateKey>,
    secrets: Kept<EnterpriseId, Arc<SecretText>>,
}

impl KeyRing {
    /// An enterprise's public key from the DER of its SPKI; none if it is unusable.
    pub(crate) fn external(&self, id: EnterpriseId, spki_der: &[u8]) -> Option<RsaPublicKey> {
        self.external.made_of(id, spki_der, || RsaPublicKey::from_spki_der(spki_der).ok())
    }

    /// The platform's private key for an enterprise; none if it does not open.
    pub(crate) fn platform(&self, vault: &Vault, key: &PlatformKey) -> Option<RsaPrivateKey> {
        let sealed = &key.sealed_private_key;
        self.platform.made_of(key.enterprise_id, sealed, || {
            let der = vault.open_platform_key(key.enterprise_id, key.version, sealed).ok()?;
            RsaPrivateKey::from_pkcs8_der(&der).ok()
        })
    }

    /// The secret of the API key that signs; none if it does not open.
    pub(crate) fn secret(&self, vault: &Vault, key: &ApiKey) -> Option<Arc<SecretText>> {
        self.secrets.made_of(key.enterprise_id, &key.sealed_secret, || {
            let opened =
                vault.open_api_secret(key.enterprise_id, &key.api_key, &key.sealed_secret).ok()?;
            Some(Arc::new(opened))
        })
    }
}
