//! Signed calls.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Currency, Random, SystemRandom};
use reqwest::{Method, Response, Url, header, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::cardbridge::card::{self, CardBody, Freeze, Terminate};
use wire::cardbridge::enterprise::{self, BalanceBody};
use wire::cardbridge::envelope::Reply;
use wire::cardbridge::order::{self, ApplyVirtual, CardOrderBody};
use wire::cardbridge::simulation::{self, FundAuth, FundAuthBody};
use wire::cardbridge::{form, signature};
use zeroize::Zeroizing;

use crate::ClientError;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a whole answer, including the connection.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

const FIRST_NONCE: u64 = 10_000;
const NONCES: u64 = 90_000;

/// A client of one enterprise. Clones share one connection pool.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    api_key: String,
    secret_key: Arc<Zeroizing<String>>,
    clock: Clock,
    random: Arc<dyn Random>,
}

impl Client {
    /// A client with the keys that the platform handed out. It connects directly, never through a
    /// proxy from the environment, and follows no redirects.
    ///
    /// # Errors
    /// The base URL is not an absolute `http` or `https` URL, or TLS cannot be set up.
    pub fn new(base_url: &str, api_key: &str, secret_key: &str) -> Result<Self, ClientError> {
        Ok(Self {
            http: http_client(base_url)?,
            base_url: base_url.trim_end_matches('/').to_owned(),
            api_key: api_key.to_owned(),
            secret_key: Arc::new(Zeroizing::new(secret_key.to_owned())),
            clock: Clock::system(),
            random: Arc::new(SystemRandom),
        })
    }

    /// The same client with other sources of time and randomness, for simulations.
    #[must_use]
    pub fn with_sources(self, clock: Clock, random: Arc<dyn Random>) -> Self {
        Self { clock, random, ..self }
    }

    /// Applies for a virtual card.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn apply_virtual(
        &self,
        application: &ApplyVirtual,
    ) -> Result<CardOrderBody, ClientError> {
        self.post(order::APPLY_VIRTUAL_PATH, application).await
    }

    /// A card order by its id.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn order(&self, card_order_id: &str) -> Result<CardOrderBody, ClientError> {
        self.read(order::DETAIL_PATH, ("cardOrderId", card_order_id)).await
    }

    /// A card order by the enterprise's own reference.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn order_by_ref(&self, card_order_ref: &str) -> Result<CardOrderBody, ClientError> {
        self.read(order::DETAIL_PATH, ("cardOrderRef", card_order_ref)).await
    }

    /// A card.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn card(&self, card_id: &str) -> Result<CardBody, ClientError> {
        self.read(card::DETAIL_PATH, ("cardId", card_id)).await
    }

    /// All cards of a customer.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn cards(&self, customer_id: &str) -> Result<Vec<CardBody>, ClientError> {
        self.read(card::LIST_PATH, ("customerId", customer_id)).await
    }

    /// Freezes or unfreezes a card.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn freeze(&self, request: &Freeze) -> Result<CardBody, ClientError> {
        self.post(card::FREEZE_PATH, request).await
    }

    /// Terminates a card for good.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn terminate(&self, request: &Terminate) -> Result<CardBody, ClientError> {
        self.post(card::TERMINATE_PATH, request).await
    }

    /// The security deposit in one currency.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn balance(&self, currency: Currency) -> Result<BalanceBody, ClientError> {
        self.read(enterprise::BALANCE_PATH, ("currency", &currency.to_string())).await
    }

    /// Simulates a purchase; sandbox only. A decline is a result, not an error.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn fund_auth(&self, request: &FundAuth) -> Result<FundAuthBody, ClientError> {
        self.post(simulation::FUND_AUTH_PATH, request).await
    }

    /// Any signed call: returns the envelope as received, including refusals. A GET signs its
    /// query, everything else its body; send no body with a GET.
    ///
    /// # Errors
    /// The call did not complete, or its answer is not an envelope.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Reply, ClientError> {
        self.send(method, path, query, body).await.map(|(_, reply)| reply)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        parameter: (&str, &str),
    ) -> Result<T, ClientError> {
        let (http_status, reply) = self.send(Method::GET, path, &[parameter], None).await?;
        data(http_status, reply)
    }

    async fn post<Q: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(request).map_err(ClientError::Request)?;
        let (http_status, reply) = self.send(Method::POST, path, &[], Some(body)).await?;
        data(http_status, reply)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, Reply), ClientError> {
        let raw_query = form::encode_pairs(query);
        let mark = if raw_query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{mark}{raw_query}", self.base_url);
        let timestamp = self.clock.real_now().as_millis().to_string();
        let nonce = (FIRST_NONCE + self.random.below(NONCES)).to_string();
        let body = body.unwrap_or_default();
        let payload = if method == Method::GET { raw_query.as_bytes() } else { &body };
        let sign = signature::sign(&self.secret_key, &self.api_key, &timestamp, &nonce, payload);
        let answer = self
            .http
            .request(method, url)
            .header(signature::API_KEY_HEADER, &self.api_key)
            .header(signature::TIMESTAMP_HEADER, timestamp)
            .header(signature::NONCE_HEADER, nonce)
            .header(signature::SIGN_HEADER, sign)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(body)
            .send()
            .await
            .map_err(transport)?;
        let http_status = answer.status().as_u16();
        let bytes = whole_body(answer, MAX_ANSWER_BYTES).await?;
        let reply = serde_json::from_slice(&bytes)
            .map_err(|_| ClientError::NotAnEnvelope { http_status })?;
        Ok((http_status, reply))
    }
}

pub(crate) fn http_client(base_url: &str) -> Result<reqwest::Client, ClientError> {
    let url = Url::parse(base_url).map_err(|_| ClientError::BaseUrl)?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err(ClientError::BaseUrl);
    }
    crypto::install_tls_provider();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .redirect(redirect::Policy::none())
        .no_proxy();
    // A plain connection must not fail because the system has no certificate authorities.
    let builder = if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(ClientError::Setup)
}

pub(crate) async fn whole_body(
    mut answer: Response,
    max_bytes: usize,
) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(ClientError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(crate) fn transport(error: reqwest::Error) -> ClientError {
    ClientError::Transport(error.without_url())
}

fn data<T: DeserializeOwned>(http_status: u16, reply: Reply) -> Result<T, ClientError> {
    if !reply.is_success() {
        return Err(ClientError::Refused {
            code: reply.code,
            message: reply.message,
            detail: reply.message_detail,
            http_status,
        });
    }
    let json = reply.data.as_ref().map_or("null", |data| data.get());
    serde_json::from_str(json).map_err(ClientError::Data)
}
