//! Apps of dialect 2, their tokens and their products.

use domain::{
    AccountOwner, CardProfile, Currency, Destination, EnterpriseId, Money, SealedUrl, Timestamp,
    VmApp, VmAppId, VmFee, VmFees, VmProduct,
};
use ipnet::IpNet;
use thiserror::Error;

use crate::engine::{Tx, Value, with};
use crate::listing::{Page, PageRequest};
use crate::money::MoveFunds;
use crate::outbox::set_has_url;
use crate::records::{columns_of, select, sql};
use crate::{MoneyError, MovedFunds, Store, StoreError};

/// The most expired tokens that one new token removes.
const TOKENS_SWEPT: i64 = 100;
/// The most products of an app; one answer contains all of them.
const MAX_PRODUCTS: u32 = 1_000;

/// The money of an app, minor units of US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VmBalances {
    /// The money from which prepaid cards can be loaded.
    pub balance_minor: i64,
    /// The money on which credit-line cards can draw.
    pub wallet_minor: i64,
}

/// An operator's changes to an app; `None` leaves a field as it is, and `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct VmAppPatch {
    /// See [`VmApp::merchant_public_key`].
    pub merchant_public_key: Option<Option<Vec<u8>>>,
    /// See [`VmApp::webhook_url`].
    pub webhook_url: Option<Option<SealedUrl>>,
    /// See [`VmApp::signs_webhooks`].
    pub signs_webhooks: Option<bool>,
    /// See [`VmApp::ip_whitelist`].
    pub ip_whitelist: Option<Vec<IpNet>>,
    /// See [`VmApp::fees`].
    pub fees: VmFeesPatch,
}

/// An operator's changes to an app's fees; `None` leaves a part as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct VmFeesPatch {
    /// See [`VmFees::opening_minor`].
    pub opening_minor: Option<i64>,
    /// See [`VmFees::authorisation`].
    pub authorisation: VmFeePatch,
    /// See [`VmFees::decline`].
    pub decline: VmFeePatch,
    /// See [`VmFees::cross_border`].
    pub cross_border: VmFeePatch,
}

/// An operator's changes to one fee; `None` leaves a part as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct VmFeePatch {
    /// See [`VmFee::basis_points`].
    pub basis_points: Option<u32>,
    /// See [`VmFee::least_minor`].
    pub least_minor: Option<i64>,
}

impl VmFeesPatch {
    fn applied_to(&self, fees: VmFees) -> VmFees {
        VmFees {
            opening_minor: self.opening_minor.unwrap_or(fees.opening_minor),
            authorisation: self.authorisation.applied_to(fees.authorisation),
            decline: self.decline.applied_to(fees.decline),
            cross_border: self.cross_border.applied_to(fees.cross_border),
        }
    }
}

impl VmFeePatch {
    fn applied_to(self, fee: VmFee) -> VmFee {
        VmFee {
            basis_points: self.basis_points.unwrap_or(fee.basis_points),
            least_minor: self.least_minor.unwrap_or(fee.least_minor),
        }
    }
}

/// One of an app's two accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmAppAccount {
    /// Prepaid cards are loaded from it.
    Balance,
    /// Credit-line cards draw on it.
    Wallet,
}

/// An error of [`Store::put_vm_product`].
#[derive(Debug, Clone, Error)]
pub enum VmProductError {
    /// The code names a product of another profile or funding.
    #[error("the product code is taken by a product of another profile or funding")]
    Taken,
    /// The app has as many as one answer can show.
    #[error("the app has too many products")]
    TooMany,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Creates an app with its products and the card profiles that were made for them, in one
    /// commit.
    pub async fn create_vm_app(
        &self,
        app: VmApp,
        profiles: Vec<CardProfile>,
        products: Vec<VmProduct>,
    ) -> Result<VmApp, StoreError> {
        let request = (app, profiles, products);
        self.write_kept(with(request, async |tx, (app, profiles, products)| {
            tx.insert_all(profiles).await?;
            tx.insert(app).await?;
            let name = "INSERT INTO vm_app_name (app_id, enterprise_id, vm_app_id) \
                VALUES ($1, $2, $3)";
            let params = [(&app.app_id).into(), app.enterprise_id.into(), app.vm_app_id.into()];
            tx.execute(name, &params).await?;
            tx.insert_all(products).await?;
            set_has_url(tx, destination_of(app), app.webhook_url.is_some()).await?;
            Ok(app.clone())
        }))
        .await
    }

