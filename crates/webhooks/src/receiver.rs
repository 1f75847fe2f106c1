//! The URL and the signing of a destination's webhooks.

use std::sync::Arc;

use domain::{
    ApiKey, Destination, Enterprise, EnterpriseId, SealedUrl, UrlUse, VmApp, VmAppId, WebhookEvent,
    WebhookType,
};
use store::{Store, StoreError};
use thiserror::Error;
use vault::{SecretText, Vault, VaultError};
use zeroize::Zeroizing;

/// The current URL of a destination's webhooks, and their signing.
pub struct Receiver {
    /// Its webhook URL, if it has one.
    pub url: Option<SecretText>,
    /// The signing of its webhooks.
    pub signing: Signing,
}

/// The signing of a destination's webhooks.
pub enum Signing {
    /// An enterprise: signed with the secret of its API key, or the reason why that is impossible.
    Enterprise(Result<Arc<SecretText>, NoSecret>),
    /// An app of dialect 2: signed with its own secret, only if it wants that.
    App(Option<SecretText>),
}

/// Why a webhook cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSecret {
    /// The enterprise has no active API key.
    NoActiveKey,
    /// The vault refuses to open the key's secret.
    Sealed,
}

impl NoSecret {
    /// The reason as recorded with the try.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoActiveKey => "not sent: no active API key to sign with",
            Self::Sealed => "not sent: the secret of the signing key cannot be opened",
        }
    }
}

/// Why a receiver cannot be read.
#[derive(Debug, Error)]
pub enum ReceiverError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault refuses to open its URL.
    #[error("its URL cannot be opened: {0}")]
    SealedUrl(VaultError),
}

/// Finds receivers.
pub struct Receivers {
    store: Store,
    vault: Arc<Vault>,
}

impl Receivers {
    /// Receivers of this store.
    pub fn new(store: Store, vault: Arc<Vault>) -> Self {
        Self { store, vault }
    }

    /// The receiver as it is now.
    ///
    /// # Errors
    /// [`ReceiverError`].
    pub async fn find(&self, destination: Destination) -> Result<Receiver, ReceiverError> {
        let enterprise_id = destination.enterprise_id;
        match destination.vm_app_id {
            None => self.enterprise(enterprise_id).await,
            Some(vm_app_id) => self.app(enterprise_id, vm_app_id).await,
        }
    }

    /// The bytes to send: the stored body, opened if it is sealed.
    ///
    /// # Errors
    /// The sealed body cannot be opened.
    pub fn clear_body(&self, event: &WebhookEvent) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        if event.webhook_type != WebhookType::VmCard3ds {
            return Ok(Zeroizing::new(event.body.clone()));
        }
        self.vault.open_challenge_notice(event.enterprise_id, event.webhook_id, &event.body)
    }

    async fn app(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
    ) -> Result<Receiver, ReceiverError> {
        let app = self.store.find::<VmApp>((enterprise_id, vm_app_id)).await?;
        let is_signed = app.as_ref().is_some_and(|it| it.signs_webhooks);
        let secret = is_signed.then(|| self.vault.vm_webhook_secret(enterprise_id, vm_app_id));
        let url = app.and_then(|it| it.webhook_url);
        let url = self.open_url(enterprise_id, UrlUse::AppWebhook(vm_app_id), url)?;
        Ok(Receiver { url, signing: Signing::App(secret) })
    }

    async fn enterprise(&self, enterprise_id: EnterpriseId) -> Result<Receiver, ReceiverError> {
        let (enterprise, keys) = self.store.enterprise_and_keys(enterprise_id).await?;
        let named = enterprise.as_ref().and_then(|e| e.webhook_key.as_deref());
        let secret = match ApiKey::signing(&keys, named) {
            None => Err(NoSecret::NoActiveKey),
            Some(key) => self.vault.api_secret(key).map_err(|error| {
                tracing::error!(%enterprise_id, %error, "a webhook's signing secret stays sealed");
                NoSecret::Sealed
            }),
        };
        let url = enterprise.and_then(|e: Enterprise| e.webhook_url);
        let url = self.open_url(enterprise_id, UrlUse::Webhook, url)?;
        Ok(Receiver { url, signing: Signing::Enterprise(secret) })
    }

    fn open_url(
        &self,
        enterprise_id: EnterpriseId,
        of: UrlUse,
        url: Option<SealedUrl>,
    ) -> Result<Option<SecretText>, ReceiverError> {
        let opened = url.map(|url| self.vault.open_url(enterprise_id, of, &url)).transpose();
        opened.map_err(ReceiverError::SealedUrl)
    }
}
