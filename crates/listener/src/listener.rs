//! The server loop of one listener: limits on connections and header time, the peer's address for
//! handlers, and a graceful shutdown.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt as _;

use crate::peer::PeerAddress;
use crate::places::{Began, Patience, Place, Places, RequestInFlight};
use crate::shell::HttpService;
use crate::stalled::Patient;

/// Most connections of a listener, however many file handles there are.
pub const MAX_CONNECTIONS: usize = 4_096;
/// Longest time that a connection may be idle, before its first request or between two (vm-api.md
/// section 17, F4).
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest wait for the rest of a request's headers.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a caller to read more of its answer.
const READING_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time a caller may take to receive its answer, once all of it is there.
const SENDING_TIMEOUT: Duration = Duration::from_secs(600);
/// Most bytes of a request's line and headers.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Pause after a failed accept, which usually means a lack of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Longest time that requests in flight may take after the stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(18);

/// The settings of a listener.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// Most concurrent connections. One address has at most as many as are still free. When few are
    /// free, the connection that has been idle longest gives way; when every connection has a
    /// request under way, new ones wait in the kernel's queue.
    pub max_connections: usize,
    /// Peers that speak for others: their connections count for the caller that a request names.
    pub trusted_proxies: Vec<IpNet>,
    /// Longest time that a connection may be idle.
    pub idle_timeout: Duration,
    /// Longest wait for the rest of a request's headers.
    pub head_timeout: Duration,
}

impl ListenerSettings {
    /// This many connections, and the default timeouts.
    #[must_use]
    pub const fn new(max_connections: usize, trusted_proxies: Vec<IpNet>) -> Self {
        Self {
            max_connections,
            trusted_proxies,
            idle_timeout: IDLE_TIMEOUT,
            head_timeout: HEADER_READ_TIMEOUT,
        }
    }
}

/// A stop in two steps.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Turns true first: requests are still taken, and each connection is closed after its next
    /// answer, so that callers go elsewhere.
    pub draining: watch::Receiver<bool>,
    /// Turns true when nothing more is accepted.
    pub stopped: watch::Receiver<bool>,
}

/// Serves connections until it is stopped; then stops accepting, lets requests in flight finish
/// within a deadline, and returns.
pub async fn serve_listener(
    listener: TcpListener,
    service: HttpService,
    settings: ListenerSettings,
    mut stop: Stop,
) {
    let patience = Patience {
        idle: settings.idle_timeout,
        head: settings.head_timeout,
        sending: SENDING_TIMEOUT,
    };
    let places = Places::new(settings.max_connections, settings.trusted_proxies);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(Some((stream, place))) => {
                let served =
                    serve_connection(stream, place, service.clone(), patience, stop.clone());
                connections.spawn(served);
            }
            Ok(None) => tracing::debug!("a connection was refused: its address has too many"),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_DEADLINE, drained).await.is_err() {
        tracing::warn!(open = connections.len(), "connections cut off at the deadline");
    }
}

/// The next connection and its place; `None` if its address has too many.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Places>,
) -> io::Result<Option<(TcpStream, Place)>> {
    let (stream, peer) = listener.accept().await?;
    Ok(places.take(peer.ip()).await.map(|place| (stream, place)))
}

async fn serve_connection(
    stream: TcpStream,
    place: Place,
    service: HttpService,
    patience: Patience,
    Stop { draining, mut stopped }: Stop,
) {
    // Otherwise small answers may wait for the other side's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let handler = service_fn(|request| answer(&place, service.clone(), request, &draining));
    let stream = Patient::new(stream, Arc::clone(place.connection()), READING_TIMEOUT);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Hyper's own timeout would also end idle connections; `quiet` distinguishes the two.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), handler);
    tokio::pin!(connection);
    let stopped = async move { stopped.wait_for(|stopped| *stopped).await.map(drop) };
    let ended = tokio::select! {
        ended = driven(connection.as_mut(), &place) => Some(ended),
        () = quiet_for_too_long(&place, patience) => return,
        () = place.given_away() => return,
        _ = stopped => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            driven(connection.as_mut(), &place).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Drives the connection, and notifies its place whenever it has nothing more to do.
async fn driven<F: Future>(mut connection: Pin<&mut F>, place: &Place) -> F::Output {
    poll_fn(|context| {
        let polled = connection.as_mut().poll(context);
        // Hyper has now written the rest of an answer, or has to wait.
        place.has_paused();
        polled
    })
    .await
}

/// Ends when the connection has been idle, or the headers of a request under way, for too long.
async fn quiet_for_too_long(place: &Place, patience: Patience) {
    loop {
        let now = Instant::now();
        let next_look = match place.connection().quiet_until(patience) {
            Some(end) if end <= now => return,
            // Headers may begin to arrive meanwhile, and have less time than idleness.
            Some(end) => end.min(now + patience.head),
            None => now + patience.head,
        };
        sleep_until(next_look).await;
    }
}

async fn answer(
    place: &Place,
    service: HttpService,
    request: Request<Incoming>,
    draining: &watch::Receiver<bool>,
) -> io::Result<Response<Answering>> {
    let (under_way, is_last) = match place.begin(request.headers()) {
        Began::Going(under_way) => (under_way, false),
        Began::Last(under_way) => (under_way, true),
        Began::Gone => return Err(io::Error::other("the connection gave way to another")),
    };
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(PeerAddress(place.peer()));
    let response = service.oneshot(request).await.map_err(io::Error::other)?;
    let mut response = response.map(|body| Answering { body, _under_way: under_way });
    if is_last || *draining.borrow() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// An answer's body; the request is under way until the last of the body is taken.
struct Answering {
    body: Body,
    _under_way: RequestInFlight,
}

impl hyper::body::Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
