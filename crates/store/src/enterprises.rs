//! Enterprises, their API keys and their platform key pairs.

use domain::{
    ApiKey, Destination, Enterprise, EnterpriseId, RsaHash, RsaPadding, RsaSignedBytes, SealedUrl,
    StandIn, Timestamp,
};
use ipnet::IpNet;

use crate::engine::{Statement, Tx, with};
use crate::listing::{ListOrder, Page, PageRequest};
use crate::outbox::set_has_url;
use crate::records::{Record as _, columns_of, record, select, sql};
use crate::{ServedRequest, Store, StoreError};

/// One version of the platform's RSA key pair for an enterprise.
#[derive(Clone)]
pub struct PlatformKey {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Version, from 1.
    pub version: u32,
    /// PKCS#8 DER, sealed by the vault.
    pub sealed_private_key: Vec<u8>,
    /// SPKI DER.
    pub public_key: Vec<u8>,
    /// Created.
    pub created_at: Timestamp,
}

record! {
    PlatformKey in "platform_key" key (enterprise_id, version) {
        enterprise_id,
        version,
        sealed_private_key,
        public_key,
        created_at,
    }
}

/// An operator's changes to an enterprise; `None` leaves a field as it is, and `Some(None)` clears
/// it.
#[derive(Debug, Clone, Default)]
pub struct EnterprisePatch {
    /// See [`Enterprise::webhook_url`].
    pub webhook_url: Option<Option<SealedUrl>>,
    /// See [`Enterprise::auth_url`].
    pub auth_url: Option<Option<SealedUrl>>,
    /// See [`Enterprise::external_public_key`].
    pub external_public_key: Option<Option<Vec<u8>>>,
    /// See [`Enterprise::webhook_key`].
    pub webhook_key: Option<Option<String>>,
    /// See [`Enterprise::ip_allowlist`].
    pub ip_allowlist: Option<Vec<IpNet>>,
    /// See [`Enterprise::redirect_hosts`].
    pub redirect_hosts: Option<Vec<String>>,
    /// See [`Enterprise::page_origins`].
    pub page_origins: Option<Vec<String>>,
    /// See [`Enterprise::pci`].
    pub pci: Option<bool>,
    /// See [`Enterprise::auth_deadline_ms`].
    pub auth_deadline_ms: Option<u32>,
    /// See [`Enterprise::rsa_padding`].
    pub rsa_padding: Option<RsaPadding>,
    /// See [`Enterprise::rsa_hash`].
    pub rsa_hash: Option<RsaHash>,
    /// See [`Enterprise::rsa_signed_bytes`].
    pub rsa_signed_bytes: Option<RsaSignedBytes>,
    /// See [`Enterprise::stand_in`].
    pub stand_in: Option<Option<StandIn>>,
}

impl EnterprisePatch {
    fn apply(&self, enterprise: &mut Enterprise) {
        fn set<T: Clone>(field: &mut T, change: Option<&T>) {
            if let Some(value) = change {
                field.clone_from(value);
            }
        }
        set(&mut enterprise.webhook_url, self.webhook_url.as_ref());
        set(&mut enterprise.auth_url, self.auth_url.as_ref());
        set(&mut enterprise.external_public_key, self.external_public_key.as_ref());
        set(&mut enterprise.webhook_key, self.webhook_key.as_ref());
        set(&mut enterprise.ip_allowlist, self.ip_allowlist.as_ref());
        set(&mut enterprise.redirect_hosts, self.redirect_hosts.as_ref());
        set(&mut enterprise.page_origins, self.page_origins.as_ref());
        set(&mut enterprise.pci, self.pci.as_ref());
        set(&mut enterprise.auth_deadline_ms, self.auth_deadline_ms.as_ref());
        set(&mut enterprise.rsa_padding, self.rsa_padding.as_ref());
        set(&mut enterprise.rsa_hash, self.rsa_hash.as_ref());
        set(&mut enterprise.rsa_signed_bytes, self.rsa_signed_bytes.as_ref());
        set(&mut enterprise.stand_in, self.stand_in.as_ref());
    }
}

/// An enterprise as it was created.
#[derive(Clone)]
pub struct NewEnterprise {
    /// The enterprise.
    pub enterprise: Enterprise,
    /// The first version of its platform key pair.
    pub key: PlatformKey,
}

impl Store {
    /// Creates an enterprise with the first version of its platform key pair.
    pub async fn create_enterprise(
        &self,
        enterprise: Enterprise,
        key: PlatformKey,
    ) -> Result<NewEnterprise, StoreError> {
        let made = NewEnterprise { enterprise, key };
        self.write_kept(with(made, async |tx, made| {
            tx.insert(&made.enterprise).await?;
            tx.insert(&made.key).await?;
            let destination = Destination::enterprise(made.enterprise.enterprise_id);
            set_has_url(tx, destination, made.enterprise.webhook_url.is_some()).await?;
            Ok(made.clone())
        }))
        .await
    }

    /// A page of the enterprises.
    pub async fn enterprises(
        &self,
        requested: PageRequest<EnterpriseId>,
    ) -> Result<Vec<Enterprise>, StoreError> {
        let page = Page::new("enterprise_id", requested, EnterpriseId::as_i64);
        self.page(page).await
    }

