//! Connections that the platform makes (network-iso8583.md section 7.2).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::life::serve_connection;
use super::reconnect::{Attempt, Pauses};
use super::settings::Target;
use super::shared::Link;

/// Longest time that resolving a name and connecting may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps one connection to a target until the link stops.
pub(crate) async fn keep_connected(link: Arc<Link>, target: Target) {
    let (mut pauses, mut last) = (Pauses::default(), None);
    loop {
        let connecting = connect(&target);
        let attempt = tokio::select! {
            made = connecting => match made {
                Ok((stream, peer)) => serve(&link, &target, stream, peer).await,
                Err(error) => {
                    // Only the first of many in a row.
                    if last != Some(Attempt::Unreachable) {
                        let name = &link.settings().name;
                        tracing::warn!(link = name, %target, %error, "a target is not reachable");
                    }
                    Attempt::Unreachable
                }
            },
            () = link.stopped() => return,
        };
        last = Some(attempt);
        let pause = pauses.after(attempt, &*link.random);
        tokio::select! {
            () = sleep(pause) => {}
            () = link.stopped() => return,
        }
    }
}

async fn connect(target: &Target) -> std::io::Result<(TcpStream, SocketAddr)> {
    let connecting = TcpStream::connect((target.host.as_str(), target.port));
    let stream = timeout(CONNECT_TIMEOUT, connecting).await??;
    let peer = stream.peer_addr()?;
    Ok((stream, peer))
}

async fn serve(link: &Arc<Link>, target: &Target, stream: TcpStream, peer: SocketAddr) -> Attempt {
    tracing::info!(link = link.settings().name, %peer, "a connection of a link");
    let admitted = link.take_connected(peer);
    let ended = serve_connection(Arc::clone(link), admitted, stream, Some(&target.host)).await;
    link.count_closed(peer, ended.reason);
    Attempt::Closed { was_steady: ended.was_steady }
}
