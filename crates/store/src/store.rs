//! The store itself: the data that its operations share, and their ways to read and write.

use std::sync::{Arc, OnceLock};

use domain::{Clock, IdGenerator};
use tokio::sync::{Mutex, Notify, RwLock, Semaphore, watch};
use tokio::time::Instant;

use crate::engine::{self, Answers, BoxFuture, Freshness, ReadServer, Statement, Tx, with};
use crate::error::OperationError;
use crate::money::Command;
use crate::process::{Exchange, Number};
use crate::replay::RequestMemory;
use crate::{JobKind, StoreError};

/// The engine, whose writer groups the commands that move money.
pub(crate) type Engine = engine::Engine<Command>;
/// The engine on a server.
pub(crate) type Postgres = engine::Postgres<Command>;

/// The most runs of a write while others take what its unique indexes guard at the same moment.
const MAX_RACE_TRIES: u32 = 5;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    /// How fresh a state must be from which its reads may be served aside; None if they may not.
    pub(crate) aside: Option<Freshness>,
}

/// The data that the clones of a store share.
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    /// The server for reads that need not follow a write.
    pub(crate) aside: OnceLock<ReadServer>,
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdGenerator>,
    pub(crate) day: Arc<RwLock<()>>,
    pub(crate) clock_followed: watch::Sender<()>,
    pub(crate) outbox_changed: Notify,
    pub(crate) jobs_changed: [Notify; JobKind::ALL.len()],
    pub(crate) requests: RequestMemory,
    pub(crate) number: Arc<Number>,
    pub(crate) exchange: Exchange,
    pub(crate) certain_turns: Semaphore,
    /// The last answer of [`Store::check_ready`] and its moment.
    pub(crate) readiness: Mutex<Option<(Instant, Result<(), StoreError>)>>,
}

impl Store {
    /// True if the data is in an embedded file of this process alone.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.inner.engine, Engine::Sqlite(_))
    }

    /// Wakes when a webhook enters the outbox or becomes due.
    #[must_use]
    pub fn outbox_changed(&self) -> &Notify {
        &self.inner.outbox_changed
    }

    /// Wakes when a job of a kind is added or its due time changes. Each kind has one worker in a
    /// process: a change wakes one.
    #[must_use]
    pub fn jobs_changed(&self, kind: JobKind) -> &Notify {
        &self.inner.jobs_changed[kind as usize]
    }

    /// Wakes the workers of these jobs.
    pub(crate) fn wake_workers(&self, kinds: &[JobKind]) {
        kinds.iter().for_each(|kind| self.jobs_changed(*kind).notify_one());
    }

    /// Wakes the sender of webhooks and the workers of these jobs.
    pub(crate) fn wake_outbox_and(&self, kinds: &[JobKind]) {
        self.inner.outbox_changed.notify_one();
        self.wake_workers(kinds);
    }

    /// The clock that the store was opened with.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The generator of ids that the store was opened with.
    #[must_use]
    pub fn ids(&self) -> &IdGenerator {
        &self.inner.ids
    }

    /// Fails if another process may now have this process's number.
    pub(crate) fn check_number(&self) -> Result<(), StoreError> {
        self.inner.number.check(self.ids())
    }

    /// Reads; each statement sees what was committed when it began.
    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read(operation).await,
            Engine::Postgres(engine) => engine.read(operation).await,
        }
    }

    /// Reads with one statement.
    pub(crate) async fn read_one<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        if let Some(found) = self.list_aside(&operation).await {
            return Ok(found);
        }
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read_one(operation).await,
            Engine::Postgres(engine) => engine.read(operation).await,
        }
    }

    /// Reads; all statements see one consistent state.
    pub(crate) async fn read_snapshot<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        if let Some(found) = self.list_aside(&operation).await {
            return Ok(found);
        }
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read(operation).await,
            Engine::Postgres(engine) => engine.read_snapshot(false, operation).await,
        }
    }

    /// As [`Store::read_snapshot`] with statements that go through whole tables.
    pub(crate) async fn read_long<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>> + Send + Sync,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.read(operation).await,
            Engine::Postgres(engine) => engine.read_snapshot(true, operation).await,
        }
    }

    /// Writes in one commit; an error rolls everything back. The operation is run again
    /// from its beginning when another transaction was in the way.
    pub(crate) async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.write(operation).await,
            Engine::Postgres(engine) => {
                self.check_number()?;
                engine.write(operation).await
            }
        }
    }

    /// Runs statements in one commit, on a server in one round trip. They must not wait for others:
    /// the lease of the node number is checked before they are sent.
    pub(crate) async fn write_together(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Answers, StoreError> {
        match &self.inner.engine {
            Engine::Sqlite(engine) => {
                let run =
                    async |tx: &Tx, statements: &Vec<Statement>| tx.together(statements).await;
                engine.write(with(statements, run)).await
            }
            Engine::Postgres(engine) => {
                self.check_number()?;
                engine.write_together(&statements).await
            }
        }
    }

    /// Writes, and again if a unique index refused a row because another transaction wrote its
    /// own at the same moment: the next run sees that row and judges it.
    pub(crate) async fn write_past_races<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: OperationError,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let operation = Arc::new(operation);
        let mut tries = 1;
        loop {
            let operation = Arc::clone(&operation);
            match self.write(move |tx| operation(tx)).await {
                Err(error) if is_race(&error) && tries < MAX_RACE_TRIES => tries += 1,
                settled => return settled,
            }
        }
    }
}

/// True if another transaction took what a unique index guards at the same moment.
fn is_race(error: &impl OperationError) -> bool {
    matches!(error.below(), Some(StoreError::Duplicate(_)))
}
