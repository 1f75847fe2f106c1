//! Enterprises, their API keys and their platform key pairs.

use std::sync::{Arc, LazyLock};

use domain::{
    ApiKey, Destination, Enterprise, EnterpriseId, RsaHash, RsaPadding, RsaSignedBytes, SealedUrl,
    Timestamp,
};
use ipnet::IpNet;

use crate::engine::{Row, Tx};
use crate::listing::{ListOrder, Page, PageWish};
use crate::outbox::set_has_url;
use crate::rows::{
    API_KEY_COLUMNS, ENTERPRISE_COLUMNS, PLATFORM_KEY_COLUMNS, api_key_from, api_key_values,
    enterprise_from, enterprise_values, platform_key_from, platform_key_values, update_text,
};
use crate::{Store, StoreError};

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

/// What an operator changes of an enterprise; `None` leaves a field as it is, and
/// `Some(None)` clears it.
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
    }
}

/// An enterprise as it was made.
#[derive(Clone)]
pub struct NewEnterprise {
    /// The enterprise.
    pub enterprise: Enterprise,
    /// The first version of its platform key pair.
    pub key: PlatformKey,
}

impl Store {
    /// Creates an enterprise with the first version of its platform key pair.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_enterprise(
        &self,
        enterprise: Enterprise,
        key: PlatformKey,
    ) -> Result<NewEnterprise, StoreError> {
        let made = NewEnterprise { enterprise, key };
        self.write_kept(move |tx| {
            let made = made.clone();
            Box::pin(async move {
                let row = enterprise_values(&made.enterprise);
                tx.insert_rows("enterprise", ENTERPRISE_COLUMNS, &[row]).await?;
                let row = platform_key_values(&made.key);
                tx.insert_rows("platform_key", PLATFORM_KEY_COLUMNS, &[row]).await?;
                let destination = Destination::enterprise(made.enterprise.enterprise_id);
                set_has_url(tx, destination, made.enterprise.webhook_url.is_some()).await?;
                Ok(made)
            })
        })
        .await
    }

    /// An enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enterprise(&self, id: EnterpriseId) -> Result<Option<Enterprise>, StoreError> {
        self.read(move |tx| Box::pin(find(tx, id, ""))).await
    }

    /// A page of the enterprises.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enterprises(
        &self,
        wish: PageWish<EnterpriseId>,
    ) -> Result<Vec<Enterprise>, StoreError> {
        let page = Page::new("enterprise_id", wish, EnterpriseId::as_i64);
        self.page("enterprise", ENTERPRISE_COLUMNS, page, enterprise_from).await
    }

    /// Ids of enterprises, in order, after `cursor`, at most `limit`: that one cannot be read
    /// is no reason to pass over the others.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enterprise_ids(
        &self,
        cursor: Option<EnterpriseId>,
        limit: u32,
    ) -> Result<Vec<EnterpriseId>, StoreError> {
        let wish = PageWish { cursor, limit, order: ListOrder::OldestFirst };
        let page = Page::new("enterprise_id", wish, EnterpriseId::as_i64);
        let id = |row: &Row| row.int(0).map(EnterpriseId::from_i64);
        self.page("enterprise", "enterprise_id", page, id).await
    }

    /// Changes an enterprise; `None` if there is no such enterprise. Wakes the outbox,
    /// since a webhook URL may have been set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn patch_enterprise(
        &self,
        id: EnterpriseId,
        patch: EnterprisePatch,
    ) -> Result<Option<Enterprise>, StoreError> {
        let patch = Arc::new(patch);
        let patched = self
            .write(move |tx| {
                let patch = Arc::clone(&patch);
                Box::pin(async move { apply_patch(tx, id, &patch).await })
            })
            .await?;
        self.inner.outbox_changed.notify_one();
        Ok(patched)
    }

    /// The newest version of the platform's key pair for an enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn platform_key(&self, id: EnterpriseId) -> Result<Option<PlatformKey>, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {PLATFORM_KEY_COLUMNS} FROM platform_key WHERE enterprise_id = $1 \
                     ORDER BY version DESC LIMIT 1"
                );
                tx.query_opt(&sql, &[id.into()]).await?.as_ref().map(platform_key_from).transpose()
            })
        })
        .await
    }

    /// Adds an API key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_api_key(&self, key: ApiKey) -> Result<ApiKey, StoreError> {
        self.write_kept(move |tx| {
            let key = key.clone();
            Box::pin(async move {
                tx.insert_rows("api_key", API_KEY_COLUMNS, &[api_key_values(&key)]).await?;
                Ok(key)
            })
        })
        .await
    }

    /// The API key with this public text, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key(&self, api_key: &str) -> Result<Option<ApiKey>, StoreError> {
        let api_key = api_key.to_owned();
        self.read(move |tx| {
            let api_key = api_key.clone();
            Box::pin(async move {
                let sql = format!("SELECT {API_KEY_COLUMNS} FROM api_key WHERE api_key = $1");
                tx.query_opt(&sql, &[api_key.into()]).await?.as_ref().map(api_key_from).transpose()
            })
        })
        .await
    }

    /// An API key and its owner, whom every signed request needs together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_key_and_owner(
        &self,
        api_key: &str,
    ) -> Result<Option<(ApiKey, Option<Enterprise>)>, StoreError> {
        let api_key = api_key.to_owned();
        self.read_one(move |tx| {
            let api_key = api_key.clone();
            Box::pin(async move {
                let row = tx.query_opt(&KEY_AND_OWNER, &[api_key.into()]).await?;
                row.map(key_and_owner_from).transpose()
            })
        })
        .await
    }

    /// All API keys of an enterprise, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn api_keys(&self, id: EnterpriseId) -> Result<Vec<ApiKey>, StoreError> {
        self.read(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {API_KEY_COLUMNS} FROM api_key WHERE enterprise_id = $1 \
                     ORDER BY created_at, api_key"
                );
                tx.query(&sql, &[id.into()]).await?.iter().map(api_key_from).collect()
            })
        })
        .await
    }

    /// Revokes an API key of an enterprise at once; whether there was an active one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_api_key(
        &self,
        id: EnterpriseId,
        api_key: &str,
    ) -> Result<bool, StoreError> {
        let (api_key, now) = (api_key.to_owned(), self.clock().now());
        self.write(move |tx| {
            let api_key = api_key.clone();
            Box::pin(async move {
                let sql = "UPDATE api_key SET revoked_at = $1 \
                    WHERE api_key = $2 AND enterprise_id = $3 AND revoked_at IS NULL";
                tx.execute(sql, &[now.into(), api_key.into(), id.into()]).await.map(|n| n == 1)
            })
        })
        .await
    }
}

