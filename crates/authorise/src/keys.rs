//! Keys and secrets, opened and parsed once, and what is made of them to ask an enterprise.

use std::sync::Arc;

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::{ApiKey, Card, EnterpriseId, UrlUse};
use store::PlatformKey;
use vault::{Kept, SecretText, Vault};

use crate::checks::Reach;
use crate::forward::AuthEndpoint;
use crate::load::CardContext;
use crate::request::AuthoriseError;

/// The keys of enterprises.
#[derive(Default)]
pub(crate) struct KeyRing {
    external: Kept<EnterpriseId, RsaPublicKey>,
    platform: Kept<EnterpriseId, RsaPrivateKey>,
    secrets: Kept<EnterpriseId, Arc<SecretText>>,
}

impl KeyRing {
    /// Where to ask about an authorisation of `card`, or why nobody is asked.
    pub(crate) fn endpoint(
        &self,
        vault: &Vault,
        card: &Card,
        context: &CardContext,
    ) -> Result<Result<AuthEndpoint, Reach>, AuthoriseError> {
        if !card.account.is_forwarded() {
            return Ok(Err(Reach::NotAsked));
        }
        let enterprise = &context.enterprise;
        let enterprise_id = enterprise.enterprise_id;
        let missing_key = AuthoriseError::Missing("platform key");
        let Some(stored_key) = &context.platform_key else { return Err(missing_key) };
        let Some(platform_key) = self.platform(vault, stored_key) else { return Err(missing_key) };
        let Some(auth_url) = &enterprise.auth_url else { return Ok(Err(Reach::NoAuthUrl)) };
        let auth_url = vault
            .open_url(enterprise_id, UrlUse::Auth, auth_url)
            .map_err(|_| AuthoriseError::Missing("authUrl"))?;
        let Some(spki_der) = &enterprise.external_public_key else {
            return Ok(Err(Reach::NoPublicKey));
        };
        let Some(external_key) = self.external(enterprise_id, spki_der) else {
            return Ok(Err(Reach::BadPublicKey));
        };
        let secret = ApiKey::signing(&context.api_keys, enterprise.webhook_key.as_deref())
            .and_then(|key| self.secret(vault, key));
        Ok(Ok(AuthEndpoint {
            auth_url,
            external_key,
            platform_key,
            platform_key_version: stored_key.version,
            scheme: enterprise.rsa_scheme(),
            secret,
        }))
    }

    /// An enterprise's public key from the DER of its SPKI; none if it is unusable.
    fn external(&self, id: EnterpriseId, spki_der: &[u8]) -> Option<RsaPublicKey> {
        self.external.made_of(id, spki_der, || RsaPublicKey::from_spki_der(spki_der).ok())
    }

    /// The platform's private key for an enterprise; none if it does not open.
    fn platform(&self, vault: &Vault, key: &PlatformKey) -> Option<RsaPrivateKey> {
        let sealed = &key.sealed_private_key;
        self.platform.made_of(key.enterprise_id, sealed, || {
            let der = vault.open_platform_key(key.enterprise_id, key.version, sealed).ok()?;
            RsaPrivateKey::from_pkcs8_der(&der).ok()
        })
    }

    /// The secret of the API key that signs; none if it does not open.
    fn secret(&self, vault: &Vault, key: &ApiKey) -> Option<Arc<SecretText>> {
        self.secrets.made_of(key.enterprise_id, &key.sealed_secret, || {
            let opened =
                vault.open_api_secret(key.enterprise_id, &key.api_key, &key.sealed_secret).ok()?;
            Some(Arc::new(opened))
        })
    }
}
