//! The setting: an enterprise with its server, keys, profile and deposit, created through the
//! operator API; and the verification at the end.

use std::fmt;
use std::time::Duration;

use domain::{Currency, RsaPadding};
use platform::{Failure, Platform};
use sdk::{Client, Operator};
use serde_json::{Value, json};
use sim::{Enterprise, Trust, Webhook};
use zeroize::Zeroizing;

use super::screen::Screen;

/// Longest wait for one webhook: on a slow machine the whole run may end first.
pub const WEBHOOK_WAIT: Duration = Duration::from_secs(40);
/// The platform's wait for the demonstration's enterprise: as long as allowed, so a slow machine
/// misses only the deadline that should be missed.
const AUTH_DEADLINE_MS: u32 = domain::Enterprise::MAX_AUTH_DEADLINE_MS;

/// The name of the step if a change of the enterprise fails.
const SETTINGS: &str = "the enterprise's settings";

/// Everybody who takes part.
pub struct Scene {
    /// Plays operator, card network and shopper.
    pub operator: Operator,
    /// Plays the enterprise: its server.
    pub enterprise: Enterprise,
    /// Plays the enterprise: its signed calls.
    pub client: Client,
    /// The shopper's browser.
    pub browser: reqwest::Client,
    /// The public listener.
    pub public_url: String,
    /// Where the platform takes a card network's messages.
    pub link_address: String,
    /// The secret of the enterprise's key.
    pub secret_key: Zeroizing<String>,
    /// The enterprise, as the platform knows it.
    pub enterprise_id: String,
    /// The profile that the card is issued under.
    pub profile_id: String,
    /// The card, once it is issued.
    pub card_id: String,
}

/// The amounts of the deposit, in major units of USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposit {
    /// Free to spend.
    pub available: &'static str,
    /// Set aside for authorisations.
    pub held: &'static str,
    /// Spent for good.
    pub posted: &'static str,
}

impl Deposit {
    /// After the deposit.
    pub const WHOLE: Self = Self { available: "1000.00", held: "0.00", posted: "0.00" };
    /// After the approved purchase.
    pub const HELD: Self = Self { available: "974.50", held: "25.50", posted: "0.00" };
    /// After its clearing.
    pub const POSTED: Self = Self { available: "974.50", held: "0.00", posted: "25.50" };
}

/// Makes an enterprise that can do everything.
pub async fn set(screen: &mut Screen, platform: &Platform) -> Result<Scene, Failure> {
    let addresses = platform.addresses();
    let operator =
        Operator::new(&addresses.admin_url, platform.admin_token()).map_err(failed("operator"))?;
    let enterprise = Enterprise::start().await.map_err(failed("the enterprise's server"))?;
    let made = operator
        .post("/admin/v1/enterprises", &json!({ "name": "Demonstration" }))
        .await
        .map_err(failed("creating the enterprise"))?;
    let id = text(&made, "enterpriseId")?;
    screen.step("operator creates an enterprise", &format!("enterprise {id}"));
    let path = format!("/admin/v1/enterprises/{id}");
    let settings = json!({
        "webhookUrl": enterprise.webhook_url(),
        "authUrl": enterprise.auth_url(),
        "externalPublicKey": enterprise.public_key(),
        "authDeadlineMs": AUTH_DEADLINE_MS,
        "pci": true,
    });
    operator.patch(&path, &settings).await.map_err(failed(SETTINGS))?;
    let keys = operator
        .post(&format!("{path}/api-keys"), &json!({}))
        .await
        .map_err(failed("creating an API key"))?;
    let (api_key, secret_key) = (text(&keys, "apiKey")?, text(&keys, "secretKey")?);
    let trust = Trust {
        platform_public_key: text(&made, "platformPublicKey")?,
        secret_key: secret_key.clone(),
        padding: RsaPadding::Pkcs1,
    };
    enterprise.trust(trust).map_err(failed("the platform's public key"))?;
    screen.step("keys are exchanged", &format!("apiKey {api_key}, RSA-2048 both ways"));
    let profile_id = profile(screen, &operator, &id).await?;
    let client =
        Client::new(&addresses.public_url, &api_key, &secret_key).map_err(failed("client"))?;
    let scene = Scene {
        operator,
        enterprise,
        client,
        browser: reqwest::Client::builder().no_proxy().build().map_err(failed("browser"))?,
        public_url: addresses.public_url.clone(),
        link_address: link_address(platform)?,
        secret_key: Zeroizing::new(secret_key),
        enterprise_id: id,
        profile_id,
        card_id: String::new(),
    };
    let deposit = json!({ "currency": "840", "amount": "1000.00", "reference": "demo-1" });
    scene
        .operator
        .post(&format!("{path}/deposits"), &deposit)
        .await
        .map_err(failed("the deposit"))?;
    let deposit = scene.deposit(Deposit::WHOLE).await?;
    screen.step_with_deposit("operator books the deposit", "1000.00 USD", &deposit);
    Ok(scene)
}

