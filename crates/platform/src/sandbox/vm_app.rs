//! The sandbox enterprise's app of dialect 2.

use crypto::RsaPublicKey;
use domain::{EnterpriseId, Mode, VmApp, VmFunding, VmProduct};
use provision::{NewVmApp, create_vm_app};
use store::{Store, StoreError, VmAppAccount};
use vault::{SecretText, Vault};

use super::kept::{SandboxError, kept};

/// Settings with the identity.
const APP: &str = "sandbox-vm-app";
const SECRET: &str = "sandbox-vm-app-secret";
/// The purpose under which its secret is sealed: the app itself keeps only a digest.
const SECRET_PURPOSE: &str = "vm-app-secret";
/// 10000.00 on each account.
const OPENING_MINOR: i64 = 1_000_000;
const ACCOUNTS: [(VmAppAccount, &str); 2] = [
    (VmAppAccount::Balance, "sandbox-opening-vm-balance"),
    (VmAppAccount::Wallet, "sandbox-opening-vm-wallet"),
];

/// The identity of the sandbox's app.
pub struct VmAppIdentity {
    /// The app id it authenticates with.
    pub app_id: String,
    /// Its secret.
    pub app_secret: SecretText,
    /// The platform's public key for it, PEM.
    pub platform_public_key: String,
    /// Code of its prepaid product.
    pub prepaid_code: String,
    /// Code of its credit-line product.
    pub credit_line_code: String,
}

/// Makes the missing parts of the app and returns its identity.
pub(super) async fn provision(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
    platform_key: &RsaPublicKey,
) -> Result<VmAppIdentity, SandboxError> {
    let names = names(store, vault, enterprise_id).await?;
    let app = match store.vm_app(&names.app_id).await? {
        Some(app) => app,
        None => create_vm_app(store, enterprise_id, &names, Mode::Sandbox).await?,
    };
    for (account, reference) in ACCOUNTS {
        let now = store.clock().now();
        store.fund_vm_app(&app, account, OPENING_MINOR, reference.to_owned(), now).await?;
    }
    let products = store.vm_products(enterprise_id, app.vm_app_id).await?;
    Ok(VmAppIdentity {
        platform_public_key: platform_key.to_pem(),
        prepaid_code: code(&products, &app, VmFunding::Prepaid)?,
        credit_line_code: code(&products, &app, VmFunding::CreditLine)?,
        app_id: names.app_id,
        app_secret: names.secret,
    })
}

/// Stored before the app is made, so a start that broke off is finished with the same names.
async fn names(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
) -> Result<NewVmApp, SandboxError> {
    if let Some(app_id) = kept(store, APP).await? {
        let sealed = store.setting(SECRET).await?.ok_or(SandboxError::Missing("app's secret"))?;
        let opened = vault.open_secret(enterprise_id, SECRET_PURPOSE, &app_id, &sealed)?;
        let secret = SecretText::from_utf8(&opened).ok_or(StoreError::Corrupt(SECRET))?;
        return Ok(NewVmApp { app_id, secret });
    }
    let drawn = NewVmApp::draw(vault);
    let secret = drawn.secret.expose().as_bytes();
    let sealed = vault.seal_secret(enterprise_id, SECRET_PURPOSE, &drawn.app_id, secret);
    store.put_setting(SECRET, &sealed).await?;
    store.put_setting(APP, drawn.app_id.as_bytes()).await?;
    Ok(drawn)
}

/// The code of the app's first product with this funding.
fn code(products: &[VmProduct], app: &VmApp, funding: VmFunding) -> Result<String, SandboxError> {
    let first = |it: &&VmProduct| it.funding == funding && it.created_at == app.created_at;
    let product = products.iter().find(first).ok_or(SandboxError::Missing("product"))?;
    Ok(product.product_code.clone())
}
