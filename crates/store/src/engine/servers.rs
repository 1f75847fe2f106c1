//! The servers that a URL names. Connecting begins with the one that was reached last, so one that
//! hangs is waited for once and not by every connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use postgres_openssl::MakeTlsConnector;
use thiserror::Error;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::LoadBalanceHosts;

use super::cause::{in_full, reason_of};

/// A connection out of a pool.
pub(crate) type Connection = Object<Servers>;

/// The time for one server to take a connection, unless the URL has a `connect_timeout`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// No server took a connection: each with its reason.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Unreached(String);

/// A server: how it is connected to, and its name for errors.
pub(super) struct Server {
    pub(super) config: Config,
    pub(super) place: String,
}

/// Connects to whichever server takes a connection.
pub(crate) struct Servers {
    each: Vec<Server>,
    tls: MakeTlsConnector,
    /// The position at which connecting begins: that of the server that was reached last.
    first: Arc<AtomicUsize>,
    /// Run on each new connection, outside transactions.
    greeting: &'static str,
}

impl Servers {
    /// `first` is shared by all pools of a URL, so that what one finds out serves all.
    pub(super) const fn new(
        each: Vec<Server>,
        tls: MakeTlsConnector,
        first: Arc<AtomicUsize>,
        greeting: &'static str,
    ) -> Self {
        Self { each, tls, first, greeting }
    }
}

impl Server {
    fn timeout(&self) -> Duration {
        self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT)
    }

    async fn connect(
        &self,
        tls: MakeTlsConnector,
        greeting: &str,
    ) -> Result<ClientWrapper, String> {
        // Boxed, because it lies deep inside every operation of the store.
        let connecting = Box::pin(async {
            let (client, connection) = self.config.connect(tls).await?;
            let place = self.place.clone();
            let task = tokio::spawn(async move {
                if let Err(error) = connection.await {
                    let error = in_full(&error);
                    tracing::warn!(server = place, error, "a connection to the database was lost");
                }
            });
            // The wrapper ends the task with the connection, also if the greeting is cut off.
            let client = ClientWrapper::new(client, task);
            if !greeting.is_empty() {
                client.batch_execute(greeting).await?;
            }
            Ok(client)
        });
        let connected: Result<_, tokio_postgres::Error> = timeout(self.timeout(), connecting)
            .await
            .map_err(|_| format!("no answer within {} s", self.timeout().as_secs_f64()))?;
        connected.map_err(|error| reason_of(&error))
    }
}

impl Manager for Servers {
    type Type = ClientWrapper;
    type Error = Unreached;

    async fn create(&self) -> Result<ClientWrapper, Unreached> {
        let count = self.each.len();
        let last = self.first.load(Ordering::Relaxed);
        let spreads = |it: &Server| it.config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        let first = last + usize::from(self.each.first().is_some_and(spreads));
        let mut reasons = Vec::new();
        for position in (0..count).map(|step| (first + step) % count) {
            let server = &self.each[position];
            let connected = server.connect(self.tls.clone(), self.greeting).await;
            // The next attempt must not begin with one that did not answer, even if the caller of
            // this one does not wait for the rest.
            let next = if connected.is_ok() { position } else { (position + 1) % count };
            self.first.store(next, Ordering::Relaxed);
            match connected {
                Ok(client) => return Ok(client),
                Err(reason) => reasons.push(format!("{}: {reason}", server.place)),
            }
        }
        Err(Unreached(reasons.join("; ")))
    }

    async fn recycle(&self, client: &mut ClientWrapper, _: &Metrics) -> RecycleResult<Unreached> {
        if client.is_closed() { Err(RecycleError::message("closed")) } else { Ok(()) }
    }
}