    /// The app with this name.
    pub async fn vm_app(&self, app_id: &str) -> Result<Option<VmApp>, StoreError> {
        self.one(of_name(), [app_id.into()]).await
    }

    /// A page of the apps of an enterprise.
    pub async fn vm_apps(
        &self,
        enterprise_id: EnterpriseId,
        requested: PageRequest<VmAppId>,
    ) -> Result<Vec<VmApp>, StoreError> {
        let mut page = Page::new("vm_app_id", requested, VmAppId::as_i64);
        page.only("enterprise_id", Some(enterprise_id));
        self.page(page).await
    }

    /// Changes an app; `None` if there is no such app. Wakes the outbox, because a webhook URL may
    /// have been set.
    pub async fn patch_vm_app(
        &self,
        app_id: &str,
        patch: VmAppPatch,
    ) -> Result<Option<VmApp>, StoreError> {
        let request = (app_id.to_owned(), patch);
        let patched = self
            .write(with(request, async |tx, (app_id, patch)| apply_patch(tx, app_id, patch).await))
            .await?;
        self.inner.outbox_changed.notify_one();
        Ok(patched)
    }

    /// Keeps the digest of a new token, and forgets some that expired before `now`.
    pub async fn add_vm_token(
        &self,
        app: &VmApp,
        token_digest: [u8; 32],
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let owner = (app.enterprise_id, app.vm_app_id);
        let request = (owner, token_digest, expires_at, now);
        self.write(with(request, async |tx, (owner, token_digest, expires_at, now)| {
            tx.sweep(("vm_token", "token_digest", "expires_at"), *now, TOKENS_SWEPT).await?;
            let sql = "INSERT INTO vm_token \
                (token_digest, enterprise_id, vm_app_id, expires_at) VALUES ($1, $2, $3, $4)";
            let digest = token_digest.as_slice().into();
            let params = [digest, owner.0.into(), owner.1.into(), (*expires_at).into()];
            tx.execute(sql, &params).await.map(drop)
        }))
        .await
    }

    /// The app whose token has this digest and lives at `now` (real time).
    pub async fn vm_app_of_token(
        &self,
        token_digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<VmApp>, StoreError> {
        let sql = sql!(
            "SELECT {} FROM vm_token token JOIN vm_app app \
             ON app.enterprise_id = token.enterprise_id AND app.vm_app_id = token.vm_app_id \
             WHERE token.token_digest = $1 AND token.expires_at > $2",
            columns_of::<VmApp>("app")
        );
        self.one(sql, [token_digest.as_slice().into(), now.into()]).await
    }

    /// The money available on an app's accounts; an account that was never funded has nothing.
    pub async fn vm_balances(&self, app: &VmApp) -> Result<VmBalances, StoreError> {
        let sql = "SELECT purpose, owner_id, available_minor FROM ledger_account \
            WHERE enterprise_id = $1 AND owner_id = $2 \
            AND purpose IN ('VM_BALANCE', 'VM_WALLET')";
        let accounts = self.all(sql, [app.enterprise_id.into(), app.vm_app_id.into()]).await?;
        let mut balances = VmBalances::default();
        for (owner, available_minor) in accounts {
            match owner {
                AccountOwner::VmBalance(_) => balances.balance_minor = available_minor,
                _ => balances.wallet_minor = available_minor,
            }
        }
        Ok(balances)
    }

    /// Brings money to an app. A reference moves money once.
    ///
    /// # Errors
    /// [`MoneyError`]; a reference used for another movement is `ReferenceMismatch`.
    pub async fn fund_vm_app(
        &self,
        app: &VmApp,
        account: VmAppAccount,
        amount_minor: i64,
        reference: String,
        now: Timestamp,
    ) -> Result<MovedFunds, MoneyError> {
        let owner = match account {
            VmAppAccount::Balance => AccountOwner::VmBalance(app.vm_app_id),
            VmAppAccount::Wallet => AccountOwner::VmWallet(app.vm_app_id),
        };
        let (enterprise_id, is_deposit) = (app.enterprise_id, true);
        let amount = Money::new(amount_minor, Currency::USD);
        let request = MoveFunds { enterprise_id, owner, amount, reference, is_deposit, now };
        self.move_funds(request).await
    }

    /// Opens a product to an app. If the app has the same code with the same profile and funding,
    /// sets where the product is issued and how many cards are left. Returns all products of the
    /// app.
    pub async fn put_vm_product(
        &self,
        product: VmProduct,
    ) -> Result<Vec<VmProduct>, VmProductError> {
        self.write_kept(with(product, async |tx, product| {
            put_product(tx, product).await?;
            let (sql, params) = products_of(product.enterprise_id, product.vm_app_id);
            Ok(tx.all(sql, &params).await?)
        }))
        .await
    }

    /// All products of an app, in order of their codes.
    pub async fn vm_products(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
    ) -> Result<Vec<VmProduct>, StoreError> {
        let (sql, params) = products_of(enterprise_id, vm_app_id);
        self.all(sql, params).await
    }

    /// True if any app of an enterprise may open cards of this product.
    pub async fn has_vm_product(
        &self,
        enterprise_id: EnterpriseId,
        product_code: &str,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM vm_product \
            WHERE enterprise_id = $1 AND product_code = $2 LIMIT 1";
        self.finds(sql, [enterprise_id.into(), product_code.into()]).await
    }
}

/// One statement for existing and for missing apps: a caller who guesses names learns nothing from
/// the time it takes.
fn of_name() -> &'static str {
    sql!(
        "SELECT {} FROM vm_app_name name JOIN vm_app app \
         ON app.enterprise_id = name.enterprise_id AND app.vm_app_id = name.vm_app_id \
         WHERE name.app_id = $1",
        columns_of::<VmApp>("app")
    )
}

