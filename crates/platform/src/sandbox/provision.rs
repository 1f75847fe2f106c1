//! The sandbox's own enterprise. Each part is made if missing, and its identity is kept as a
//! setting, so the next start finishes one that broke off.

use domain::{
    CardProfile, Currency, EnterpriseId, Money, ProfileId, VelocityLimit, VelocityLimits,
};
use store::{EnterprisePatch, Store, StoreError};
use vault::{SecretText, Vault};

use super::kept::{SandboxError, kept};
use super::vm_app::{self, VmAppIdentity};
use crate::failure::Failure;

/// Settings that hold the identities.
const ENTERPRISE: &str = "sandbox-enterprise";
const API_KEY: &str = "sandbox-api-key";
const PROFILE: &str = "sandbox-profile";
const NAME: &str = "Sandbox";
/// PANs of the sandbox: in Visa's range, but chosen by us.
const BIN_RANGE: &str = "40009900-40009999";
const CARD_LAYOUT: &str = "MGEBP";
/// 100000.00 in each currency.
const DEPOSIT_MINOR: i64 = 10_000_000;
/// The currencies in which published clients query a balance: SGD, USD, EUR, HKD and MYR.
const DEPOSIT_CURRENCIES: [&str; 5] = ["702", "840", "978", "344", "458"];
/// Prefix of the first deposits' references; a reference moves money only once.
const DEPOSIT_REFERENCE: &str = "sandbox-opening";

/// The identity of the sandbox's enterprise.
pub struct Identity {
    /// The enterprise.
    pub enterprise_id: EnterpriseId,
    /// Its API key.
    pub api_key: String,
    /// The API key's secret.
    pub secret_key: SecretText,
    /// Its card profile.
    pub profile_id: ProfileId,
    /// The platform's public key for it: base64 of the SPKI.
    pub platform_public_key: String,
    /// Its app of dialect 2.
    pub vm_app: VmAppIdentity,
}

/// Makes the missing parts of the sandbox's enterprise and returns its identity.
///
/// # Errors
/// The store or a key failed.
pub async fn provision(store: &Store, vault: &Vault) -> Result<Identity, Failure> {
    let made = async {
        // If several processes start at once, one of them makes it for all.
        let _turn = store.start_turn().await?;
        let enterprise_id = enterprise(store, vault).await?;
        let key = store.platform_key(enterprise_id).await?.ok_or(SandboxError::Missing("key"))?;
        let (api_key, secret_key) = api_key(store, vault, enterprise_id).await?;
        let profile_id = profile(store, enterprise_id).await?;
        deposits(store, enterprise_id).await?;
        let platform_key = crypto::RsaPublicKey::from_spki_der(&key.public_key)?;
        let vm_app = vm_app::provision(store, vault, enterprise_id, &platform_key).await?;
        let platform_public_key = platform_key.to_base64();
        Ok(Identity { enterprise_id, api_key, secret_key, profile_id, platform_public_key, vm_app })
    };
    made.await.map_err(|error: SandboxError| {
        Failure::run(format_args!("the sandbox's enterprise cannot be made: {error}"))
    })
}

async fn enterprise(store: &Store, vault: &Vault) -> Result<EnterpriseId, SandboxError> {
    if let Some(id) = kept(store, ENTERPRISE).await? {
        return id.parse().map_err(|_| StoreError::Corrupt(ENTERPRISE).into());
    }
    let made = provision::create_enterprise(store, vault, NAME.to_owned()).await?.enterprise;
    let patch = EnterprisePatch { pci: Some(true), ..EnterprisePatch::default() };
    store.patch_enterprise(made.enterprise_id, patch).await?;
    store.put_setting(ENTERPRISE, made.enterprise_id.to_string().as_bytes()).await?;
    Ok(made.enterprise_id)
}

async fn api_key(
    store: &Store,
    vault: &Vault,
    enterprise_id: EnterpriseId,
) -> Result<(String, SecretText), SandboxError> {
    if let Some(api_key) = kept(store, API_KEY).await? {
        let row = store.api_key(&api_key).await?.ok_or(SandboxError::Missing("API key"))?;
        let secret = vault.open_api_secret(enterprise_id, &api_key, &row.sealed_secret)?;
        return Ok((api_key, secret));
    }
    let made = provision::create_api_key(store, vault, enterprise_id).await?;
    store.put_setting(API_KEY, made.api_key.as_bytes()).await?;
    Ok((made.api_key, made.secret))
}

async fn profile(store: &Store, enterprise_id: EnterpriseId) -> Result<ProfileId, SandboxError> {
    if let Some(id) = kept(store, PROFILE).await? {
        return id.parse().map_err(|_| StoreError::Corrupt(PROFILE).into());
    }
    let profile_id = ProfileId::from_i64(store.ids().next());
    let limit = |amount_minor, count| VelocityLimit { amount_minor: Some(amount_minor), count };
    let bin_range = BIN_RANGE.parse().expect("the sandbox's BIN range is one");
    let (name, now) = (format!("{NAME} USD"), store.clock().now());
    let profile = CardProfile {
        card_layouts: vec![CARD_LAYOUT.to_owned()],
        limits: VelocityLimits {
            single: limit(500_000, None),
            daily: limit(5_000_000, Some(10_000)),
            monthly: limit(20_000_000, Some(100_000)),
        },
        ..CardProfile::visa_usd(enterprise_id, profile_id, name, bin_range, now)
    };
    store.create_profile(profile).await?;
    store.put_setting(PROFILE, profile_id.to_string().as_bytes()).await?;
    Ok(profile_id)
}

async fn deposits(store: &Store, enterprise_id: EnterpriseId) -> Result<(), SandboxError> {
    for currency in DEPOSIT_CURRENCIES {
        let currency = Currency::parse(currency).expect("a deposit's currency is one");
        let amount = Money::new(DEPOSIT_MINOR, currency);
        let reference = format!("{DEPOSIT_REFERENCE}-{currency}");
        store.deposit(enterprise_id, amount, reference, store.clock().now()).await?;
    }
    Ok(())
}
