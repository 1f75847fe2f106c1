//! A client of the operator and sandbox API (operator-and-sandbox.md sections 3 and 4).

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;
use thiserror::Error;

/// Long, because an advance of business time may have much to do.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Characters of an unexpected answer that a failure shows.
const MAX_SHOWN_CHARS: usize = 300;

/// Why a call did not succeed.
#[derive(Debug, Clone, Error)]
pub enum OperatorError {
    /// No client could be made, or no answer arrived.
    #[error("{0}")]
    Transport(String),
    /// The platform refused.
    #[error("HTTP {status}: {problem}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The problem's detail or title.
        problem: String,
    },
    /// The answer is not JSON.
    #[error("the answer is not JSON")]
    Malformed,
}

/// A client with the operator's token. Paths begin with `/admin/v1` or `/sandbox/v1`.
#[derive(Clone)]
pub struct Operator {
    client: Client,
    admin_url: String,
    token: String,
}

impl Operator {
    /// A client of the admin listener at `admin_url`. It uses no proxy.
    ///
    /// # Errors
    /// No TLS client could be made.
    pub fn new(admin_url: &str, token: &str) -> Result<Self, OperatorError> {
        crypto::install_tls_provider();
        let builder = || Client::builder().no_proxy().timeout(TIMEOUT);
        let mut made = builder().build();
        if made.is_err() && admin_url.starts_with("http://") {
            // A machine without certificate authorities can still reach a plain listener.
            made = builder().tls_certs_only([]).build();
        }
        let client = made.map_err(|error| transport(&error))?;
        let admin_url = admin_url.trim_end_matches('/').to_owned();
        Ok(Self { client, admin_url, token: token.to_owned() })
    }

    /// `GET`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn get(&self, path: &str) -> Result<Value, OperatorError> {
        self.call(Method::GET, path, None).await
    }

    /// `POST`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, OperatorError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// `PATCH`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, OperatorError> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// `PUT`.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, OperatorError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, OperatorError> {
        let url = format!("{}{path}", self.admin_url);
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| transport(&error))?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| transport(&error))?;
        let json = serde_json::from_slice::<Value>(&bytes);
        if !status.is_success() {
            let problem = json.ok().map_or_else(String::new, |json| problem(&json));
            return Err(OperatorError::Refused { status: status.as_u16(), problem });
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        json.map_err(|_| OperatorError::Malformed)
    }
}

/// The problem document's text, shortened.
fn problem(json: &Value) -> String {
    let text = ["detail", "title"].iter().find_map(|key| json.get(key)?.as_str());
    text.map_or_else(|| json.to_string(), str::to_owned).chars().take(MAX_SHOWN_CHARS).collect()
}

/// The innermost cause is the most informative; reqwest's own text is mostly the URL.
fn transport(error: &reqwest::Error) -> OperatorError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    OperatorError::Transport(cause.to_string())
}
