//! Creates apps of dialect 2.

use crypto::sha256;
use domain::{
    CardProfile, EnterpriseId, Mode, ProfileId, Timestamp, VmApp, VmAppId, VmFees, VmFunding,
    VmProduct,
};
use store::{Store, StoreError};
use vault::{SecretText, Vault};

/// Largest number of cards that a product may have left to open; a new product begins with it.
pub const MAX_REMAINING_CARDS: u32 = 1_000_000;
/// The default place where cards are issued.
pub const DEFAULT_ISSUING_AREA: &str = "US";
const NETWORK: &str = "Visa";

/// A product that a new app has in the sandbox, with its own profile. The prefixes are chosen by
/// us.
struct FirstProduct {
    code: &'static str,
    name: &'static str,
    funding: VmFunding,
    bin_range: &'static str,
}

const FIRST_PRODUCTS: [FirstProduct; 2] = [
    FirstProduct {
        code: "S4097SV",
        name: "VM prepaid USD",
        funding: VmFunding::Prepaid,
        bin_range: "40009700",
    },
    FirstProduct {
        code: "C4098SH",
        name: "VM credit line USD",
        funding: VmFunding::CreditLine,
        bin_range: "40009800",
    },
];

/// The app id and secret of a new app; the secret is shown only this once.
pub struct NewVmApp {
    /// The app's id on the wire.
    pub app_id: String,
    /// Its secret.
    pub secret: SecretText,
}

impl NewVmApp {
    /// Draws both.
    #[must_use]
    pub fn draw(vault: &Vault) -> Self {
        // Both travel in a query, which not every client escapes.
        Self { app_id: vault.new_api_key().to_ascii_lowercase(), secret: vault.new_token() }
    }
}

/// Creates an app, in the sandbox with one product of each funding, on card profiles made
/// for it.
///
/// # Errors
/// [`StoreError`].
pub async fn create_vm_app(
    store: &Store,
    enterprise_id: EnterpriseId,
    drawn: &NewVmApp,
    mode: Mode,
) -> Result<VmApp, StoreError> {
    let created_at = store.clock().now();
    let app = VmApp {
        enterprise_id,
        vm_app_id: VmAppId::from_i64(store.ids().next()),
        app_id: drawn.app_id.clone(),
        secret_digest: sha256(drawn.secret.expose().as_bytes()),
        merchant_public_key: None,
        webhook_url: None,
        signs_webhooks: false,
        ip_whitelist: Vec::new(),
        fees: VmFees::NONE,
        created_at,
    };
    let (mut profiles, mut products) = (Vec::new(), Vec::new());
    if mode == Mode::Sandbox {
        for first in &FIRST_PRODUCTS {
            let profile_id = ProfileId::from_i64(store.ids().next());
            profiles.push(first.profile(enterprise_id, profile_id, created_at));
            products.push(first.product(&app, profile_id));
        }
    }
    store.create_vm_app(app, profiles, products).await
}

impl FirstProduct {
    /// Each card has its own limits, so the profile has none.
    fn profile(
        &self,
        enterprise_id: EnterpriseId,
        profile_id: ProfileId,
        created_at: Timestamp,
    ) -> CardProfile {
        let bin_range = self.bin_range.parse().expect("each of the two is one prefix");
        let name = self.name.to_owned();
        CardProfile {
            network: NETWORK.to_owned(),
            ..CardProfile::visa_usd(enterprise_id, profile_id, name, bin_range, created_at)
        }
    }

    fn product(&self, app: &VmApp, profile_id: ProfileId) -> VmProduct {
        VmProduct {
            enterprise_id: app.enterprise_id,
            vm_app_id: app.vm_app_id,
            product_code: self.code.to_owned(),
            profile_id,
            funding: self.funding,
            issuing_area: DEFAULT_ISSUING_AREA.to_owned(),
            remaining_cards: i64::from(MAX_REMAINING_CARDS),
            created_at: app.created_at,
        }
    }
}
