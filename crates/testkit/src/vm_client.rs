//! A merchant of dialect 2 at the platform under test.

use std::sync::{Arc, LazyLock};

use crypto::{RsaPrivateKey, RsaPublicKey};
use sdk::vm::{VmCallError, VmClient, VmEnvelope};
use serde_json::{Value, json};

use crate::http::{Answer, Request, send};
use crate::platform::Platform;
use crate::vm_described::{Document, document};

/// The opening balance of each of a new merchant's accounts.
pub const OPENING_BALANCE: &str = "10000.00";

static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::generate(2_048).unwrap());

/// The merchants' key of 2048 bits, made once per run.
pub fn merchant_key() -> RsaPrivateKey {
    KEY.clone()
}

/// An app as the operator sees it.
pub struct NewApp {
    pub enterprise_id: String,
    pub app_id: String,
    pub app_secret: String,
    pub platform_key: RsaPublicKey,
}

impl NewApp {
    /// An app of a new enterprise; it has no merchant key and no money.
    pub async fn make(platform: &Platform) -> Self {
        let enterprise = platform.done("/admin/v1/enterprises", json!({ "name": "VM" })).await;
        Self::make_for(platform, enterprise["enterpriseId"].as_str().unwrap()).await
    }

    /// Another app of an enterprise.
    pub async fn make_for(platform: &Platform, enterprise_id: &str) -> Self {
        let path = format!("/admin/v1/enterprises/{enterprise_id}/vm-apps");
        let made = platform.done(&path, json!({})).await;
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            enterprise_id: enterprise_id.to_owned(),
            app_id: text("appId"),
            app_secret: text("appSecret"),
            platform_key: RsaPublicKey::from_text(&text("platformPublicKey")).unwrap(),
        }
    }

    pub fn path(&self) -> String {
        format!("/admin/v1/vm-apps/{}", self.app_id)
    }

    /// Makes a change that must succeed.
    pub async fn patch(&self, platform: &Platform, change: Value) -> Value {
        let answer = platform.admin_patch(&self.path(), &change).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// A client with this private key; registers its public half with the platform.
    pub async fn client(&self, platform: &Platform, key: RsaPrivateKey) -> VmClient {
        let public_key = key.public_key().to_pem();
        self.patch(platform, json!({ "merchantPublicKey": public_key })).await;
        let envelope = VmEnvelope::new(key, self.platform_key.clone());
        let base_url = format!("http://{}", platform.public);
        VmClient::new(&base_url, &self.app_id, &self.app_secret, envelope).unwrap()
    }

    /// Requests a token and returns the raw answer.
    pub async fn ask_for_token(&self, platform: &Platform) -> Answer {
        let target = self.token_target();
        let answer = send(platform.public, &Request::get(target.clone())).await;
        spec(platform).require_outer(&target, &answer.json());
        answer
    }

    pub fn token_target(&self) -> String {
        format!("/getAccessToken?app_id={}&app_secret={}", self.app_id, self.app_secret)
    }
}

/// The document that the platform's answers are checked against.
fn spec(platform: &Platform) -> Arc<Document> {
    document(&platform.parts.vm.codes)
}

/// Posts a body as it is, with this `Authorization`.
pub async fn post_raw(platform: &Platform, token: &str, path: &str, body: &[u8]) -> Answer {
    let answer = send(platform.public, &raw_post(token, path, body)).await;
    if answer.status == 200 {
        spec(platform).require_outer(path, &answer.json());
    }
    answer
}

pub fn raw_post(token: &str, path: &str, body: &[u8]) -> Request {
    Request::post(path, body).header("authorization", token)
}

/// A merchant with a key of 2048 bits and money on both accounts.
pub struct Merchant {
    pub app: NewApp,
    pub client: VmClient,
    /// Code of its prepaid product.
    pub save: String,
    /// Code of its credit-line product.
    pub share: String,
    /// The document that its calls are checked against.
    spec: Arc<Document>,
}

impl Merchant {
    pub async fn new(platform: &Platform) -> Self {
        Self::with_key(platform, merchant_key()).await
    }

    pub async fn with_key(platform: &Platform, key: RsaPrivateKey) -> Self {
        Self::of(platform, NewApp::make(platform).await, key).await
    }

    /// The merchant of a new app.
    pub async fn of(platform: &Platform, app: NewApp, key: RsaPrivateKey) -> Self {
        let client = app.client(platform, key).await;
        for account in ["balance", "wallet"] {
            let funds = json!({
                "account": account, "amount": OPENING_BALANCE, "reference": format!("o-{account}"),
            });
            platform.done(&format!("{}/funds", app.path()), funds).await;
        }
        let products = platform.admin_get(&format!("{}/products", app.path())).await.json();
        let code = |funding: &str| {
            let items = products["items"].as_array().unwrap();
            let product = items.iter().find(|it| it["funding"] == funding).unwrap();
            product["productCode"].as_str().unwrap().to_owned()
        };
        let (save, share) = (code("save"), code("share"));
        Self { app, client, save, share, spec: spec(platform) }
    }

    /// Opens a card; returns its id.
    pub async fn card(&self, product_code: &str, amount: i64) -> String {
        let request = json!({
            "product_code": product_code, "first_name": "Test", "last_name": "User",
            "amount": amount,
        });
        self.done("/createCard", request).await["card_id"].as_str().unwrap().to_owned()
    }

    /// A card as cardDetail returns it.
    pub async fn detail(&self, card_id: &str) -> Value {
        self.done("/cardDetail", json!({ "card_id": card_id })).await
    }

    /// Makes a call; returns its answer or refusal, which the document must describe.
    pub async fn call(&self, path: &str, parameters: Value) -> Result<Value, VmCallError> {
        let outcome = self.client.call(path, &parameters).await;
        match &outcome {
            Ok(data) => self.spec.require_success(path, &parameters, data),
            Err(VmCallError::Refused { code, msg }) => self.spec.require_refusal(path, *code, msg),
            Err(_) => {}
        }
        outcome
    }

    /// Makes a call that must succeed.
    pub async fn done(&self, path: &str, parameters: Value) -> Value {
        self.call(path, parameters).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Makes a call that must be refused; returns its code and text.
    pub async fn refused(&self, path: &str, parameters: Value) -> (i64, String) {
        let error = self.call(path, parameters).await.expect_err(path);
        (error.code().unwrap_or_else(|| panic!("{path}: {error}")), error.msg().to_owned())
    }
}
