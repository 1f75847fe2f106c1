//! An enterprise as operators see it: no secret is in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{ApiKey, Enterprise, EnterpriseId, Money, SealedUrl, StandIn, UrlUse};
use serde::Serialize;
use store::{NewEnterprise, PlatformKey};
use utoipa::ToSchema;

use crate::answer_body::answer_body;
use crate::problem::Problem;
use crate::state::ApiState;

answer_body! {
    /// An API key without its secret.
    pub(crate) struct ApiKeyBody of key: &ApiKey {
        /// Its public text.
        api_key: String = key.api_key.clone(),
        /// Created, RFC 3339.
        created_at: String = key.created_at.to_string(),
        /// Revoked, if it is.
        revoked_at: Option<String> = key.revoked_at.map(|at| at.to_string()),
    }
}

/// The mode of stand-in that approves nothing.
pub(super) const DECLINE: &str = "decline";
/// The mode that approves within limits.
pub(super) const APPROVE_UP_TO: &str = "approve_up_to";

/// What decides while the enterprise does not answer; without limits for `decline`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StandInBody {
    /// `decline` or `approve_up_to`.
    mode: &'static str,
    /// The most of one authorisation with its increments, major units.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    /// The only billing currency, ISO 4217 numeric.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// The most of a UTC+8 day, major units.
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_total: Option<String>,
}

impl StandInBody {
    fn of(terms: Option<StandIn>) -> Self {
        let Some(StandIn { currency, amount_minor, daily_total_minor }) = terms else {
            return Self { mode: DECLINE, amount: None, currency: None, daily_total: None };
        };
        let major = |minor| Some(Money::new(minor, currency).to_major());
        Self {
            mode: APPROVE_UP_TO,
            amount: major(amount_minor),
            currency: Some(currency.to_string()),
            daily_total: major(daily_total_minor),
        }
    }
}

/// Parts of an enterprise's body that are not in the enterprise's row.
#[derive(Default)]
pub(crate) struct Beside {
    webhook_url: Option<String>,
    auth_url: Option<String>,
    platform_key: Option<PlatformKey>,
    keys: Vec<ApiKey>,
}

answer_body! {
    /// An enterprise and its settings.
    pub(crate) struct EnterpriseBody of enterprise: &Enterprise, beside: Beside {
        enterprise_id: String = enterprise.enterprise_id.to_string(),
        name: String = enterprise.name.clone(),
        /// Where webhooks go; null also if it cannot be opened and must be set again.
        webhook_url: Option<String> = beside.webhook_url,
        /// Where authorisation notices go; null as with `webhookUrl`.
        auth_url: Option<String> = beside.auth_url,
        /// The enterprise's RSA public key, base64 of its SPKI.
        external_public_key: Option<String> =
            enterprise.external_public_key.as_ref().map(|der| STANDARD.encode(der)),
        /// The API key that signs webhooks; null = the oldest active one.
        webhook_key: Option<String> = enterprise.webhook_key.clone(),
        /// Networks that may call; empty = any (sandbox only).
        ip_allowlist: Vec<String> =
            enterprise.ip_allowlist.iter().map(ToString::to_string).collect(),
        redirect_hosts: Vec<String> = enterprise.redirect_hosts.clone(),
        page_origins: Vec<String> = enterprise.page_origins.clone(),
        /// Whether it has PCI certification.
        pci: bool = enterprise.pci,
        /// Time that an authorisation waits for the enterprise.
        auth_deadline_ms: u32 = enterprise.auth_deadline_ms,
        /// `PKCS1` or `OAEP_SHA256`.
        rsa_padding: String = enterprise.rsa_padding.to_string(),
        /// `SHA256`, `SHA1` or `SHA512`: the digest of the signatures on notices and answers.
        rsa_hash: String = enterprise.rsa_hash.to_string(),
        /// `TEXT` or `RAW`: whether the base64 text of a notice's ciphertext is signed, or the
        /// ciphertext. Answers may sign either.
        rsa_signed_bytes: String = enterprise.rsa_signed_bytes.to_string(),
        stand_in: StandInBody = StandInBody::of(enterprise.stand_in),
        /// The platform's RSA public key for this enterprise, base64 of its SPKI.
        platform_public_key: Option<String> =
            beside.platform_key.map(|key| STANDARD.encode(key.public_key)),
        api_keys: Vec<ApiKeyBody> = beside.keys.iter().map(ApiKeyBody::of).collect(),
        /// RFC 3339.
        created_at: String = enterprise.created_at.to_string(),
    }
}

impl EnterpriseBody {
    /// The body of an enterprise; reads the parts that are not in its row.
    pub(crate) async fn read(state: &ApiState, enterprise: &Enterprise) -> Result<Self, Problem> {
        let id = enterprise.enterprise_id;
        let beside = Beside {
            platform_key: state.store.platform_key(id).await?,
            keys: state.store.api_keys(id).await?,
            webhook_url: opened_url(state, id, UrlUse::Webhook, enterprise.webhook_url.as_ref()),
            auth_url: opened_url(state, id, UrlUse::Auth, enterprise.auth_url.as_ref()),
        };
        Ok(Self::of(enterprise, beside))
    }

    /// The body of a new enterprise, which has neither URLs nor an API key yet.
    pub(crate) fn of_new(made: &NewEnterprise) -> Self {
        let platform_key = Some(made.key.clone());
        Self::of(&made.enterprise, Beside { platform_key, ..Beside::default() })
    }
}

/// A URL as the operator gave it; `None`, and an error in the log, if it cannot be opened: the
/// operator must see the other settings to replace it.
pub(super) fn opened_url(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    of: UrlUse,
    url: Option<&SealedUrl>,
) -> Option<String> {
    match state.vault.open_url(enterprise_id, of, url?) {
        Ok(opened) => Some(opened.expose().to_owned()),
        Err(error) => {
            tracing::error!(%enterprise_id, ?of, %error, "a URL cannot be opened");
            None
        }
    }
}
