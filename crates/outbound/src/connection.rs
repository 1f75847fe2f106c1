//! Connections that remember whether they carried an answer before, and whether a byte has come
//! back since the last request.
//!
//! A server may close a connection that it kept just as the next request arrives. Only the
//! connection itself can distinguish that from a server that broke off in the middle of an answer.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use crate::resolver::GuardedResolver;

/// Longest wait for a connection including its TLS handshake, within the caller's deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Silence after which the system probes whether the other side is still there.
const PROBE_AFTER: Duration = Duration::from_secs(15);

/// Most bytes of an answer including its head, interim answers and framing: more than any body that
/// is read whole.
const MAX_EXCHANGE_BYTES: u64 = 256 * 1024;

/// The traffic of one connection so far, not counting TLS.
#[derive(Clone, Default)]
pub(crate) struct Carried(Arc<Counts>);

#[derive(Default)]
struct Counts {
    read_bytes: AtomicU64,
    /// Bytes that had been read when the latest request began.
    read_before_bytes: AtomicU64,
    has_answered: AtomicBool,
}

impl Carried {
    /// Records that the head of an answer arrived.
    pub(crate) fn answered(&self) {
        self.0.has_answered.store(true, Ordering::Release);
    }

    /// True if the connection was kept from an earlier exchange, and nothing has come back for the
    /// latest request.
    pub(crate) fn is_kept_and_silent(&self) -> bool {
        let counts = &self.0;
        counts.has_answered.load(Ordering::Acquire)
            && counts.read_bytes.load(Ordering::Acquire)
                == counts.read_before_bytes.load(Ordering::Acquire)
    }

    /// True if an answer arrived on it before.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.has_answered.load(Ordering::Acquire)
    }

    /// Bytes that have come back for the latest request.
    fn exchange_bytes(&self) -> u64 {
        let before = self.0.read_before_bytes.load(Ordering::Acquire);
        self.0.read_bytes.load(Ordering::Acquire).saturating_sub(before)
    }

    fn read(&self, bytes: usize) {
        self.0.read_bytes.fetch_add(bytes as u64, Ordering::AcqRel);
    }

    /// A request is written whole before its answer arrives, so the first bytes written after some
    /// were read begin the next request.
    fn writing(&self) {
        let read_bytes = self.0.read_bytes.load(Ordering::Acquire);
        self.0.read_before_bytes.store(read_bytes, Ordering::Release);
    }
}

/// A connection, in clear or under TLS.
pub(crate) struct Line {
    stream: TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>,
    carried: Carried,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.carried.read(buf.filled().len() - before);
        if self.carried.exchange_bytes() > MAX_EXCHANGE_BYTES {
            return Poll::Ready(Err(io::Error::other("an answer without end")));
        }
        polled
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.carried.writing();
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.carried.writing();
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        self.stream.inner().connected().extra(self.carried.clone())
    }
}

/// Connects to addresses that the policy permits.
#[derive(Clone)]
pub(crate) struct Lines {
    connector: HttpsConnector<HttpConnector<GuardedResolver>>,
    /// A connection made after this moment is useless.
    useful_until: Option<Instant>,
}

impl Lines {
    pub(crate) fn new(resolver: GuardedResolver, tls: ClientConfig) -> Self {
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(PROBE_AFTER));
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        Self { connector: HttpsConnector::from((http, tls)), useful_until: None }
    }

    /// The same for a request that must not be sent after this moment.
    pub(crate) fn until(&self, moment: Instant) -> Self {
        Self { useful_until: Some(moment), ..self.clone() }
    }
}

impl Service<Uri> for Lines {
    type Response = TokioIo<Line>;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.connector.call(uri);
        let longest = Instant::now() + CONNECT_TIMEOUT;
        let latest = self.useful_until.map_or(longest, |moment| moment.min(longest));
        Box::pin(async move {
            let stream = TokioIo::new(timeout_at(latest, connecting).await??);
            Ok(TokioIo::new(Line { stream, carried: Carried::default() }))
        })
    }
}

/// TLS that trusts the system's certificate authorities, speaking HTTP/1.1.
///
/// # Errors
/// The system has no certificate authorities.
pub(crate) fn system_tls() -> Result<ClientConfig, rustls::Error> {
    let provider = crypto::tls_provider();
    let verifier = Verifier::new(Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(speaking_http1(config))
}

/// TLS that trusts nobody.
///
/// # Errors
/// The TLS set-up failed.
pub(crate) fn trustless_tls() -> Result<ClientConfig, rustls::Error> {
    let provider = crypto::tls_provider();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(speaking_http1(config))
}

fn speaking_http1(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

#[cfg(test)]
mod tests {
    use super::Carried;

    #[test]
    fn only_a_kept_connection_without_a_byte_since_the_request_is_silent() {
        let carried = Carried::default();
        carried.writing();
        assert!(!carried.is_kept_and_silent(), "the first request");
        carried.read(20);
        carried.answered();
        assert!(!carried.is_kept_and_silent(), "an answer");
        carried.writing();
        carried.writing();
        assert!(carried.is_kept_and_silent(), "the second request");
        carried.read(1);
        assert!(!carried.is_kept_and_silent(), "a byte of its answer");
    }
}