    /// Ids of enterprises, in order, after `cursor`, at most `limit`: one that cannot be read does
    /// not hide the others.
    pub async fn enterprise_ids(
        &self,
        cursor: Option<EnterpriseId>,
        limit: u32,
    ) -> Result<Vec<EnterpriseId>, StoreError> {
        let requested = PageRequest { cursor, limit, order: ListOrder::OldestFirst };
        let page = Page::new("enterprise_id", requested, EnterpriseId::as_i64);
        self.page_of("enterprise", "enterprise_id", page).await
    }

    /// Changes an enterprise; `None` if there is no such enterprise. Wakes the outbox, because a
    /// webhook URL may have been set.
    pub async fn patch_enterprise(
        &self,
        id: EnterpriseId,
        patch: EnterprisePatch,
    ) -> Result<Option<Enterprise>, StoreError> {
        let patched = self
            .write(with((id, patch), async |tx, (id, patch)| apply_patch(tx, *id, patch).await))
            .await?;
        self.inner.outbox_changed.notify_one();
        Ok(patched)
    }

    /// The newest version of the platform's key pair for an enterprise.
    pub async fn platform_key(&self, id: EnterpriseId) -> Result<Option<PlatformKey>, StoreError> {
        let sql = sql!(
            "{} WHERE enterprise_id = $1 ORDER BY version DESC LIMIT 1",
            select::<PlatformKey>()
        );
        self.one(sql, [id.into()]).await
    }

    /// Adds an API key.
    pub async fn add_api_key(&self, key: ApiKey) -> Result<ApiKey, StoreError> {
        self.insert_kept(key).await
    }

    /// The API key with this public text, revoked or not.
    pub async fn api_key(&self, api_key: &str) -> Result<Option<ApiKey>, StoreError> {
        self.by_key(api_key.to_owned()).await
    }

    /// An API key and its owner, which every signed request needs together.
    pub async fn api_key_and_owner(&self, api_key: &str) -> Result<Option<KeyOwner>, StoreError> {
        self.one(owner_sql(), [api_key.into()]).await
    }

    /// Remembers a request as [`Store::remember_request`] does, and reads the API key that signed
    /// it with its owner as they are now; on a server in one round trip.
    pub async fn remember_signed(
        &self,
        request: ServedRequest,
        api_key: &str,
    ) -> Result<(bool, Option<KeyOwner>), StoreError> {
        if self.is_embedded() {
            let owner = self.api_key_and_owner(api_key).await?;
            return Ok((self.remember_request(request).await?, owner));
        }
        let owner = Statement::new(owner_sql(), [api_key.into()]);
        let mut answers = self.remember_on_server(request, Some(owner)).await?;
        Ok((answers.count()? == 1, answers.one()?))
    }

    /// An enterprise with all its API keys, oldest first.
    pub async fn enterprise_and_keys(
        &self,
        id: EnterpriseId,
    ) -> Result<(Option<Enterprise>, Vec<ApiKey>), StoreError> {
        self.read(move |tx| {
            Box::pin(async move {
                let statements = [
                    Statement::new(Enterprise::texts().by_key.as_str(), [id.into()]),
                    Statement::new(keys_sql(), [id.into()]),
                ];
                let mut answers = tx.together(&statements).await?;
                Ok((answers.one()?, answers.all()?))
            })
        })
        .await
    }

    /// All API keys of an enterprise, oldest first.
    pub async fn api_keys(&self, id: EnterpriseId) -> Result<Vec<ApiKey>, StoreError> {
        self.all(keys_sql(), [id.into()]).await
    }

    /// Revokes an API key of an enterprise at once; false if there was no active one.
    pub async fn revoke_api_key(
        &self,
        id: EnterpriseId,
        api_key: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE api_key SET revoked_at = $1 \
            WHERE api_key = $2 AND enterprise_id = $3 AND revoked_at IS NULL";
        let now = self.clock().now();
        Ok(self.execute(sql, [now.into(), api_key.into(), id.into()]).await? == 1)
    }
}

async fn apply_patch(
    tx: &Tx,
    id: EnterpriseId,
    patch: &EnterprisePatch,
) -> Result<Option<Enterprise>, StoreError> {
    // Two patches of different fields at once must both survive.
    let found = tx.by_key_locked::<Enterprise>(id).await?;
    let Some(mut enterprise) = found else { return Ok(None) };
    patch.apply(&mut enterprise);
    tx.update(&enterprise).await?;
    if patch.webhook_url.is_some() {
        let has_url = enterprise.webhook_url.is_some();
        set_has_url(tx, Destination::enterprise(id), has_url).await?;
    }
    Ok(Some(enterprise))
}

/// An API key and its owner, if that is there.
pub type KeyOwner = (ApiKey, Option<Enterprise>);

fn owner_sql() -> &'static str {
    sql!(
        "SELECT {}, {} FROM api_key LEFT JOIN enterprise \
         ON enterprise.enterprise_id = api_key.enterprise_id WHERE api_key.api_key = $1",
        columns_of::<ApiKey>("api_key"),
        columns_of::<Enterprise>("enterprise")
    )
}

fn keys_sql() -> &'static str {
    sql!("{} WHERE enterprise_id = $1 ORDER BY created_at, api_key", select::<ApiKey>())
}