async fn apply_patch(
    tx: &Tx,
    app_id: &str,
    patch: &VmAppPatch,
) -> Result<Option<VmApp>, StoreError> {
    let Some(named) = tx.one::<VmApp>(of_name(), &[app_id.into()]).await? else { return Ok(None) };
    let locked = tx.by_key_locked::<VmApp>((named.enterprise_id, named.vm_app_id)).await?;
    let Some(mut app) = locked else { return Ok(None) };
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
    app.fees = patch.fees.applied_to(app.fees);
    tx.update(&app).await?;
    if patch.webhook_url.is_some() {
        set_has_url(tx, destination_of(&app), app.webhook_url.is_some()).await?;
    }
    Ok(Some(app))
}

/// The query for all products of an app.
fn products_of(enterprise_id: EnterpriseId, vm_app_id: VmAppId) -> (&'static str, [Value; 3]) {
    let sql = sql!(
        "{} WHERE enterprise_id = $1 AND vm_app_id = $2 ORDER BY product_code LIMIT $3",
        select::<VmProduct>()
    );
    (sql, [enterprise_id.into(), vm_app_id.into(), MAX_PRODUCTS.into()])
}

const fn destination_of(app: &VmApp) -> Destination {
    Destination { enterprise_id: app.enterprise_id, vm_app_id: Some(app.vm_app_id) }
}

async fn put_product(tx: &Tx, product: &VmProduct) -> Result<(), VmProductError> {
    let app: [Value; 2] = [product.enterprise_id.into(), product.vm_app_id.into()];
    // The app's row is locked, so two calls at once cannot insert one code twice.
    let lock = "SELECT app_id FROM vm_app WHERE enterprise_id = $1 AND vm_app_id = $2 FOR UPDATE";
    tx.query_opt(lock, &app).await?;
    let sql = sql!("{} WHERE enterprise_id = $1 AND vm_app_id = $2", select::<VmProduct>());
    let known: Vec<VmProduct> = tx.all(sql, &app).await?;
    match known.iter().find(|it| it.product_code == product.product_code) {
        Some(it) if (it.profile_id, it.funding) != (product.profile_id, product.funding) => {
            Err(VmProductError::Taken)
        }
        Some(it) => {
            let changed = VmProduct { created_at: it.created_at, ..product.clone() };
            Ok(tx.update(&changed).await?)
        }
        None if known.len() >= MAX_PRODUCTS as usize => Err(VmProductError::TooMany),
        None => Ok(tx.insert(product).await?),
    }
}
