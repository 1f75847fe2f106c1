//! The server loop of one listener: limits on connections and header time, the peer's
//! address for handlers, and a graceful end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::peer::PeerAddress;
use crate::shell::HttpService;
use crate::stalled::Patient;

/// Most connections of a listener, however many file handles there are.
pub const MAX_CONNECTIONS: usize = 4_096;
/// Longest wait for a request's headers, on an idle kept-alive connection too.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest wait for a caller to read more of its answer.
const READING_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of a request's line and headers.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Pause after a failed accept, which is mostly a lack of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long requests in flight may take after the stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(25);

/// Serves connections, `max_connections` of them at once while further ones wait in the
/// kernel's queue, until `stop` turns true; then accepts no more, lets requests in flight
/// finish within a deadline, and returns.
pub async fn serve_listener(
    listener: TcpListener,
    service: HttpService,
    max_connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let slots = Arc::new(Semaphore::new(max_connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, slot)) => {
                connections.spawn(serve_connection(stream, slot, service.clone(), stop.clone()));
            }
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

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, slot))
}

async fn serve_connection(
    stream: TcpStream,
    slot: OwnedSemaphorePermit,
    service: HttpService,
    mut stop: watch::Receiver<bool>,
) {
    let Ok(peer) = stream.peer_addr() else { return };
    // Without it small answers may wait for the other side's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let peer = PeerAddress(peer.ip());
    let handler = service_fn(move |request: http::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        service.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Patient::new(stream, READING_TIMEOUT)), handler);
    tokio::pin!(connection);
    let stopped = async move { stop.wait_for(|stopped| *stopped).await.map(drop) };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stopped => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
    drop(slot);
}
