//! The client: one request, one absolute deadline, one capped answer.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use reqwest::{Client, ClientBuilder, Method, Request, Response, redirect};
use tokio::time::{Instant, timeout_at};

use crate::address::AddressPolicy;
use crate::error::{OutboundError, SetupError};
use crate::resolver::{AllRefused, GuardedResolver};

/// Longest wait for a connection with its TLS handshake, within the caller's deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Idle connections are closed after this: before common servers close theirs at
/// 5 s, since a request that meets a closing connection is lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Most idle connections kept per host.
const MAX_IDLE_PER_HOST: usize = 128;

/// Most headers accepted in an answer.
const MAX_ANSWER_HEADERS: usize = 64;

/// One request. The caller's headers are sent as they are.
pub struct Post<'a> {
    /// Absolute `http` or `https` URL.
    pub url: &'a str,
    /// Headers, the content type among them.
    pub headers: HeaderMap,
    /// Body, sent byte for byte.
    pub body: Bytes,
    /// When the whole answer must have been read.
    pub deadline: Instant,
    /// Most body bytes that are read of the answer.
    pub max_response_bytes: usize,
}

/// A complete answer, whatever its status. Redirects are answers like any other.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Whole body, at most `max_response_bytes`.
    pub body: Bytes,
    /// From the call to the last byte.
    pub elapsed: Duration,
}

/// The guarded client. Clones share one pool of connections.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    policy: Arc<AddressPolicy>,
}

impl Outbound {
    /// A client under `policy`. The system's certificate authorities are trusted;
    /// where the system has none and plain `http` is permitted, the client is built
    /// all the same and every `https` request ends as `Connect`.
    ///
    /// # Errors
    /// The TLS set-up failed.
    pub fn new(policy: AddressPolicy) -> Result<Self, SetupError> {
        let policy = Arc::new(policy);
        let client = match builder(&policy).build() {
            Ok(client) => client,
            Err(error) if policy.https_only => return Err(SetupError(error)),
            Err(_) => {
                tracing::warn!("no certificate authorities found: https requests out will fail");
                builder(&policy).tls_certs_only([]).build().map_err(SetupError)?
            }
        };
        Ok(Self { client, policy })
    }

    /// Checks a URL when an operator sets it: syntax, scheme, no user information, and
    /// the address if the host is one. Names are checked when they are resolved.
    ///
    /// # Errors
    /// `BadUrl` or `AddressRefused`.
    pub fn vet_url(&self, url: &str) -> Result<(), OutboundError> {
        self.policy.parse(url).map(drop)
    }

    /// Sends one request, once, and reads the whole answer before the deadline.
    ///
    /// # Errors
    /// See [`OutboundError`]; after `Timeout`, `TooLarge` and `Broken` the other side
    /// may have acted on the request.
    pub async fn post(&self, post: Post<'_>) -> Result<Answer, OutboundError> {
        let started = Instant::now();
        if started >= post.deadline {
            return Err(OutboundError::Timeout);
        }
        let mut request = Request::new(Method::POST, self.policy.parse(post.url)?);
        *request.headers_mut() = post.headers;
        *request.body_mut() = Some(post.body.into());
        let exchange = self.exchange(request, post.max_response_bytes);
        let (status, body) =
            timeout_at(post.deadline, exchange).await.map_err(|_| OutboundError::Timeout)??;
        Ok(Answer { status, body, elapsed: started.elapsed() })
    }

    async fn exchange(
        &self,
        request: Request,
        max_bytes: usize,
    ) -> Result<(u16, Bytes), OutboundError> {
        let response = self.client.execute(request).await.map_err(|error| classify(&error))?;
        let status = response.status().as_u16();
        let body = read_capped(response, max_bytes).await?;
        Ok((status, body))
    }
}

fn builder(policy: &Arc<AddressPolicy>) -> ClientBuilder {
    Client::builder()
        .dns_resolver(GuardedResolver::new(Arc::clone(policy)))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(policy.https_only)
        .http1_only()
        .http1_max_headers(MAX_ANSWER_HEADERS)
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
}

async fn read_capped(mut response: Response, max_bytes: usize) -> Result<Bytes, OutboundError> {
    let status = response.status().as_u16();
    if response.content_length().is_some_and(|declared| declared > max_bytes as u64) {
        return Err(OutboundError::TooLarge { status });
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| OutboundError::Broken)? {
        if chunk.len() > max_bytes - body.len() {
            return Err(OutboundError::TooLarge { status });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// The client's errors in the platform's words. Their own texts hold the URL and are dropped.
fn classify(error: &reqwest::Error) -> OutboundError {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<AllRefused>() {
            return OutboundError::AddressRefused;
        }
        source = cause.source();
    }
    if error.is_connect() || error.is_timeout() {
        return OutboundError::Connect;
    }
    OutboundError::Broken
}
