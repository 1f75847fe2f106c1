//! The address at which an enterprise is asked, and the keys for it.

use domain::{ApiKey, Card, UrlUse};
use vault::Vault;

use crate::checks::Reach;
use crate::forward::AuthEndpoint;
use crate::load::CardContext;
use crate::request::AuthoriseError;

/// The endpoint for an authorisation of `card`, or why nobody is asked.
pub(crate) fn endpoint(
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
    let Some(stored) = &context.platform_key else { return Err(missing_key) };
    let platform_key =
        vault.platform_key(stored.enterprise_id, stored.version, &stored.sealed_private_key);
    let Ok(platform_key) = platform_key else { return Err(missing_key) };
    let Some(auth_url) = &enterprise.auth_url else { return Ok(Err(Reach::NoAuthUrl)) };
    let auth_url = vault
        .open_url(enterprise_id, UrlUse::Auth, auth_url)
        .map_err(|_| AuthoriseError::Missing("authUrl"))?;
    let Some(spki_der) = &enterprise.external_public_key else {
        return Ok(Err(Reach::NoPublicKey));
    };
    let Some(external_key) = vault.public_key(spki_der) else {
        return Ok(Err(Reach::BadPublicKey));
    };
    let secret = ApiKey::signing(&context.api_keys, enterprise.webhook_key.as_deref())
        .and_then(|key| vault.api_secret(key).ok());
    Ok(Ok(AuthEndpoint {
        auth_url,
        external_key,
        platform_key,
        platform_key_version: stored.version,
        scheme: enterprise.rsa_scheme(),
        secret,
    }))
}
