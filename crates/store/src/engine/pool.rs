//! Pools of connections to a server, and the end of a transaction on one of them.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType,
};
use domain::IdGenerator;

use super::cause::in_full;
use super::postgres_session::{Session, engine_error};
use super::server_url::ServerUrl;
use super::tx::Tx;
use crate::StoreError;
use crate::process::Number;

/// The longest wait of a caller for a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
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

/// A pool of connections to one place.
#[derive(Clone)]
pub(super) struct ServerPool {
    pub(super) pool: Pool,
    /// Hosts and ports, for errors.
    pub(super) place: Arc<str>,
}

impl ServerPool {
    /// True if somebody waits for a connection.
    pub(super) fn is_crowded(&self) -> bool {
        self.pool.status().waiting > 0
    }

    pub(super) fn new(url: &ServerUrl, max_connections: usize) -> Result<Self, StoreError> {
        let failed = |error: &(dyn std::error::Error + 'static)| StoreError::Engine(in_full(error));
        let manager = Manager::from_config(
            url.config.clone(),
            url.connector().map_err(|error| failed(&error))?,
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(max_connections)
            .wait_timeout(Some(CONNECTION_TIMEOUT))
            .create_timeout(Some(CONNECTION_TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self { pool, place: url.place.as_str().into() })
    }

    pub(super) async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(|error| {
            let cause = match error {
                PoolError::Backend(error) => match engine_error(error) {
                    StoreError::Engine(text) => text,
                    other => other.to_string(),
                },
                PoolError::Timeout(TimeoutType::Wait) => return StoreError::Overloaded,
                PoolError::Timeout(TimeoutType::Create) => {
                    format!("no connection within {} s", CONNECTION_TIMEOUT.as_secs())
                }
                other => in_full(&other),
            };
            StoreError::Engine(format!("{}: {cause}", self.place))
        })
    }

    pub(super) async fn session(&self) -> Result<Session, StoreError> {
        Ok(Session::new(self.connection().await?))
    }
}

pub(super) async fn end(tx: Tx, sql: &str) -> Result<(), StoreError> {
    let Tx::Postgres(mut session) = tx else { return Err(StoreError::Overloaded) };
    session.control(sql, false).await
}

/// Commits. The commit has certainly failed only if the server judged it: after a lost connection,
/// or on a server that is going down, it may stand.
pub(super) async fn commit(tx: Tx) -> Result<(), StoreError> {
    end(tx, "COMMIT").await.map_err(|error| match error {
        StoreError::Engine(text) => StoreError::InDoubt(text),
        judged => judged,
    })
}
