//! Opens and closes the store.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, IdGenerator};
use tokio::sync::{Notify, Semaphore, watch};

use crate::certain_writes::CERTAIN_WRITES;
use crate::engine::Sqlite;
use crate::migrations::{migrate_postgres, migrate_sqlite};
use crate::pending_migrations::require_migrated;
use crate::process::{Exchange, Number};
use crate::replay::RequestMemory;
use crate::store::{Engine, Inner, Postgres};
use crate::{Store, StoreError};

/// The place of the data. No Debug: a URL may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An embedded SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(ServerLocation),
}

/// A PostgreSQL server, and how it is connected to.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerLocation {
    /// `postgres://...`.
    pub url: String,
    /// The most connections of this process, at least [`ServerLocation::LEAST_CONNECTIONS`].
    pub connections: usize,
    /// What stands between here and the server.
    pub pooler: Pooler,
}

impl ServerLocation {
    /// The fewest connections with which a process works.
    pub const LEAST_CONNECTIONS: u16 = 8;
    /// The number of connections unless another is asked for.
    pub const DEFAULT_CONNECTIONS: u16 = 30;
}

impl From<String> for ServerLocation {
    /// A server without a pooler.
    fn from(url: String) -> Self {
        Self { url, connections: Self::DEFAULT_CONNECTIONS.into(), pooler: Pooler::None }
    }
}

/// A program that shares connections to a server among its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// None, or one that gives each client a connection of its own.
    None,
    /// One that gives a client a connection for each transaction, so that nothing of a session
    /// lasts: no plan and no setting.
    Transaction,
}

impl Store {
    /// Opens the store, creates it if need be, and brings its schema up to date.
    ///
    /// # Errors
    /// The place cannot be opened, or a migration fails.
    pub async fn open(
        location: Location,
        clock: Clock,
        ids: Arc<IdGenerator>,
    ) -> Result<Self, StoreError> {
        let mut requests = RequestMemory::default();
        let number: Arc<Number> = Arc::default();
        let engine = match &location {
            Location::Sqlite(path) => {
                requests = RequestMemory::beside(path, &clock);
                Engine::Sqlite(Sqlite::open(path, migrate_sqlite, Arc::clone(&ids))?)
            }
            Location::Postgres(server) => {
                let engine = Postgres::open(server, Arc::clone(&ids), Arc::clone(&number)).await?;
                match server.pooler {
                    Pooler::None => migrate_postgres(&engine).await?,
                    Pooler::Transaction => require_migrated(&engine).await?,
                }
                Engine::Postgres(engine)
            }
        };
        let store = Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                ids,
                day: Arc::default(),
                clock_followed: watch::Sender::new(()),
                outbox_changed: Notify::new(),
                jobs_changed: std::array::from_fn(|_| Notify::new()),
                requests,
                number,
                exchange: Exchange::default(),
                certain_turns: Semaphore::new(CERTAIN_WRITES),
                readiness: Default::default(),
            }),
        };
        store.continue_ids().await?;
        store.fill_email_keys().await?;
        Ok(store)
    }

    /// Commits what is queued and closes the engine; later calls fail.
    pub async fn close(&self) {
        if let Err(error) = self.save_progress().await {
            tracing::warn!(%error, "business time and the highest id were not saved");
        }
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => {
                engine.finish().await;
                self.give_number_back(engine).await;
                engine.close();
            }
        }
    }
}
