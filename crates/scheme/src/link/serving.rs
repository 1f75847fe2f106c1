//! A link from its start to its end: its listener, or the connections that it makes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::NetworkMessageId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use super::closing::CloseReason;
use super::connecting::keep_connected;
use super::forced::ForcedWatch;
use super::life::serve_connection;
use super::outage::Outage;
use super::settings::LinkMode;
use super::shared::Link;
use super::status::LinkState;

/// Pause after a failed accept, which usually means a lack of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often a link is looked at.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
/// Longest time that requests in flight may take after the stop.
const DRAIN_DEADLINE: Duration = Duration::from_secs(18);

/// Serves a link until `stop` turns true: with its listener, or by connecting to its targets. Then
/// takes nothing new, answers what is under way within a deadline, and returns
/// (network-iso8583.md section 7.5).
pub async fn serve_link(
    listener: Option<TcpListener>,
    link: Arc<Link>,
    mut stop: watch::Receiver<bool>,
) {
    let store = &link.intake.store;
    let first_own = NetworkMessageId::from_i64(store.ids().next());
    if let Err(error) = store.forget_answers(first_own).await {
        tracing::error!(%error, "answers of an earlier process stay PENDING");
    }
    let (stop_noting, stopped) = oneshot::channel();
    let noting = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.deliveries.keep(&link.intake.store, stopped).await }
    });
    let mut connections = JoinSet::new();
    if let LinkMode::Connect { targets, connections: count } = &link.settings().mode {
        for target in targets {
            for _ in 0..*count {
                connections.spawn(keep_connected(Arc::clone(&link), target.clone()));
            }
        }
    }
    let mut forced = ForcedWatch::default();
    let (mut looks, mut outage) = (interval(LOOK_PAUSE), Outage::new(Instant::now()));
    loop {
        let mut is_due = false;
        tokio::select! {
            (stream, peer) = accept(listener.as_ref(), &link) => {
                take(stream, peer, &link, &mut connections);
                while connections.try_join_next().is_some() {}
            }
            _ = looks.tick() => is_due = true,
            _ = stop.wait_for(|stopped| *stopped) => break,
        }
        if is_due {
            look(&link, &mut outage);
            forced.look(&link).await;
        }
    }
    drop(listener);
    link.stop();
    let drained = async {
        while connections.join_next().await.is_some() {}
        // A request goes on without its connection.
        link.settled().await;
    };
    let name = &link.settings().name;
    if timeout(DRAIN_DEADLINE, drained).await.is_err() {
        tracing::warn!(
            link = name,
            open = connections.len(),
            "connections cut off at the deadline"
        );
    }
    drop(stop_noting);
    if let Err(error) = noting.await {
        tracing::error!(link = name, %error, "the notes of answers broke off");
    }
    link.deliveries.flush(&link.intake.store).await;
}

/// The next connection of a peer; without a listener none comes.
async fn accept(listener: Option<&TcpListener>, link: &Link) -> (TcpStream, SocketAddr) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                let name = &link.settings().name;
                tracing::warn!(link = name, %error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves a connection of a peer, if it may come.
fn take(stream: TcpStream, peer: SocketAddr, link: &Arc<Link>, connections: &mut JoinSet<()>) {
    let Some(admitted) = link.admit_peer(peer) else {
        return link.count_closed(peer, CloseReason::Refused);
    };
    tracing::info!(link = link.settings().name, %peer, "a connection of a link");
    let link = Arc::clone(link);
    connections.spawn(async move {
        let ended = serve_connection(Arc::clone(&link), admitted, stream, None).await;
        link.count_closed(peer, ended.reason);
    });
}

/// Reports a link that has been down for long.
fn look(link: &Link, outage: &mut Outage) {
    let is_up = link.status().state == LinkState::Up;
    if outage.look(is_up, Instant::now()) {
        let name = &link.settings().name;
        tracing::warn!(link = name, "no peer is signed on: no purchase can arrive");
    }
}
