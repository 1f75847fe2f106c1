//! PostgreSQL: a pool of connections, and one connection that commits in groups.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_postgres::Object;
use domain::IdGenerator;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::group::{Grouped, GroupedJob};
use super::group_writer::{ASIDE_CONNECTIONS, GroupWriter, WriterWork};
use super::pool::{MAX_TRIES, Origin, ServerPool, commit, end};
use super::postgres_session::{Session, is_conflict};
use super::server_url::ServerUrl;
use super::tx::{BoxFuture, Tx};
use crate::StoreError;
use crate::process::Number;

/// The most connections in the pool for reads and plain writes.
const MAX_CONNECTIONS: usize = 24;
/// The time for which a connection may be silent before it counts as lost.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
/// Limits that the server sets unless the URL says otherwise: on the wait for a lock, and on a
/// transaction whose client fell silent, which would keep its locks.
const SERVER_TIMEOUTS: &str = "-c lock_timeout=10s -c idle_in_transaction_session_timeout=15s";
/// A promise that no URL, role or database takes away: a reported commit is on disk, and on the
/// disks of any synchronous standbys.
const SERVER_PROMISES: &str = "-c synchronous_commit=on";
/// Commands that may wait for the writer.
const MAX_QUEUED: usize = 4_096;

/// The server engine.
pub(crate) struct Postgres<G: Grouped> {
    pool: ServerPool,
    /// One connection for writes that must not wait for a free one.
    apart: ServerPool,
    /// The queue of the grouping writer.
    writer: mpsc::Sender<WriterWork<G>>,
    origin: Origin,
}

impl<G: Grouped> Postgres<G> {
    /// Connects; `url` is a `postgres://` URL, with TLS if it asks for it (`sslmode`). `number` is
    /// the one that `ids` carry: groups are written only while this process holds it.
    pub(crate) async fn open(
        url: &str,
        ids: Arc<IdGenerator>,
        number: Arc<Number>,
    ) -> Result<Self, StoreError> {
        let mut url = ServerUrl::parse(url)
            .map_err(|error| StoreError::Engine(format!("the URL should be {error}")))?;
        bound(&mut url.config);
        let pool = first_pool(&mut url).await?;
        let (queue, work) = mpsc::channel(MAX_QUEUED);
        // The writer has its own connection, so a rush of reads does not delay a hold; so have
        // commands that wait for a row.
        let origin = Origin { ids, number };
        let writer = GroupWriter::new(
            ServerPool::new(&url, 1)?,
            ServerPool::new(&url, ASIDE_CONNECTIONS)?,
            origin.clone(),
        );
        tokio::spawn(writer.run(work));
        let apart = ServerPool::new(&url, 1)?;
        Ok(Self { pool, apart, writer: queue, origin })
    }

    /// Hosts and ports, for errors.
    pub(crate) fn place(&self) -> &str {
        &self.pool.place
    }

    /// A connection for migrations.
    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.connection().await
    }

    async fn session(&self) -> Result<Session, StoreError> {
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
        write_by(&self.apart, None, operation).await
    }

    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        operation(&Tx::Postgres(self.session().await?)).await
    }

    pub(crate) async fn read_snapshot<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, StoreError>>,
    {
        let mut session = self.session().await?;
        session.control("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", true).await?;
        let tx = Tx::Postgres(session);
        let result = operation(&tx).await;
        end(tx, "COMMIT").await?;
        result
    }

    pub(crate) async fn write<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
    {
        write_by(&self.pool, Some(&self.origin), operation).await
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
async fn first_pool(url: &mut ServerUrl) -> Result<ServerPool, StoreError> {
    if url.is_plain_first {
        let before = url.config.get_ssl_mode();
        url.config.ssl_mode(SslMode::Disable);
        let pool = ServerPool::new(url, MAX_CONNECTIONS)?;
        if pool.session().await.is_ok() {
            return Ok(pool);
        }
        url.config.ssl_mode(before);
    }
    let pool = ServerPool::new(url, MAX_CONNECTIONS)?;
    drop(pool.session().await?);
    Ok(pool)
}

/// Limits the time for which a silent connection or a stuck transaction can hold up others, unless
/// the URL does; and makes the server keep what it reported.
fn bound(config: &mut Config) {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_TIMEOUT);
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(SILENCE_TIMEOUT);
    }
    let own = config.get_options().unwrap_or_default();
    // Of two values of a setting the later one counts.
    let options = format!("{SERVER_TIMEOUTS} {own} {SERVER_PROMISES}");
    config.options(options);
}

/// Writes, and again if another transaction was in the way. `origin`, if any, is checked before the
/// commit.
async fn write_by<T, E, F>(pool: &ServerPool, origin: Option<&Origin>, operation: F) -> Result<T, E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut tries = 1;
    loop {
        let (result, conflict) = try_write(pool, origin, &operation).await?;
        if !conflict || tries == MAX_TRIES {
            return result;
        }
        tries += 1;
    }
}

/// One try; the flag is true if another transaction was in the way.
async fn try_write<T, E, F>(
    pool: &ServerPool,
    origin: Option<&Origin>,
    operation: &F,
) -> Result<(Result<T, E>, bool), E>
where
    E: From<StoreError>,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>>,
{
    let mut session = pool.session().await?;
    session.control("BEGIN", true).await?;
    let tx = Tx::Postgres(session);
    let result = operation(&tx).await;
    if result.is_err() {
        let conflict = match &tx {
            Tx::Postgres(session) => session.conflict.load(Ordering::Relaxed),
            Tx::Sqlite(_) => false,
        };
        end(tx, "ROLLBACK").await?;
        return Ok((result, conflict));
    }
    if let Some(origin) = origin {
        origin.check()?;
    }
    match commit(tx).await {
        Ok(()) => Ok((result, false)),
        Err(error) => {
            let conflict = is_conflict(&error);
            Ok((Err(error.into()), conflict))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
