//! An app of dialect 2 with its merchant's keys, money and a prepaid card.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use crypto::{RsaPrivateKey, RsaPublicKey};
use http::{Method, Request, header};
use http_body_util::Full;
use sdk::vm::{VmClient, VmEnvelope};
use serde_json::{Value, json};
use wire::vm::card::CREATE_PATH;
use wire::vm::envelope::Reply;
use wire::vm::framing;

use crate::connection::Connection;
use crate::platform::Platform;

/// The funds of each of the app's accounts.
const FUNDS: &str = "1000000.00";
/// The load of its card.
const LOAD: &str = "5000.00";

/// An app, its client and its card.
pub struct App {
    pub card_id: String,
    block_bytes: usize,
    client: VmClient,
    token: String,
}

impl App {
    /// An app of a new enterprise, whose merchant has a key of this many bits.
    pub async fn open(platform: &Platform, merchant_key_bits: u32) -> Result<Self> {
        Self::open_with(platform, merchant_key_bits, "save").await
    }

    /// The same with a card of this funding.
    pub async fn open_with(
        platform: &Platform,
        merchant_key_bits: u32,
        funding: &str,
    ) -> Result<Self> {
        let enterprise = post(platform, "/admin/v1/enterprises", &json!({ "name": "VM" })).await?;
        let path = format!("/admin/v1/enterprises/{}/vm-apps", text(&enterprise, "enterpriseId")?);
        let made = post(platform, &path, &json!({})).await?;
        let key = RsaPrivateKey::generate(merchant_key_bits)?;
        let path = format!("/admin/v1/vm-apps/{}", text(&made, "appId")?);
        let change = json!({ "merchantPublicKey": key.public_key().to_pem() });
        call(platform, Method::PATCH, &path, &change).await?;
        for account in ["balance", "wallet"] {
            let funds = json!({ "account": account, "amount": FUNDS, "reference": account });
            post(platform, &format!("{path}/funds"), &funds).await?;
        }
        let platform_key = RsaPublicKey::from_text(&text(&made, "platformPublicKey")?)?;
        let client = VmClient::new(
            &format!("http://{}", platform.public),
            &text(&made, "appId")?,
            &text(&made, "appSecret")?,
            VmEnvelope::new(key, platform_key),
        )?;
        let products = call(platform, Method::GET, &format!("{path}/products"), &json!({})).await?;
        let mut offered = products["items"].as_array().into_iter().flatten();
        let product = offered.find(|it| it["funding"] == funding).context("a product")?;
        let request = json!({
            "product_code": text(product, "productCode")?,
            "first_name": "Test", "last_name": "User",
            "amount": LOAD, "label": "bench",
            "card_address": {
                "address_line_one": "1 Test Street", "city": "Testville", "state": "NY",
                "country": "US", "post_code": "10001",
            },
        });
        let card_id = text(&client.call(CREATE_PATH, &request).await?, "card_id")?;
        let token = client.token().await?.to_string();
        let block_bytes = merchant_key_bits as usize / 8;
        Ok(Self { card_id, block_bytes, client, token })
    }

    /// A call about its card, in its envelope. The bytes may be sent repeatedly.
    pub fn sealed(&self, parameters: &Value) -> Result<Bytes> {
        Ok(self.client.envelope().seal(parameters.to_string().as_bytes())?.into())
    }

    /// A request with this body.
    pub fn request(&self, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>> {
        Ok(Request::post(path)
            .header(header::AUTHORIZATION, &self.token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body))?)
    }

    /// The object in an answer's envelope.
    pub fn opened(&self, answer: &[u8]) -> Result<Value> {
        Ok(serde_json::from_slice(&self.client.envelope().open(&data_of(answer)?)?)?)
    }

    /// Number of blocks in an answer's envelope.
    pub fn blocks(&self, answer: &[u8]) -> Result<usize> {
        let joined = framing::from_text(&data_of(answer)?).context("an envelope")?;
        Ok(joined.len() / self.block_bytes)
    }
}

fn data_of(answer: &[u8]) -> Result<String> {
    let reply: Reply = serde_json::from_slice(answer)?;
    ensure!(reply.code == 0, "{}: {}", reply.code, reply.msg);
    Ok(serde_json::from_str(reply.data.context("data")?.get())?)
}

async fn post(platform: &Platform, path: &str, body: &Value) -> Result<Value> {
    call(platform, Method::POST, path, body).await
}

async fn call(platform: &Platform, method: Method, path: &str, body: &Value) -> Result<Value> {
    let request = platform.admin_request(method, path, body)?;
    let (status, answer) = Connection::open(platform.admin).await?.send(request).await?;
    ensure!(status.is_success(), "{path}: {status}");
    Ok(serde_json::from_slice(&answer)?)
}

fn text(answer: &Value, field: &str) -> Result<String> {
    Ok(answer[field].as_str().with_context(|| format!("expected {field}"))?.to_owned())
}
