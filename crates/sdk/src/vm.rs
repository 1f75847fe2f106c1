//! Calls of dialect 2, the VM API: the token and the RSA envelope (vm-api.md sections 3
//! and 4).

use std::sync::Arc;
use std::time::Duration;

use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey};
use domain::{Clock, RsaPadding, Timestamp};
use reqwest::{Method, header};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;
use wire::cardbridge::form;
use wire::vm::token::{AccessToken, TOKEN_PATH};
use wire::vm::{VmError, envelope, framing};
use zeroize::Zeroizing;

use crate::ClientError;
use crate::client::{http_client, transport, whole_body};

/// Longest wait for a whole answer: a page of many rows has many blocks.
const CALL_TIMEOUT: Duration = Duration::from_secs(45);
/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Seconds before its expiry at which a token is renewed.
const RENEWED_BEFORE_END_S: i64 = 60;

/// Why a call gave no result.
#[derive(Debug, Error)]
pub enum VmCallError {
    /// The platform refused the request.
    #[error("{code}: {msg}")]
    Refused {
        /// Code of vm-api.md section 7.1.
        code: i64,
        /// Its text.
        msg: String,
    },
    /// The call did not complete.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Encrypting the request or decrypting the answer failed.
    #[error("the envelope could not be made or opened")]
    Envelope(#[from] CryptoError),
}

impl VmCallError {
    /// The platform's code, if it refused.
    #[must_use]
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Client(_) | Self::Envelope(_) => None,
        }
    }

    /// The platform's text; empty if it did not refuse.
    #[must_use]
    pub fn msg(&self) -> &str {
        match self {
            Self::Refused { msg, .. } => msg,
            Self::Client(_) | Self::Envelope(_) => "",
        }
    }
}

/// The two keys that a merchant works with. Clones share them.
#[derive(Clone)]
pub struct VmEnvelope {
    private_key: RsaPrivateKey,
    platform_key: RsaPublicKey,
}

impl VmEnvelope {
    /// Opens with the merchant's private key and seals with the platform's public key.
    #[must_use]
    pub const fn new(private_key: RsaPrivateKey, platform_key: RsaPublicKey) -> Self {
        Self { private_key, platform_key }
    }

    /// A request's body, `{"content":"<hex>"}`, from plain bytes.
    ///
    /// # Errors
    /// [`CryptoError`] if openssl fails.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let block_bytes = self.platform_key.modulus_bytes();
        let pieces = framing::pieces(plain, block_bytes);
        let joined = self.platform_key.encrypt_joined(RsaPadding::Pkcs1, pieces)?;
        Ok(envelope::request(&joined))
    }

    /// The plain bytes behind the text of an answer's `data`.
    ///
    /// # Errors
    /// [`CryptoError::Refused`] if it is not ciphertext for the merchant's key.
    pub fn open(&self, data: &str) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let joined = framing::from_text(data).ok_or(CryptoError::Refused)?;
        let block_bytes = self.private_key.public_key().modulus_bytes();
        let blocks = framing::blocks(&joined, block_bytes).ok_or(CryptoError::Refused)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(joined.len()));
        for block in blocks {
            plain.extend_from_slice(&self.private_key.decrypt(RsaPadding::Pkcs1, block)?);
        }
        Ok(plain)
    }
}

/// A token and when to renew it.
struct HeldToken {
    text: Zeroizing<String>,
    renewed_at: Timestamp,
}

/// A client of one app. Clones share connections and token.
#[derive(Clone)]
pub struct VmClient {
    http: reqwest::Client,
    base_url: String,
    app_id: String,
    app_secret: Arc<Zeroizing<String>>,
    envelope: VmEnvelope,
    clock: Clock,
    held: Arc<Mutex<Option<HeldToken>>>,
}

