//! Apps of dialect 2, their tokens and their products.

use std::sync::Arc;

use domain::{EnterpriseId, Timestamp, VmApp, VmAppId, VmProduct};
use ipnet::IpNet;

use crate::engine::{Tx, Value};
use crate::rows::{
    VM_APP_COLUMNS, VM_PRODUCT_COLUMNS, update_text, vm_app_from, vm_app_values, vm_product_from,
    vm_product_values,
};
use crate::{Store, StoreError};

/// Most expired tokens that one new token removes.
const TOKENS_SWEPT: i64 = 100;
/// Most products of an app; all of them stand in one answer.
const MAX_PRODUCTS: i64 = 1_000;

/// What an app has, minor units of US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmBalances {
    /// What prepaid cards can be loaded from.
    pub balance_minor: i64,
    /// What credit-line cards can draw on.
    pub wallet_minor: i64,
}

/// What an operator changes of an app; `None` leaves a field as it is, and `Some(None)`
/// clears it.
#[derive(Debug, Clone, Default)]
pub struct VmAppPatch {
    /// See [`VmApp::merchant_public_key`].
    pub merchant_public_key: Option<Option<Vec<u8>>>,
    /// See [`VmApp::webhook_url`].
    pub webhook_url: Option<Option<String>>,
    /// See [`VmApp::signs_webhooks`].
    pub signs_webhooks: Option<bool>,
    /// See [`VmApp::ip_whitelist`].
    pub ip_whitelist: Option<Vec<IpNet>>,
}

impl Store {
    /// Creates an app with its products, in one commit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn create_vm_app(
        &self,
        app: VmApp,
        products: Vec<VmProduct>,
    ) -> Result<(), StoreError> {
        let name: Vec<Value> =
            vec![(&app.app_id).into(), app.enterprise_id.into(), app.vm_app_id.into()];
        let app = vm_app_values(&app);
        let products: Vec<_> = products.iter().map(vm_product_values).collect();
        self.write(move |tx| {
            let (app, name, products) = (app.clone(), name.clone(), products.clone());
            Box::pin(async move {
                tx.insert_rows("vm_app", VM_APP_COLUMNS, &[app]).await?;
                let columns = "app_id, enterprise_id, vm_app_id";
                tx.insert_rows("vm_app_name", columns, &[name]).await?;
                tx.insert_rows("vm_product", VM_PRODUCT_COLUMNS, &products).await
            })
        })
        .await
    }

    /// The app that calls itself so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vm_app(&self, app_id: &str) -> Result<Option<VmApp>, StoreError> {
        let app_id = app_id.to_owned();
        self.read_one(move |tx| {
            let app_id = app_id.clone();
            Box::pin(async move { named(tx, &app_id, "").await })
        })
        .await
    }

    /// Changes an app; `None` if there is no such app. Wakes the outbox, since a webhook URL
    /// may have been set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn patch_vm_app(
        &self,
        app_id: &str,
        patch: VmAppPatch,
    ) -> Result<Option<VmApp>, StoreError> {
        let (app_id, patch) = (app_id.to_owned(), Arc::new(patch));
        let patched = self
            .write(move |tx| {
                let (app_id, patch) = (app_id.clone(), Arc::clone(&patch));
                Box::pin(async move { apply_patch(tx, &app_id, &patch).await })
            })
            .await?;
        self.inner.outbox_changed.notify_one();
        Ok(patched)
    }

    /// Keeps the digest of a new token, and forgets some that expired before `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_vm_token(
        &self,
        app: &VmApp,
        token_digest: [u8; 32],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (enterprise_id, vm_app_id) = (app.enterprise_id, app.vm_app_id);
        self.write(move |tx| {
            Box::pin(async move {
                let expired = "DELETE FROM vm_token WHERE token_digest IN (SELECT token_digest \
                    FROM vm_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
                tx.execute(expired, &[now.into(), TOKENS_SWEPT.into()]).await?;
                let row = vec![
                    token_digest.as_slice().into(),
                    enterprise_id.into(),
                    vm_app_id.into(),
                    expires_at.into(),
                ];
                let columns = "token_digest, enterprise_id, vm_app_id, expires_at";
                tx.insert_rows("vm_token", columns, &[row]).await
            })
        })
        .await
    }

    /// The app whose token has this digest and lives at `now` (real time).
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vm_app_of_token(
        &self,
        token_digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<VmApp>, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let columns: Vec<_> =
                    VM_APP_COLUMNS.split(", ").map(|it| format!("app.{}", it.trim())).collect();
                let sql = format!(
                    "SELECT {} FROM vm_token token JOIN vm_app app \
                     ON app.enterprise_id = token.enterprise_id \
                     AND app.vm_app_id = token.vm_app_id \
                     WHERE token.token_digest = $1 AND token.expires_at > $2",
                    columns.join(", ")
                );
                let row = tx.query_opt(&sql, &[token_digest.as_slice().into(), now.into()]).await?;
                row.as_ref().map(vm_app_from).transpose()
            })
        })
        .await
    }

    /// What is available on an app's accounts; an account that was never funded has nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vm_balances(&self, app: &VmApp) -> Result<VmBalances, StoreError> {
        let params: [Value; 2] = [app.enterprise_id.into(), app.vm_app_id.into()];
        self.read_one(move |tx| {
            let params = params.clone();
            Box::pin(async move {
                let sql = "SELECT purpose, available_minor FROM ledger_account \
                    WHERE enterprise_id = $1 AND owner_id = $2 \
                    AND purpose IN ('VM_BALANCE', 'VM_WALLET')";
                let mut balances = VmBalances::default();
                for row in tx.query(sql, &params).await? {
                    match row.opt_str(0)? {
                        Some("VM_BALANCE") => balances.balance_minor = row.int(1)?,
                        _ => balances.wallet_minor = row.int(1)?,
                    }
                }
                Ok(balances)
            })
        })
        .await
    }

    /// All products of an app, in order of their codes.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vm_products(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
    ) -> Result<Vec<VmProduct>, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {VM_PRODUCT_COLUMNS} FROM vm_product \
                     WHERE enterprise_id = $1 AND vm_app_id = $2 ORDER BY product_code LIMIT $3"
                );
                let params = [enterprise_id.into(), vm_app_id.into(), MAX_PRODUCTS.into()];
                tx.query_map(&sql, &params, vm_product_from).await
            })
        })
        .await
    }
}