/// Built once: it stands before every signed request.
static KEY_AND_OWNER: LazyLock<String> = LazyLock::new(|| {
    let of = |table: &str, columns: &str| {
        format!("{table}.{}", columns.replace(", ", &format!(", {table}.")))
    };
    format!(
        "SELECT {}, {} FROM api_key LEFT JOIN enterprise \
         ON enterprise.enterprise_id = api_key.enterprise_id WHERE api_key.api_key = $1",
        of("api_key", API_KEY_COLUMNS),
        of("enterprise", ENTERPRISE_COLUMNS)
    )
});

fn key_and_owner_from(mut row: Row) -> Result<(ApiKey, Option<Enterprise>), StoreError> {
    let owner = Row(row.0.split_off(API_KEY_COLUMNS.split(',').count()));
    let has_owner = owner.opt_int(0)?.is_some();
    let owner = has_owner.then(|| enterprise_from(&owner)).transpose()?;
    Ok((api_key_from(&row)?, owner))
}

async fn find(tx: &Tx, id: EnterpriseId, lock: &str) -> Result<Option<Enterprise>, StoreError> {
    let sql = format!("SELECT {ENTERPRISE_COLUMNS} FROM enterprise WHERE enterprise_id = $1{lock}");
    tx.query_opt(&sql, &[id.into()]).await?.as_ref().map(enterprise_from).transpose()
}

async fn apply_patch(
    tx: &Tx,
    id: EnterpriseId,
    patch: &EnterprisePatch,
) -> Result<Option<Enterprise>, StoreError> {
    // Two patches of different fields at once must both survive.
    let Some(mut enterprise) = find(tx, id, " FOR UPDATE").await? else { return Ok(None) };
    patch.apply(&mut enterprise);
    let sql = update_text("enterprise", ENTERPRISE_COLUMNS, 1);
    tx.execute(&sql, &enterprise_values(&enterprise)).await?;
    if patch.webhook_url.is_some() {
        let has_url = enterprise.webhook_url.is_some();
        set_has_url(tx, Destination::enterprise(id), has_url).await?;
    }
    Ok(Some(enterprise))
}
