//! The client: one request, one absolute deadline, one capped answer.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::address::AddressPolicy;
use crate::connection::{Carried, Lines, system_tls, trustless_tls};
use crate::error::{OutboundError, SetupError};
use crate::resolver::{AllRefused, GuardedResolver};

/// Idle connections are closed after this long: before common servers close theirs at 5 s, since a
/// request that meets a closing connection is lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// Most idle connections kept per host.
const MAX_IDLE_PER_HOST: usize = 128;

/// Most headers accepted in an answer.
const MAX_ANSWER_HEADERS: usize = 64;

/// Most bytes of an answer's head, and of one read.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// One request. The caller's headers are sent as they are.
pub struct Post<'a> {
    /// Absolute `http` or `https` URL.
    pub url: &'a str,
    /// Headers, the content type among them.
    pub headers: HeaderMap,
    /// Body, sent byte for byte.
    pub body: Bytes,
    /// The time by which the whole answer must have been read.
    pub deadline: Instant,
    /// The time until which it may be sent again; not after the deadline.
    pub resend_until: Instant,
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

/// The guarded client. Clones share one connection pool.
#[derive(Clone)]
pub struct Outbound {
    /// Reuses connections.
    keeping: Client<Lines, Full<Bytes>>,
    /// Makes new connections.
    lines: Lines,
    policy: Arc<AddressPolicy>,
}

/// Why an exchange produced no answer.
struct Failure {
    error: OutboundError,
    /// The connection was kept from an earlier exchange and ended before any byte came back.
    is_kept_connection_lost: bool,
}

impl Outbound {
    /// A client under `policy`. The system's certificate authorities are trusted; where the system
    /// has none and plain `http` is permitted, the client is built anyway and every `https` request
    /// fails with `Connect`.
    ///
    /// # Errors
    /// The TLS set-up failed.
    pub fn new(policy: AddressPolicy) -> Result<Self, SetupError> {
        let policy = Arc::new(policy);
        let tls = match system_tls() {
            Ok(tls) => tls,
            Err(error) if policy.https_only => return Err(SetupError(error)),
            Err(_) => {
                tracing::warn!("no certificate authorities found: https requests out will fail");
                trustless_tls().map_err(SetupError)?
            }
        };
        let lines = Lines::new(GuardedResolver::new(Arc::clone(&policy)), tls);
        Ok(Self { keeping: client(lines.clone(), MAX_IDLE_PER_HOST), lines, policy })
    }

    /// Checks a URL when an operator sets it: syntax, scheme, the absence of user information, and
    /// the address if the host is one. Names are checked when they are resolved.
    ///
    /// # Errors
    /// `BadUrl` or `AddressRefused`.
    pub fn vet_url(&self, url: &str) -> Result<(), OutboundError> {
        self.policy.parse(url).map(drop)
    }

    /// Sends one request and reads the whole answer before the deadline. It is sent a second time
    /// only if the first went over a kept connection that ended before a byte came back, as happens
    /// when a server closes idle connections; the receiver recognises the repeat by the id in it.
    ///
    /// # Errors
    /// See [`OutboundError`]; after `Timeout`, `TooLarge` and `Broken` the other side may have
    /// acted on the request.
    pub async fn post(&self, post: Post<'_>) -> Result<Answer, OutboundError> {
        self.send(Method::POST, post).await
    }

    /// As [`Outbound::post`], by another method.
    ///
    /// # Errors
    /// As [`Outbound::post`].
    pub async fn send(&self, method: Method, post: Post<'_>) -> Result<Answer, OutboundError> {
        let started = Instant::now();
        if started >= post.deadline {
            return Err(OutboundError::Timeout);
        }
        let url = self.policy.parse(post.url)?;
        let uri: Uri =
            url.as_str().parse().map_err(|_| OutboundError::BadUrl("not an absolute URL"))?;
        let request = request(method, uri, post.headers, post.body);
        let exchange = self.exchange(request, post.resend_until, post.max_response_bytes);
        let (status, body) =
            timeout_at(post.deadline, exchange).await.map_err(|_| OutboundError::Timeout)??;
        Ok(Answer { status, body, elapsed: started.elapsed() })
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        resend_until: Instant,
        max_bytes: usize,
    ) -> Result<(u16, Bytes), OutboundError> {
        let mut sent = send(&self.keeping, request.clone()).await;
        let has_met_an_end = match &sent {
            Err(failure) => failure.is_kept_connection_lost,
            // It refers to the idle connection, just as the request met it (RFC 9110 section
            // 15.5.9).
            Ok((response, is_kept)) => *is_kept && response.status() == StatusCode::REQUEST_TIMEOUT,
        };
        if has_met_an_end && Instant::now() < resend_until {
            tracing::debug!("a kept connection ended; the request is sent again");
            sent = send(&client(self.lines.until(resend_until), 0), request).await;
        }
        let (response, _) = sent.map_err(|failure| failure.error)?;
        let status = response.status().as_u16();
        let body = read_capped(response, max_bytes).await?;
        Ok((status, body))
    }
}

fn client(lines: Lines, max_idle_per_host: usize) -> Client<Lines, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(max_idle_per_host)
        .http1_max_headers(MAX_ANSWER_HEADERS)
        .http1_max_buf_size(MAX_HEAD_BYTES)
        .build(lines)
}

fn request(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request.headers_mut().entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    request
}

/// The answer, and whether it arrived on a kept connection.
async fn send(
    client: &Client<Lines, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(Response<Incoming>, bool), Failure> {
    let response = client.request(request).await.map_err(|error| Failure {
        error: classify(&error),
        is_kept_connection_lost: is_kept_connection_lost(&error),
    })?;
    let carried = response.extensions().get::<Carried>();
    let is_kept = carried.is_some_and(Carried::is_kept);
    if let Some(carried) = carried {
        carried.answered();
    }
    Ok((response, is_kept))
}

fn is_kept_connection_lost(error: &ClientError) -> bool {
    let mut extras = Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extras);
    }
    extras.get::<Carried>().is_some_and(Carried::is_kept_and_silent)
}

async fn read_capped(
    response: Response<Incoming>,
    max_bytes: usize,
) -> Result<Bytes, OutboundError> {
    let status = response.status().as_u16();
    let mut rest = response.into_body();
    if rest.size_hint().exact().is_some_and(|declared| declared > max_bytes as u64) {
        return Err(OutboundError::TooLarge { status });
    }
    let mut body = Vec::new();
    while let Some(frame) = rest.frame().await {
        let Ok(chunk) = frame.map_err(|_| OutboundError::Broken)?.into_data() else { continue };
        if chunk.len() > max_bytes - body.len() {
            return Err(OutboundError::TooLarge { status });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// Maps the client's errors to the platform's. Their own texts may contain the address and are
/// dropped.
fn classify(error: &ClientError) -> OutboundError {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<AllRefused>() {
            return OutboundError::AddressRefused;
        }
        source = cause.source();
    }
    if error.is_connect() { OutboundError::Connect } else { OutboundError::Broken }
}