/// The one link of the demonstration.
fn link_address(platform: &Platform) -> Result<String, Failure> {
    let address = platform.addresses().links.values().next();
    address.map(ToString::to_string).ok_or_else(|| Failure::run("expected a link"))
}

async fn profile(
    screen: &mut Screen,
    operator: &Operator,
    enterprise_id: &str,
) -> Result<String, Failure> {
    let body = json!({
        "enterpriseId": enterprise_id,
        "name": "Demonstration USD",
        "binRange": "40009800-40009899",
        "network": "VISA",
        "currency": "840",
        "cardLayouts": ["MGEBP"],
        "supportedCountries": [],
        "limits": { "SINGLE": { "amount": "500.00" } },
    });
    let made = operator
        .post("/admin/v1/card-profiles", &body)
        .await
        .map_err(failed("creating a card profile"))?;
    let profile_id = text(&made, "profileId")?;
    screen.step("operator creates a card profile", "USD, 500.00 at most a purchase");
    Ok(profile_id)
}

/// Derives every balance again and checks every webhook once more.
pub async fn verify(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let webhooks = scene.enterprise.webhooks();
    let unsigned = webhooks.iter().filter(|webhook| !webhook.is_signed).count();
    expect("webhooks with a wrong signature", &0, &unsigned)?;
    screen.step("webhooks, all signatures right", &format!("{} received", webhooks.len()));
    let path = "/admin/v1/ledger/verify";
    let report = scene.operator.get(path).await.map_err(failed("ledger verify"))?;
    expect("ledger verify", &json!(true), &report["ok"])?;
    let outcome = format!("ok: {} accounts, {} transfers", report["accounts"], report["transfers"]);
    screen.step("ledger verify", &outcome);
    Ok(())
}

impl Scene {
    /// Sets the platform's wait for the enterprise; the demonstration's usual one if `None`.
    pub async fn set_deadline(&self, deadline_ms: Option<u32>) -> Result<(), Failure> {
        let path = format!("/admin/v1/enterprises/{}", self.enterprise_id);
        let change = json!({ "authDeadlineMs": deadline_ms.unwrap_or(AUTH_DEADLINE_MS) });
        self.operator.patch(&path, &change).await.map_err(failed(SETTINGS))?;
        Ok(())
    }

    /// Checks the deposit's amounts: the available one as the enterprise sees it in a signed
    /// request, the rest as the operator sees it.
    pub async fn deposit(&self, wanted: Deposit) -> Result<String, Failure> {
        let balance =
            self.client.balance(Currency::USD).await.map_err(failed("enterprise-balance"))?;
        expect("available deposit", &wanted.available, &balance.available_amount.as_str())?;
        let path =
            format!("/admin/v1/ledger/accounts?order=asc&enterpriseId={}", self.enterprise_id);
        let accounts = self.operator.get(&path).await.map_err(failed("ledger accounts"))?;
        let account = &accounts["items"][0];
        expect("held deposit", &json!(wanted.held), &account["heldAmount"])?;
        expect("posted deposit", &json!(wanted.posted), &account["postedAmount"])?;
        let Deposit { available, held, posted } = wanted;
        Ok(format!("{available:>7} free {held:>6} held {posted:>6} posted"))
    }

    /// Waits for a webhook of a type about an object, for which `is_wanted` is true.
    pub async fn webhook(
        &self,
        webhook_type: &str,
        business_id: &str,
        is_wanted: impl Fn(&Webhook) -> bool,
    ) -> Result<Webhook, Failure> {
        let found = self.enterprise.wait_for_webhook(WEBHOOK_WAIT, |webhook| {
            webhook.webhook_type() == webhook_type
                && webhook.business_id() == business_id
                && is_wanted(webhook)
        });
        found.await.ok_or_else(|| {
            Failure::run(format_args!("expected a {webhook_type} webhook about {business_id}"))
        })
    }
}

/// Checks that the outcome is the wanted one.
pub fn expect<T: PartialEq + fmt::Debug>(what: &str, wanted: &T, got: &T) -> Result<(), Failure> {
    if wanted == got {
        return Ok(());
    }
    Err(Failure::run(format_args!("{what}: expected {wanted:?}, got {got:?}")))
}

/// A text field of an answer.
pub fn text(answer: &Value, field: &str) -> Result<String, Failure> {
    answer[field]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::run(format_args!("expected {field} in an answer")))
}

/// Names the step in which a call failed.
pub fn failed<E: fmt::Display>(step: &str) -> impl Fn(E) -> Failure {
    move |error| Failure::run(format_args!("{step}: {error}"))
}
