//! Opens and closes the store.

use std::sync::{Arc, OnceLock};

use domain::{Clock, IdGenerator};
use tokio::sync::{Notify, Semaphore, watch};

use crate::certain_writes::CERTAIN_WRITES;
use crate::engine::Sqlite;
use crate::migrations::{migrate_postgres, migrate_sqlite};
use crate::pending_migrations::require_migrated;
use crate::process::{Exchange, Number};
use crate::replay::RequestMemory;
use crate::store::{Engine, Inner, Postgres};
use crate::{Location, Pooler, Store, StoreError};

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
            aside: None,
            inner: Arc::new(Inner {
                engine,
                aside: OnceLock::new(),
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
        while store.adopt_older().await? > 0 {}
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