impl VmClient {
    /// A client with the platform's credentials for the app and the merchant's private key, whose
    /// public half the platform knows. It connects directly and follows no redirects.
    ///
    /// # Errors
    /// The base URL is not an absolute `http` or `https` URL, or TLS cannot be set up.
    pub fn new(
        base_url: &str,
        app_id: &str,
        app_secret: &str,
        envelope: VmEnvelope,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            http: http_client(base_url)?,
            base_url: base_url.trim_end_matches('/').to_owned(),
            app_id: app_id.to_owned(),
            app_secret: Arc::new(Zeroizing::new(app_secret.to_owned())),
            envelope,
            clock: Clock::system(),
            held: Arc::default(),
        })
    }

    /// The envelope of its calls.
    #[must_use]
    pub const fn envelope(&self) -> &VmEnvelope {
        &self.envelope
    }

    /// Makes a call with its parameters; returns the object it answers with.
    ///
    /// # Errors
    /// See [`VmCallError`]; also parameters that cannot be written as JSON.
    pub async fn call<Q: Serialize + ?Sized>(
        &self,
        path: &str,
        parameters: &Q,
    ) -> Result<Value, VmCallError> {
        let plain = serde_json::to_vec(parameters).map(Zeroizing::new);
        let plain = plain.map_err(ClientError::Request)?;
        let body = self.off_thread(move |envelope| envelope.seal(&plain)).await?;
        self.send(path, body).await
    }

    /// Makes a call with a body as it is: empty, or made elsewhere.
    ///
    /// # Errors
    /// See [`VmCallError`].
    pub async fn send(&self, path: &str, body: Vec<u8>) -> Result<Value, VmCallError> {
        let token = self.token().await?;
        let request = self
            .http
            .request(Method::POST, format!("{}{path}", self.base_url))
            .header(header::AUTHORIZATION, token.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        let data = match self.data(request).await {
            // The numbers are configurable, the texts never change.
            Err(error) if error.msg() == VmError::InvalidToken.to_string() => {
                // The next call fetches another one.
                *self.held.lock().await = None;
                return Err(error);
            }
            data => data?,
        };
        let text: String = serde_json::from_value(data).map_err(ClientError::Data)?;
        let plain = self.off_thread(move |envelope| envelope.open(&text)).await?;
        Ok(serde_json::from_slice(&plain).map_err(ClientError::Data)?)
    }

    /// The bare token that calls carry; fetched if there is none or it is about to expire.
    ///
    /// # Errors
    /// See [`VmCallError`].
    pub async fn token(&self) -> Result<Zeroizing<String>, VmCallError> {
        // Held while a token is fetched, so concurrent calls fetch only one.
        let mut held = self.held.lock().await;
        if let Some(token) = held.as_ref()
            && self.clock.real_now() < token.renewed_at
        {
            return Ok(token.text.clone());
        }
        let query = [("app_id", self.app_id.as_str()), ("app_secret", self.app_secret.as_str())];
        let query = Zeroizing::new(form::encode_pairs(&query));
        let url = format!("{}{TOKEN_PATH}?{}", self.base_url, query.as_str());
        let data = self.data(self.http.request(Method::GET, url)).await?;
        let fetched: AccessToken = serde_json::from_value(data).map_err(ClientError::Data)?;
        let end_us = fetched.expired_time.saturating_mul(1_000_000);
        let renewed_at = Timestamp::from_micros(end_us).plus_seconds(-RENEWED_BEFORE_END_S);
        let text = Zeroizing::new(fetched.token);
        *held = Some(HeldToken { text: text.clone(), renewed_at });
        Ok(text)
    }

    /// The value of `data` in a success.
    async fn data(&self, request: reqwest::RequestBuilder) -> Result<Value, VmCallError> {
        let answer = request.timeout(CALL_TIMEOUT).send().await.map_err(transport)?;
        let http_status = answer.status().as_u16();
        let bytes = whole_body(answer, MAX_ANSWER_BYTES).await?;
        let reply: envelope::Reply = serde_json::from_slice(&bytes)
            .map_err(|_| ClientError::NotAnEnvelope { http_status })?;
        if reply.code != i64::from(envelope::SUCCESS_CODE) {
            return Err(VmCallError::Refused { code: reply.code, msg: reply.msg });
        }
        let json = reply.data.as_ref().map_or("null", |data| data.get());
        Ok(serde_json::from_str(json).map_err(ClientError::Data)?)
    }

    /// Runs RSA off the threads that serve connections.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&VmEnvelope) -> Result<T, CryptoError> + Send + 'static,
    ) -> Result<T, CryptoError> {
        let envelope = self.envelope.clone();
        let done = tokio::task::spawn_blocking(move || work(&envelope)).await;
        done.unwrap_or(Err(CryptoError::Library))
    }
}
