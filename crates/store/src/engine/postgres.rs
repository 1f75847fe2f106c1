//! PostgreSQL: a pool of connections, and one connection that commits in groups.

use std::sync::Arc;
use std::time::Duration;

use domain::IdGenerator;
use tokio::sync::{MutexGuard, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::group::{Grouped, GroupedJob};
use super::group_writer::{ASIDE_CONNECTIONS, GroupWriter, WriterWork};
use super::pool::{MAX_TRIES, Origin, ServerPool, commit, pause, roll_back};
use super::postgres_session::{
    LockRoom, MONEY_STATEMENT_TIMEOUT, Obstacle, READ_TIMEOUT, Session, Uncommitted,
};
use super::postgres_wire::Plans;
use super::server_url::ServerUrl;
use super::servers::Connection;
use super::statement::{Answers, Statement};
use super::tx::{BoxFuture, Tx};
use crate::process::Number;
use crate::{Pooler, ServerLocation, StoreError};

/// Connections beside those for reads and plain writes: the writer's, its lanes', and one apart.
const OTHER_CONNECTIONS: usize = ASIDE_CONNECTIONS + 2;
/// The time for which a connection may be silent before it counts as lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for any other statement, which may wait for a lock.
pub(super) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(12);
/// The longest time for a statement that goes through a whole table.
pub(super) const LONG_STATEMENT_TIMEOUT: Duration = Duration::from_secs(600);
/// The longest wait of a write for its turn to be tried again.
const TURN_TIMEOUT: Duration = STATEMENT_TIMEOUT;
/// Commands that may wait for the writer.
const MAX_QUEUED: usize = 4_096;

/// The server engine.
pub(crate) struct Postgres<G: Grouped> {
    /// Hosts and ports, for errors.
    place: String,
    pool: ServerPool,
    /// One connection for writes that must not wait for a free one.
    apart: ServerPool,
    /// The queue of the grouping writer.
    writer: mpsc::Sender<WriterWork<G>>,
    origin: Origin,
}

impl<G: Grouped> Postgres<G> {
    /// Connects, with TLS if the URL asks for it (`sslmode`). `number` is the one that `ids` carry:
    /// groups are written only while this process holds it.
    pub(crate) async fn open(
        server: &ServerLocation,
        ids: Arc<IdGenerator>,
        number: Arc<Number>,
    ) -> Result<Self, StoreError> {
        let mut url = understood(server)?;
        let pool = first_pool(&mut url, server).await?;
        if server.pooler == Pooler::None {
            refuse_pooler(&pool, &url.place).await?;
        }
        let (queue, work) = mpsc::channel(MAX_QUEUED);
        // The writer has its own connection, so a rush of reads does not delay a hold; so have
        // commands that wait for a row.
        let origin = Origin { ids, number };
        let writer = GroupWriter::new(
            ServerPool::new(&url, 1, MONEY_STATEMENT_TIMEOUT)?,
            ServerPool::new(&url, ASIDE_CONNECTIONS, MONEY_STATEMENT_TIMEOUT)?,
            origin.clone(),
        );
        tokio::spawn(writer.run(work));
        let apart = ServerPool::new(&url, 1, MONEY_STATEMENT_TIMEOUT)?;
        Ok(Self { place: url.place, pool, apart, writer: queue, origin })
    }

    /// Hosts and ports, for errors.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// True behind a pooler in transaction mode.
    pub(crate) fn has_pooler(&self) -> bool {
        self.pool.plans == Plans::Sent
    }

    /// A connection for migrations.
    pub(crate) async fn connection(&self) -> Result<Connection, StoreError> {
        self.pool.connection().await
    }

    /// A connection for reads and plain writes.
    pub(crate) async fn session(&self) -> Result<Session, StoreError> {
        self.pool.session().await
    }

    /// Checks that the connection on which groups are written takes writes.
    pub(crate) async fn check_writable(&self) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.writer.send(WriterWork::Probe(done)).await.map_err(|_| StoreError::Overloaded)?;
        answer.await.map_err(|_| StoreError::Overloaded)?
    }

    /// Writes in one commit by a connection that has no other work.
    pub(crate) async fn write_apart<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
    {
        write_by(&self.apart, &self.origin, false, operation).await
    }

    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let mut session = self.session().await?;
        session.allow(READ_TIMEOUT);
        match operation(&Tx::Postgres(session)).await {
            // The connection may have been lost while it lay idle.
            Err(StoreError::Away(_)) => {
                let mut session = self.session().await?;
                session.allow(READ_TIMEOUT);
                operation(&Tx::Postgres(session)).await
            }
            result => result,
        }
    }

    /// Reads from one state of the data; `is_long` for statements that go through a whole table.
    pub(crate) async fn read_snapshot<T, F>(
        &self,
        is_long: bool,
        operation: F,
    ) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let mut session = self.session().await?;
        let limit = if is_long { LONG_STATEMENT_TIMEOUT } else { STATEMENT_TIMEOUT };
        session.begin_snapshot(limit);
        let tx = Tx::Postgres(session);
        let result = operation(&tx).await?;
        roll_back(tx).await?;
        Ok(result)
    }

    pub(crate) async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
    {
        write_by(&self.pool, &self.origin, true, operation).await
    }

    /// Runs statements that wait for nobody in one commit and one round trip.
    pub(crate) async fn write_together(
        &self,
        statements: &[Statement],
    ) -> Result<Answers, StoreError> {
        let mut again = Again::default();
        loop {
            let mut session = self.session().await?;
            session.begin_with("", LockRoom::NONE);
            self.origin.check()?;
            let error = match session.commit_with(statements).await {
                Ok(answers) => return Ok(Answers::new(answers)),
                Err(Uncommitted::Broken(error) | Uncommitted::Ended(error)) => error,
            };
            let _ = session.roll_back().await;
            drop(session);
            if !again.is_tried(&self.pool, &self.origin.ids, Obstacle::of(&error)).await {
                return Err(error);
            }
        }
    }

    /// Hands a job to the writer, to be applied together with others.
    pub(crate) async fn send_grouped(&self, job: GroupedJob<G>) -> Result<(), StoreError> {
        self.writer.send(WriterWork::Job(job)).await.map_err(|_| StoreError::Overloaded)
    }

    /// Commits what is queued, and accepts no more.
    pub(crate) async fn finish(&self) {
        let (done, ended) = oneshot::channel();
        if self.writer.send(WriterWork::Close(done)).await.is_ok() {
            // The writer drops the sender when it ends, which is as good as an answer.
            let _ = ended.await;
        }
    }

    /// Closes all connections; to be called once [`Postgres::finish`] has returned.
    pub(crate) fn close(&self) {
        self.pool.pool.close();
        self.apart.pool.close();
    }
}

