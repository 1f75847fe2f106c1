//! The setting of dialect 2: a merchant's app with keys, webhook address and money, and the queries
//! for its cards and webhooks.

use std::str::FromStr as _;

use platform::Failure;
use rust_decimal::Decimal;
use sdk::crypto::{RsaPrivateKey, RsaPublicKey};
use sdk::vm::{VmClient, VmEnvelope};
use sdk::wire::vm::account::BALANCE_PATH;
use sdk::wire::vm::card::{CREATE_PATH, DETAIL_PATH};
use sdk::wire::vm::transaction::TRANSACTIONS_PATH;
use serde_json::{Value, json};
use sim::Merchant;

use super::screen::Screen;
use super::setting::{Scene, WEBHOOK_WAIT, expect, failed, text};

/// Length of the merchant's key.
const KEY_BITS: u32 = 2048;
/// Amount that the operator pays into the balance from which prepaid cards are loaded.
const BALANCE: &str = "100.00";
/// Amount that the operator pays into the wallet on which credit-line cards draw.
const WALLET: &str = "50.00";
/// More rows than the demonstration makes.
const PAGE_ROWS: u32 = 100;

/// An app of dialect 2 and the merchant who owns it.
pub struct App {
    /// The merchant's server; it acknowledges every webhook.
    pub merchant: Merchant,
    client: VmClient,
    save: String,
    share: String,
}

/// Makes the app: keys both ways, a webhook address, money on both accounts.
pub async fn open(screen: &mut Screen, scene: &Scene) -> Result<App, Failure> {
    let operator = &scene.operator;
    let merchant = Merchant::start().await.map_err(failed("the merchant's server"))?;
    let path = format!("/admin/v1/enterprises/{}/vm-apps", scene.enterprise_id);
    let made = operator.post(&path, &json!({})).await.map_err(failed("creating an app"))?;
    let (app_id, app_secret) = (text(&made, "appId")?, text(&made, "appSecret")?);
    let platform_key = RsaPublicKey::from_text(&text(&made, "platformPublicKey")?)
        .map_err(failed("the platform's public key"))?;
    let key = tokio::task::spawn_blocking(|| RsaPrivateKey::generate(KEY_BITS)).await;
    let key = key.map_err(failed("merchant key"))?.map_err(failed("merchant key"))?;
    let path = format!("/admin/v1/vm-apps/{app_id}");
    let settings = json!({
        "merchantPublicKey": key.public_key().to_pem(), "webhookUrl": merchant.webhook_url(),
    });
    operator.patch(&path, &settings).await.map_err(failed("the app's settings"))?;
    screen.step("merchant gets an app and keys", &format!("app {app_id}"));
    for (account, amount) in [("balance", BALANCE), ("wallet", WALLET)] {
        let funds = json!({ "account": account, "amount": amount, "reference": account });
        operator.post(&format!("{path}/funds"), &funds).await.map_err(failed("the app's funds"))?;
    }
    let products = operator.get(&format!("{path}/products")).await.map_err(failed("products"))?;
    let envelope = VmEnvelope::new(key, platform_key);
    let app = App {
        merchant,
        client: VmClient::new(&scene.public_url, &app_id, &app_secret, envelope)
            .map_err(failed("the app's client"))?,
        save: product_code(&products, "save")?,
        share: product_code(&products, "share")?,
    };
    let accounts = app.accounts().await?;
    expect("the app's accounts", &(decimal(BALANCE)?, decimal(WALLET)?), &accounts)?;
    screen.step_with_deposit(
        "merchant asks what its accounts hold",
        "token, envelope both ways",
        &format!("{BALANCE} account, {WALLET} wallet"),
    );
    Ok(app)
}

fn product_code(products: &Value, funding: &str) -> Result<String, Failure> {
    let items = products["items"].as_array().into_iter().flatten();
    let product = items.into_iter().find(|it| it["funding"] == funding);
    product.map_or_else(
        || Err(Failure::run(format_args!("expected a product of kind {funding}"))),
        |it| text(it, "productCode"),
    )
}

impl App {
    /// Makes a call with token and envelope; returns its answer.
    pub async fn call(&self, path: &str, parameters: &Value) -> Result<Value, Failure> {
        self.client.call(path, parameters).await.map_err(failed(path))
    }

    /// Opens a prepaid card with an initial load; returns its id.
    pub async fn open_prepaid(&self, load: &str) -> Result<String, Failure> {
        self.open_card(&self.save, load).await
    }

    /// Opens a credit-line card; returns its id.
    pub async fn open_credit_line(&self, line: &str) -> Result<String, Failure> {
        self.open_card(&self.share, line).await
    }

    async fn open_card(&self, product_code: &str, amount: &str) -> Result<String, Failure> {
        let request = json!({
            "product_code": product_code, "first_name": "Test", "last_name": "User",
            "amount": amount,
        });
        text(&self.call(CREATE_PATH, &request).await?, "card_id")
    }

    /// The amounts of the balance and the wallet.
    pub async fn accounts(&self) -> Result<(Decimal, Decimal), Failure> {
        let it = self.call(BALANCE_PATH, &json!({})).await?;
        Ok((amount(&it, "balance")?, amount(&it, "wallet_balance")?))
    }

    /// The status of a card, and the amount that can be spent with it.
    pub async fn card(&self, card_id: &str) -> Result<(String, Decimal), Failure> {
        let it = self.call(DETAIL_PATH, &json!({ "card_id": card_id })).await?;
        Ok((text(&it, "status")?, amount(&it, "available_amount")?))
    }

    /// The sum of a card's transactions that were not declined.
    pub async fn spent(&self, card_id: &str) -> Result<Decimal, Failure> {
        let request = json!({ "card_id": card_id, "page": 1, "page_size": PAGE_ROWS });
        let found = self.call(TRANSACTIONS_PATH, &request).await?;
        let rows = found["list"].as_array().into_iter().flatten();
        let made = rows.filter(|it| it["status"] != "DECLINED");
        made.map(|it| amount(it, "auth_amount")).sum()
    }

    /// Waits for the webhook about an authorisation with this type and status.
    pub async fn told(&self, auth_id: &str, kind: &str, status: &str) -> Result<(), Failure> {
        let found = self.merchant.wait_for_webhook(WEBHOOK_WAIT, |it| {
            it["auth_id"] == auth_id && it["type"] == kind && it["status"] == status
        });
        found.await.map(|_| ()).ok_or_else(|| {
            Failure::run(format_args!("expected a webhook {kind}, {status} about {auth_id}"))
        })
    }
}

/// An amount in an answer, read digit by digit.
fn amount(answer: &Value, field: &str) -> Result<Decimal, Failure> {
    decimal(&answer[field].to_string())
}

/// Reads an amount.
pub fn decimal(text: &str) -> Result<Decimal, Failure> {
    Decimal::from_str(text).map_err(failed("an amount"))
}
