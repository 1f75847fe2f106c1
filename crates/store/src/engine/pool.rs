//! Pools of connections to a server, and the end of a transaction on one of them.

use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::{Pool, PoolError, QueueMode, TimeoutType};
use deadpool_postgres::Runtime;
use domain::IdGenerator;
use tokio::sync::Mutex;

use super::cause::in_full;
use super::postgres_session::{GREETING, Session, Uncommitted, begin};
use super::postgres_wire::Plans;
use super::server_url::ServerUrl;
use super::servers::{Connection, Servers};
use super::tx::Tx;
use crate::StoreError;
use crate::process::Number;

/// The longest wait of a caller for a connection that others use.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
const TRY_PAUSE_MS: u64 = 2;
const NODE_PAUSES: u64 = 8;
/// The most runs of an operation while other transactions are in the way.
pub(super) const MAX_TRIES: u32 = 8;

/// The ids under which rows are written, and the lease of the node number that they carry.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) ids: Arc<IdGenerator>,
    pub(super) number: Arc<Number>,
}

impl Origin {
    /// Called before each commit: the write may have waited since it was taken up, or the
    /// whole process may have been paused.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.number.check(&self.ids)
    }
}

/// The pause before a write is tried again, longer with each try and different for each node, so
/// that two processes do not collide again.
pub(super) fn pause(ids: &IdGenerator, tries: u32) -> Duration {
    let step_ms = TRY_PAUSE_MS + ids.node().unsigned_abs() % NODE_PAUSES;
    Duration::from_millis(u64::from(tries) * step_ms)
}

/// A pool of connections to the servers of one URL.
#[derive(Clone)]
pub(super) struct ServerPool {
    pub(super) pool: Pool<Servers>,
    /// The longest time for each statement on its connections.
    statement_timeout: Duration,
    pub(super) plans: Plans,
    /// Held while a write is run again because another was in the way: writes that would go on
    /// getting in each other's way take turns.
    pub(super) turn: Arc<Mutex<()>>,
    /// Begins a transaction.
    begin: Arc<str>,
}

impl ServerPool {
    /// True if somebody waits for a connection.
    pub(super) fn is_crowded(&self) -> bool {
        self.pool.status().waiting > 0
    }

    pub(super) fn new(
        url: &ServerUrl,
        max_connections: usize,
        statement_timeout: Duration,
    ) -> Result<Self, StoreError> {
        let failed = |error: &(dyn std::error::Error + 'static)| StoreError::Engine(in_full(error));
        let tls = url.connector().map_err(|error| failed(&error))?;
        // Behind a pooler a setting would stay with the server's session, which others get next.
        let greeting = if url.plans == Plans::Kept { GREETING } else { "" };
        let servers = Servers::new(url.servers(), tls, Arc::clone(&url.first), greeting);
        let pool = Pool::builder(servers)
            .max_size(max_connections)
            .wait_timeout(Some(CONNECTION_TIMEOUT))
            // The one that was used last has the plans of what runs now.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| failed(&error))?;
        let options = url.config.get_options().unwrap_or_default();
        let begin = begin(options, statement_timeout).into();
        Ok(Self { pool, statement_timeout, plans: url.plans, turn: Arc::default(), begin })
    }

    pub(super) async fn connection(&self) -> Result<Connection, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(unreached) => StoreError::Away(unreached.to_string()),
            PoolError::Timeout(TimeoutType::Wait) => StoreError::Overloaded,
            other => StoreError::Away(in_full(&other)),
        })
    }

    pub(super) async fn session(&self) -> Result<Session, StoreError> {
        let connection = self.connection().await?;
        Ok(Session::new(connection, self.statement_timeout, self.plans, Arc::clone(&self.begin)))
    }
}

/// Undoes a transaction.
pub(super) async fn roll_back(tx: Tx) -> Result<(), StoreError> {
    let Tx::Postgres(mut session) = tx else { return Err(StoreError::Overloaded) };
    session.roll_back().await
}

/// Commits, as [`Session::commit`] says.
pub(super) async fn commit(tx: Tx) -> Result<(), StoreError> {
    let Tx::Postgres(mut session) = tx else { return Err(StoreError::Overloaded) };
    match session.commit().await {
        Ok(()) => Ok(()),
        Err(Uncommitted::Ended(error)) => Err(error),
        Err(Uncommitted::Broken(error)) => {
            // A connection that is not undone is closed, which undoes it.
            let _ = session.roll_back().await;
            Err(error)
        }
    }
}
