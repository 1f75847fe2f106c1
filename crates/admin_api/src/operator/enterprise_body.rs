//! An enterprise as operators see it: no secret is in it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{ApiKey, Enterprise, EnterpriseId, SealedUrl, UrlUse};
use serde::Serialize;
use store::{NewEnterprise, PlatformKey};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::ApiState;

/// An API key without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyBody {
    /// Its public text.
    api_key: String,
    /// Created, RFC 3339.
    created_at: String,
    /// Revoked, if it is.
    revoked_at: Option<String>,
}

impl From<ApiKey> for ApiKeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            api_key: key.api_key,
            created_at: key.created_at.to_string(),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
        }
    }
}

/// What decides while the enterprise does not answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct StandInBody {
    /// `decline`.
    mode: &'static str,
}

/// An enterprise and its settings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EnterpriseBody {
    enterprise_id: String,
    name: String,
    /// Where webhooks go; null also where it cannot be opened, and is to be given again.
    webhook_url: Option<String>,
    /// Where authorisation notices go; null as with `webhookUrl`.
    auth_url: Option<String>,
    /// The enterprise's RSA public key, base64 of its SPKI.
    external_public_key: Option<String>,
    /// The API key that signs webhooks; null = the oldest active one.
    webhook_key: Option<String>,
    /// Networks that may call; empty = any (sandbox only).
    ip_allowlist: Vec<String>,
    redirect_hosts: Vec<String>,
    page_origins: Vec<String>,
    /// Whether it has PCI papers.
    pci: bool,
    /// How long an authorisation waits for the enterprise.
    auth_deadline_ms: u32,
    /// `PKCS1` or `OAEP_SHA256`.
    rsa_padding: String,
    /// `SHA256`, `SHA1` or `SHA512`: the digest of the signatures on notices and answers.
    rsa_hash: String,
    /// `TEXT` or `RAW`: whether the base64 text of a notice's ciphertext is signed, or the
    /// ciphertext. Answers may sign either.
    rsa_signed_bytes: String,
    stand_in: StandInBody,
    /// The platform's RSA public key for this enterprise, base64 of its SPKI.
    platform_public_key: Option<String>,
    api_keys: Vec<ApiKeyBody>,
    /// RFC 3339.
    created_at: String,
}

impl EnterpriseBody {
    /// Reads what stands beside the enterprise's own row.
    pub(crate) async fn read(
        state: &Arc<ApiState>,
        enterprise: Enterprise,
    ) -> Result<Self, Problem> {
        let id = enterprise.enterprise_id;
        let platform_key = state.store.platform_key(id).await?;
        let keys = state.store.api_keys(id).await?;
        let webhook_url = opened_url(state, id, UrlUse::Webhook, enterprise.webhook_url.clone());
        let auth_url = opened_url(state, id, UrlUse::Auth, enterprise.auth_url.clone());
        Ok(Self { webhook_url, auth_url, ..Self::of(enterprise, platform_key, keys) })
    }

    /// One that has just been made, and has neither URLs nor an API key yet.
    pub(crate) fn of_new(made: &NewEnterprise) -> Self {
        Self::of(made.enterprise.clone(), Some(made.key.clone()), Vec::new())
    }

    /// One whose URLs stay sealed, and are not shown.
    fn of(enterprise: Enterprise, platform_key: Option<PlatformKey>, keys: Vec<ApiKey>) -> Self {
        let id = enterprise.enterprise_id;
        let api_keys = keys.into_iter().map(ApiKeyBody::from);
        Self {
            enterprise_id: id.to_string(),
            name: enterprise.name,
            webhook_url: None,
            auth_url: None,
            external_public_key: enterprise.external_public_key.map(|der| STANDARD.encode(der)),
            webhook_key: enterprise.webhook_key,
            ip_allowlist: enterprise.ip_allowlist.iter().map(ToString::to_string).collect(),
            redirect_hosts: enterprise.redirect_hosts,
            page_origins: enterprise.page_origins,
            pci: enterprise.pci,
            auth_deadline_ms: enterprise.auth_deadline_ms,
            rsa_padding: enterprise.rsa_padding.to_string(),
            rsa_hash: enterprise.rsa_hash.to_string(),
            rsa_signed_bytes: enterprise.rsa_signed_bytes.to_string(),
            stand_in: StandInBody { mode: "decline" },
            platform_public_key: platform_key.map(|key| STANDARD.encode(key.public_key)),
            api_keys: api_keys.collect(),
            created_at: enterprise.created_at.to_string(),
        }
    }
}

/// A URL as the operator gave it; none, and a word in the log, where it cannot be opened: it is
/// to be replaced, and what else there is to be seen meanwhile.
pub(super) fn opened_url(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    of: UrlUse,
    url: Option<SealedUrl>,
) -> Option<String> {
    match state.vault.open_url(enterprise_id, of, &url?) {
        Ok(opened) => Some(opened.expose().to_owned()),
        Err(error) => {
            tracing::error!(%enterprise_id, ?of, %error, "a URL cannot be opened");
            None
        }
    }
}
