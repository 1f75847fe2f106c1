//! The listener of a link.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::closing::CloseReason;
use super::connection::serve_connection;
use super::outage::Outage;
use super::shared::Link;
use super::status::LinkState;

/// Pause after a failed accept, which usually means a lack of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often a link is looked at.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// Longest time that requests in flight may take after the stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(25);

/// Serves a link until `stop` turns true; then stops accepting, answers what is under way within a
/// deadline, and returns (network-iso8583.md section 7.5).
pub async fn serve_link(listener: TcpListener, link: Arc<Link>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let (mut looks, mut outage) = (interval(LOOK_PAUSE), Outage::new(Instant::now()));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = looks.tick() => {
                let is_up = link.status().state == LinkState::Up;
                if outage.look(is_up, Instant::now()) {
                    let name = &link.settings().name;
                    tracing::warn!(link = name, "no peer is signed on: no purchase can arrive");
                }
                continue;
            }
            _ = stop.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, peer)) => match link.open(peer) {
                Some(id) => {
                    let (link, stop) = (Arc::clone(&link), stop.clone());
                    tracing::info!(link = link.settings().name, %peer, "a connection of a link");
                    connections.spawn(async move {
                        let reason = serve_connection(Arc::clone(&link), id, stream, stop).await;
                        link.count_closed(peer, reason);
                    });
                }
                None => link.count_closed(peer, CloseReason::Refused),
            },
            Err(error) => {
                let name = &link.settings().name;
                tracing::warn!(link = name, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    link.drain();
    let drained = async {
        while connections.join_next().await.is_some() {}
        // A request goes on without its connection.
        link.settled().await;
    };
    if tokio::time::timeout(DRAIN_DEADLINE, drained).await.is_err() {
        let name = &link.settings().name;
        tracing::warn!(
            link = name,
            open = connections.len(),
            "connections cut off at the deadline"
        );
    }
}