/// The first pool; its first connection proves the URL before anybody relies on it.
async fn first_pool(
    url: &mut ServerUrl,
    server: &ServerLocation,
) -> Result<ServerPool, StoreError> {
    let connections = server.connections.saturating_sub(OTHER_CONNECTIONS).max(2);
    if url.is_plain_first {
        let before = url.config.get_ssl_mode();
        url.config.ssl_mode(SslMode::Disable);
        let pool = ServerPool::new(url, connections, STATEMENT_TIMEOUT)?;
        if pool.session().await.is_ok() {
            return Ok(pool);
        }
        url.config.ssl_mode(before);
    }
    let pool = ServerPool::new(url, connections, STATEMENT_TIMEOUT)?;
    drop(pool.session().await?);
    Ok(pool)
}

/// Limits the time for which a silent connection can hold up others, unless the URL does.
fn bound(config: &mut Config) {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_TIMEOUT);
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(SILENCE_TIMEOUT);
    }
}

/// A connection of its own, for a look without the rest of the engine.
pub(crate) async fn connect(server: &ServerLocation) -> Result<Session, StoreError> {
    let mut url = understood(server)?;
    first_pool(&mut url, server).await?.session().await
}

/// Fails where a setting of one connection is seen by another: a pooler gives both the same
/// session of the server in turn, and would mix up their plans and settings.
async fn refuse_pooler(pool: &ServerPool, place: &str) -> Result<(), StoreError> {
    let (one, other) = (pool.session().await?, pool.session().await?);
    for (one, other) in [(&one, &other), (&other, &one)] {
        // A server that does not know such a setting cannot be told from others by it.
        if one.execute("SET cardbridge.seen = 'here'", &[]).await.is_err() {
            return Ok(());
        }
        let seen = "SELECT 1 WHERE current_setting('cardbridge.seen', true) = 'here'";
        let is_seen = other.execute(seen, &[]).await? > 0;
        one.execute("RESET cardbridge.seen", &[]).await?;
        if is_seen {
            return Err(StoreError::Engine(format!(
                "{place}: a pooler in transaction mode stands before the server; set \
                 database-pooler = transaction"
            )));
        }
    }
    Ok(())
}

