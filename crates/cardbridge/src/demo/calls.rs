//! Signed calls of the demonstration's enterprise, as JSON.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::Failure;
use sdk::Method;
use sdk::crypto::field_cipher;
use serde_json::{Value, json};

use super::setting::{Scene, WEBHOOK_WAIT, expect, failed, text};

/// Pause between two polls of something that is under way.
const POLL_PAUSE: Duration = Duration::from_millis(50);

impl Scene {
    /// A signed POST below `/open-api/`; returns its payload.
    pub async fn post(&self, operation: &str, body: &Value) -> Result<Value, Failure> {
        self.call(Method::POST, operation, &[], Some(body.to_string().into_bytes())).await
    }

    /// A signed GET below `/open-api/`; returns its payload.
    pub async fn get(&self, operation: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        self.call(Method::GET, operation, query, None).await
    }

    async fn call(
        &self,
        method: Method,
        operation: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Value, Failure> {
        let path = format!("/open-api/{operation}");
        let reply =
            self.client.call(method, &path, query, body).await.map_err(failed(operation))?;
        if !reply.is_success() {
            return Err(Failure::run(format_args!("{operation}: {}", reply.code)));
        }
        let json = reply.data.as_ref().map_or("null", |data| data.get());
        serde_json::from_str(json).map_err(failed(operation))
    }

    /// Opens a link with a browser whose User-Agent is `user_agent`; returns the page.
    pub async fn open_page(&self, url: &str, user_agent: &str) -> Result<String, Failure> {
        let asked = self.browser.get(url).header("user-agent", user_agent).timeout(WEBHOOK_WAIT);
        let answer = asked.send().await.map_err(|_| Failure::run("a link could not be opened"))?;
        answer.text().await.map_err(|_| Failure::run("a link's answer could not be read"))
    }

    /// Uploads a file to a pre-signed URL.
    pub async fn upload(&self, url: &str, bytes: &'static [u8]) -> Result<(), Failure> {
        let sent = self.browser.put(url).body(bytes).timeout(WEBHOOK_WAIT).send().await;
        let answer = sent.map_err(|_| Failure::run("a file could not be uploaded"))?;
        expect("the upload's status", &200, &answer.status().as_u16())
    }

    /// The card's data, sealed: [`Self::open`] opens them.
    pub async fn secure_card(&self) -> Result<Value, Failure> {
        self.post("card/v1/retrieve-secure-card", &json!({"cardId": self.card_id})).await
    }

    /// Decrypts a field of an answer with the secret of the key that signed the request.
    pub fn open(&self, answer: &Value, field: &str) -> Result<String, Failure> {
        let iv = STANDARD.decode(text(answer, "iv")?).map_err(failed("the IV"))?;
        let plain = field_cipher::decrypt(&self.secret_key, &iv, &text(answer, field)?)
            .map_err(failed(field))?;
        String::from_utf8(plain.to_vec()).map_err(failed(field))
    }

    /// Waits until an order has a state; returns the order.
    pub async fn order_until(&self, order_id: &str, state: &str) -> Result<Value, Failure> {
        let until = tokio::time::Instant::now() + WEBHOOK_WAIT;
        loop {
            let order = self.get("card-order/v1/detail", &[("cardOrderId", order_id)]).await?;
            let is_over = order["status"] == "FAILED" || tokio::time::Instant::now() > until;
            if order["status"] == state {
                return Ok(order);
            }
            if is_over {
                return Err(Failure::run(format_args!(
                    "order {order_id}: expected {state}, got {}",
                    order["status"]
                )));
            }
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }

    /// Waits until an order has its card; returns the card's id.
    pub async fn card_of(&self, order: &Value) -> Result<String, Failure> {
        let done = self.order_until(&text(order, "cardOrderId")?, "SUCCEED").await?;
        text(&done, "cardId")
    }
}