async fn named(tx: &Tx, app_id: &str, lock: &str) -> Result<Option<VmApp>, StoreError> {
    let route = "SELECT enterprise_id, vm_app_id FROM vm_app_name WHERE app_id = $1";
    let Some(row) = tx.query_opt(route, &[app_id.into()]).await? else { return Ok(None) };
    let sql = format!(
        "SELECT {VM_APP_COLUMNS} FROM vm_app WHERE enterprise_id = $1 AND vm_app_id = $2{lock}"
    );
    let row = tx.query_opt(&sql, &[row.int(0)?.into(), row.int(1)?.into()]).await?;
    row.as_ref().map(vm_app_from).transpose()
}

async fn apply_patch(
    tx: &Tx,
    app_id: &str,
    patch: &VmAppPatch,
) -> Result<Option<VmApp>, StoreError> {
    let Some(mut app) = named(tx, app_id, " FOR UPDATE").await? else { return Ok(None) };
    if let Some(key) = &patch.merchant_public_key {
        app.merchant_public_key.clone_from(key);
    }
    if let Some(url) = &patch.webhook_url {
        app.webhook_url.clone_from(url);
    }
    if let Some(signs) = patch.signs_webhooks {
        app.signs_webhooks = signs;
    }
    if let Some(networks) = &patch.ip_whitelist {
        app.ip_whitelist.clone_from(networks);
    }
    tx.execute(&update_text("vm_app", VM_APP_COLUMNS, 2), &vm_app_values(&app)).await?;
    Ok(Some(app))
}