pub(super) fn understood(server: &ServerLocation) -> Result<ServerUrl, StoreError> {
    let refused = |error| StoreError::Engine(format!("the URL should be {error}"));
    let mut url = ServerUrl::parse(&server.url, server.pooler).map_err(refused)?;
    bound(&mut url.config);
    Ok(url)
}

/// The tries of a write: again if another transaction was in the way, or once if the server was
/// away before anything was written, since the connection may have been lost while it lay idle.
#[derive(Default)]
struct Again<'a> {
    conflicts: u32,
    was_away: bool,
    turn: Option<MutexGuard<'a, ()>>,
}

impl<'a> Again<'a> {
    /// Waits until the write may be tried again; false if it may not.
    async fn is_tried(
        &mut self,
        pool: &'a ServerPool,
        ids: &IdGenerator,
        obstacle: Option<Obstacle>,
    ) -> bool {
        match obstacle {
            Some(Obstacle::Conflict) if self.conflicts + 1 < MAX_TRIES => {
                self.conflicts += 1;
                if self.turn.is_none() {
                    self.turn = turn_within(TURN_TIMEOUT, pool).await;
                }
                sleep(pause(ids, self.conflicts)).await;
                true
            }
            Some(Obstacle::Away) => !std::mem::replace(&mut self.was_away, true),
            _ => false,
        }
    }
}

/// A turn, unless others have it for too long: without one it is only likelier that a write fails
/// again.
async fn turn_within(limit: Duration, pool: &ServerPool) -> Option<MutexGuard<'_, ()>> {
    timeout(limit, pool.turn.lock()).await.ok()
}

/// Writes, and again as [`Again`] says. `is_checked` says whether the lease of the node number is
/// checked before the commit.
async fn write_by<T, E, F>(
    pool: &ServerPool,
    origin: &Origin,
    is_checked: bool,
    operation: F,
) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut again = Again::default();
    let checked = is_checked.then_some(origin);
    loop {
        let (result, obstacle) = try_write(pool, checked, &operation).await;
        if !again.is_tried(pool, &origin.ids, obstacle).await {
            return result;
        }
    }
}

/// One try, with what was in its way.
async fn try_write<T, E, F>(
    pool: &ServerPool,
    origin: Option<&Origin>,
    operation: &F,
) -> (Result<T, E>, Option<Obstacle>)
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let failed = |error: StoreError| {
        let obstacle = Obstacle::of(&error);
        (Err(error.into()), obstacle)
    };
    let mut session = match pool.session().await {
        Ok(session) => session,
        // All servers were tried.
        Err(error) => return (Err(error.into()), None),
    };
    session.begin();
    let tx = Tx::Postgres(session);
    let result = operation(&tx).await;
    if result.is_err() {
        let Tx::Postgres(session) = &tx else { return (result, None) };
        let obstacle = session.obstacle();
        // A connection that is not undone is closed, which undoes it.
        let _ = roll_back(tx).await;
        return (result, obstacle);
    }
    if let Some(origin) = origin
        && let Err(error) = origin.check()
    {
        return (Err(error.into()), None);
    }
    match commit(tx).await {
        Ok(()) => (result, None),
        Err(error) => failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_turn_is_not_waited_for_without_bound() {
        let server = ServerLocation::from("postgres://user@127.0.0.1:1/name".to_owned());
        let pool = ServerPool::new(&understood(&server).unwrap(), 1, STATEMENT_TIMEOUT).unwrap();
        let held = turn_within(TURN_TIMEOUT, &pool).await;
        assert!(held.is_some());
        assert!(turn_within(Duration::from_millis(1), &pool).await.is_none());
        drop(held);
        assert!(turn_within(TURN_TIMEOUT, &pool).await.is_some());
    }

    #[test]
    fn what_the_url_says_of_silence_counts() {
        let silence = |query: &str| {
            let mut config: Config = format!("postgres://user@host/name{query}").parse().unwrap();
            bound(&mut config);
            (config.get_keepalives_idle(), config.get_tcp_user_timeout().copied())
        };
        assert_eq!(silence(""), (SILENCE_TIMEOUT, Some(SILENCE_TIMEOUT)));
        let own = (Duration::from_secs(20), Some(Duration::from_secs(30)));
        assert_eq!(silence("?keepalives_idle=20&tcp_user_timeout=30"), own);
    }
}
