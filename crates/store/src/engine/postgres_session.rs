//! A connection to a server.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Mutex;

use super::cause::reason_of;
use super::postgres_error::{engine_error, is_survived};
use super::postgres_wire::{Asked, Plans, send};
use super::servers::Connection;
use super::statement::{Answer, Statement};
use super::value::{Row, Value};
use crate::StoreError;

const SILENT: &str = "the server did not answer in time";
/// The longest time to begin a transaction, which waits for nothing.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(2);
/// The time that each statement adds to those with which it travels: a group may have a thousand.
const TIME_BESIDE: Duration = Duration::from_millis(5);
/// The longest time for a statement of money: a purchase that waits longer is declined.
pub(super) const MONEY_STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest wait of a statement for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time for which the server waits, in a transaction, for a client that fell silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause between the statements of a snapshot, which locks nothing that others need.
const SNAPSHOT_IDLE_S: u32 = 60;
/// Settings of a transaction that the URL may set differently: the longest waits for a lock, and of
/// the server for a client that fell silent, for whose locks others wait.
const TIMEOUTS: [(&str, Duration); 2] =
    [("lock_timeout", LOCK_TIMEOUT), ("idle_in_transaction_session_timeout", IDLE_TIMEOUT)];
/// The server answers the end of a transaction that an error broke with success and undoes it; a
/// statement before it fails then.
const COMMIT: &str = "SELECT 1; COMMIT";

/// A connection in use. If it is dropped inside a transaction, it is closed, not given back.
pub(crate) struct Session {
    client: Option<Connection>,
    /// The longest time for each statement, even if something between here and the server accepts
    /// bytes but does not pass them on.
    statement_timeout: Duration,
    /// The time that statements which travel together may wait for locks beyond that.
    lock_room: Box<LockRoom>,
    plans: Plans,
    /// Begins a transaction.
    begin: Arc<str>,
    in_transaction: bool,
    /// Statements that travel with the next one. Whoever sends holds the lock until the last is on
    /// its way, so the server gets all statements in the order in which they were called for.
    posted: Box<Mutex<Posted>>,
    /// True if a statement failed because another transaction was in the way.
    has_conflict: AtomicBool,
    /// True if the server does not answer or takes no writes. Another connection may lead to one
    /// that does, so neither this one nor those that lie idle are used again.
    is_useless: AtomicBool,
    /// The server's reason for not beginning a transaction whose statements were on their way: each
    /// of them may have been carried out by itself.
    not_begun: Box<OnceLock<String>>,
    /// Calls whose answers are still to come; the caller of one may go away.
    unanswered: AtomicUsize,
}

/// Statements that wait for the next one, because nobody needs their answers.
#[derive(Default)]
struct Posted {
    /// Begins a transaction, before all others.
    begin: Option<String>,
    statements: Vec<Statement>,
}

impl Posted {
    fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        let begin = self.begin.iter().map(|sql| Asked::Plain(sql));
        begin.chain(
            self.statements
                .iter()
                .map(|it| if it.params.is_empty() { Asked::Plain(&it.sql) } else { it.asked() }),
        )
    }
}

impl Statement {
    fn asked(&self) -> Asked<'_> {
        Asked::Planned(&self.sql, &self.params)
    }
}

/// The reason why statements were not carried out.
struct Refusal {
    /// True if one before the last failed.
    is_before_last: bool,
    /// True if the server said so, or if nothing behind the one that failed was sent.
    is_judged: bool,
    error: StoreError,
}

type Travelling<'a> = Pin<Box<dyn Future<Output = Result<Vec<Answer>, Refusal>> + Send + 'a>>;

/// The end of a transaction that was not committed.
pub(super) enum Uncommitted {
    /// A statement was refused: the transaction is open, and broken.
    Broken(StoreError),
    /// The transaction is over.
    Ended(StoreError),
}

/// The longest time for a statement that only reads, outside a transaction. The server's own limit
/// comes first, so that a slow statement is told from a server that does not answer.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// The time after our own deadline at which the server gives up a statement whose client is gone.
const SERVER_GRACE: Duration = Duration::from_secs(1);

/// The time that statements which travel together may wait for locks, beyond that of one statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct LockRoom {
    /// The longest wait of each statement.
    pub(super) each: Duration,
    /// The longest wait of all.
    pub(super) most: Duration,
}

impl LockRoom {
    /// No time, for statements whose waits fit into the time of one, or that wait for nobody.
    pub(super) const NONE: Self = Self { each: Duration::ZERO, most: Duration::ZERO };

    /// The time that a statement may need for so many that travel with it.
    fn beside(self, count: usize) -> Duration {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        TIME_BESIDE * count + self.each.saturating_mul(count).min(self.most)
    }
}

/// What a new connection begins with: the server's limit of such a statement, in milliseconds.
pub(super) const GREETING: &str = "SET statement_timeout = 2700";

/// The statements that begin a transaction on the servers of a URL with these `options`. The
/// settings are part of it, so they hold behind a pooler too. Nothing takes away the promise that a
/// reported commit is on disk, and on the disks of any synchronous standbys.
pub(super) fn begin(options: &str, statement_timeout: Duration) -> String {
    let own = own_settings(options);
    let timeouts = TIMEOUTS.iter().filter(|(name, _)| !own.contains(name));
    let timeouts =
        timeouts.map(|(name, limit)| format!("; SET LOCAL {name} = '{}s'", limit.as_secs()));
    let limit_ms = (statement_timeout + SERVER_GRACE).as_millis();
    format!(
        "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = {limit_ms}{}",
        timeouts.collect::<String>()
    )
}

/// The names of the settings in the `options` of a URL, such as `-c lock_timeout=7s`.
fn own_settings(options: &str) -> Vec<&str> {
    let words = options.split(|it: char| it.is_whitespace());
    let words = words.map(|word| word.trim_start_matches("-c").trim_start_matches("--"));
    words.filter_map(|word| word.split_once('=')).map(|(name, _)| name).collect()
}

impl Session {
    pub(super) fn new(
        client: Connection,
        statement_timeout: Duration,
        plans: Plans,
        begin: Arc<str>,
    ) -> Self {
        Self {
            client: Some(client),
            statement_timeout,
            lock_room: Box::new(LockRoom::NONE),
            plans,
            begin,
            in_transaction: false,
            posted: Box::default(),
            has_conflict: AtomicBool::new(false),
            is_useless: AtomicBool::new(false),
            not_begun: Box::default(),
            unanswered: AtomicUsize::new(0),
        }
    }

    /// Allows each statement this much time.
    pub(super) const fn allow(&mut self, statement_timeout: Duration) {
        self.statement_timeout = statement_timeout;
    }

    /// Checks that the server takes writes on this connection.
    pub(super) async fn check_writable(&self) -> Result<(), StoreError> {
        let sql = "SELECT current_setting('transaction_read_only')";
        let rows = self.query(sql, &[]).await?;
        let is_read_only = rows.first().is_none_or(|row| row.0 != [Value::Text("off".to_owned())]);
        if is_read_only {
            self.is_useless.store(true, Ordering::Relaxed);
            return Err(StoreError::Away("the server is read-only".to_owned()));
        }
        Ok(())
    }

    pub(crate) async fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        Ok(self.one(Asked::Planned(sql, params)).await?.rows)
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let is_plain = params.is_empty();
        let asked = if is_plain { Asked::Plain(sql) } else { Asked::Planned(sql, params) };
        Ok(self.one(asked).await?.count)
    }

    /// Runs statements in one round trip, in order; the first that fails gives the error.
    pub(crate) async fn together(
        &self,
        statements: &[Statement],
    ) -> Result<Vec<Answer>, StoreError> {
        let asked: Vec<_> = statements.iter().map(Statement::asked).collect();
        self.travel(&asked).await.map_err(|refusal| refusal.error)
    }

    /// Has a statement travel with the next one, or with the commit, which fails if it fails.
    pub(crate) async fn post(&self, statement: Statement) {
        self.posted.lock().await.statements.push(statement);
    }

    /// Sends what was posted.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        if self.posted.lock().await.statements.is_empty() {
            return Ok(());
        }
        self.together(&[]).await.map(drop)
    }

    /// Begins a transaction with the next statement. Those that travel together may each wait for a
    /// lock, in all as long as a statement of money may take: a write that must be certain has to
    /// find out soon that a line fell silent.
    pub(super) fn begin(&mut self) {
        self.begin_with("", LockRoom { each: LOCK_TIMEOUT, most: MONEY_STATEMENT_TIMEOUT });
    }

    /// Begins a transaction with the next statement; `more` has further settings of it.
    pub(super) fn begin_with(&mut self, more: &str, lock_room: LockRoom) {
        self.posted.get_mut().begin = Some(format!("{}{more}", self.begin));
        *self.lock_room = lock_room;
        self.in_transaction = true;
    }

    /// Begins a transaction that only reads, from one state of the data.
    /// Each of its statements may take that long.
    pub(super) fn begin_snapshot(&mut self, statement: Duration) {
        let limit_ms = (statement + SERVER_GRACE).as_millis();
        self.posted.get_mut().begin = Some(format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET LOCAL statement_timeout = {limit_ms}; \
             SET LOCAL idle_in_transaction_session_timeout = '{SNAPSHOT_IDLE_S}s'"
        ));
        self.in_transaction = true;
        self.allow(statement);
    }

    /// Commits. The commit has certainly failed only if the server judged it: after a lost
    /// connection, or on a server that is going down, it may stand.
    pub(super) async fn commit(&mut self) -> Result<(), Uncommitted> {
        let posted = self.posted.get_mut();
        if posted.begin.is_some() && posted.statements.is_empty() {
            self.is_over();
            return Ok(());
        }
        self.commit_with(&[]).await.map(drop)
    }

    /// Runs statements and commits in one round trip, as [`Session::commit`] says.
    pub(super) async fn commit_with(
        &mut self,
        statements: &[Statement],
    ) -> Result<Vec<Answer>, Uncommitted> {
        // Nothing is sent.
        self.client().map(drop).map_err(Uncommitted::Ended)?;
        let mut asked: Vec<_> = statements.iter().map(Statement::asked).collect();
        asked.push(Asked::Plain(COMMIT));
        match self.travel(&asked).await {
            Ok(mut answers) => {
                answers.truncate(statements.len());
                self.is_over();
                Ok(answers)
            }
            Err(Refusal { is_before_last: true, is_judged: true, error }) => {
                let is_away = matches!(error, StoreError::Away(_));
                Err(if is_away { Uncommitted::Ended(error) } else { Uncommitted::Broken(error) })
            }
            Err(Refusal { error: StoreError::Engine(text) | StoreError::Away(text), .. }) => {
                Err(Uncommitted::Ended(StoreError::InDoubt(text)))
            }
            Err(Refusal { error, .. }) => Err(Uncommitted::Ended(error)),
        }
    }

    /// Undoes the transaction.
    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        let posted = std::mem::take(self.posted.get_mut());
        if posted.begin.is_none() {
            self.one(Asked::Plain("ROLLBACK")).await?;
        }
        self.is_over();
        Ok(())
    }

    /// The transaction has ended, and with it everything that ran in it.
    fn is_over(&mut self) {
        self.in_transaction = false;
        *self.posted.get_mut() = Posted::default();
        *self.unanswered.get_mut() = 0;
    }

    /// What was in the way of a statement that failed, and nothing was done. Operations have their
    /// own error types, so the session remembers it.
    pub(super) fn obstacle(&self) -> Option<Obstacle> {
        if self.not_begun.get().is_some() {
            return None;
        }
        if self.has_conflict.load(Ordering::Relaxed) {
            return Some(Obstacle::Conflict);
        }
        self.is_useless.load(Ordering::Relaxed).then_some(Obstacle::Away)
    }

    /// The connection, unless it is of no use any more.
    fn client(&self) -> Result<&Connection, StoreError> {
        if let Some(reason) = self.not_begun.get() {
            return Err(StoreError::InDoubt(reason.clone()));
        }
        if self.is_useless.load(Ordering::Relaxed) {
            return Err(silent());
        }
        self.client.as_ref().ok_or(StoreError::Overloaded)
    }

    async fn one(&self, asked: Asked<'_>) -> Result<Answer, StoreError> {
        let answered = self.travel(&[asked]).await.map_err(|refusal| refusal.error);
        Ok(answered?.pop().unwrap_or_default())
    }

    /// Sends statements behind those posted before, and waits for the answers as long as a
    /// statement may take.
    async fn travel(&self, asked: &[Asked<'_>]) -> Result<Vec<Answer>, Refusal> {
        let refused = |error| Refusal { is_before_last: false, is_judged: false, error };
        let client = self.client().map_err(refused)?;
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        // Boxed, because it lies deep inside every operation of the store.
        let travelled: Travelling<'_> = Box::pin(self.travel_by(client, asked));
        let beside = self.posted.lock().await.statements.len() + asked.len().saturating_sub(1);
        let limit = self.statement_timeout + self.lock_room.beside(beside);
        let answered = tokio::time::timeout(limit, travelled).await;
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
        let refusal = match answered {
            Ok(Ok(answers)) => return Ok(answers),
            Ok(Err(refusal)) => refusal,
            Err(_) => refused(silent()),
        };
        let is_away = matches!(refusal.error, StoreError::Away(_) | StoreError::InDoubt(_));
        self.is_useless.fetch_or(is_away, Ordering::Relaxed);
        self.has_conflict.fetch_or(is_conflict(&refusal.error), Ordering::Relaxed);
        Err(refusal)
    }

    async fn travel_by(
        &self,
        client: &Connection,
        asked: &[Asked<'_>],
    ) -> Result<Vec<Answer>, Refusal> {
        let mut waiting = self.posted.lock().await;
        let posted = std::mem::take(&mut *waiting);
        let all = posted.asked().chain(asked.iter().copied());
        let mut sent = send(client, self.plans, all).await;
        drop(waiting);
        let silent = |_| Refusal { is_before_last: false, is_judged: false, error: silent() };
        if posted.begin.is_some() {
            tokio::time::timeout(BEGIN_TIMEOUT, sent.first()).await.map_err(silent)?;
        }
        let before = posted.asked().count();
        let last = before + asked.len().saturating_sub(1);
        let mut answers = sent.answers().await.map_err(|failure| {
            let is_beginning = posted.begin.is_some() && failure.position == 0;
            if is_beginning && is_survived(&failure.error) {
                return self.not_begun(&failure.error);
            }
            Refusal {
                is_before_last: failure.position < last,
                is_judged: failure.is_unsent || failure.error.as_db_error().is_some(),
                error: engine_error(&failure.error),
            }
        })?;
        answers.drain(..before);
        Ok(answers)
    }

    /// The transaction was not begun, but the connection lives: the server took what was on its way
    /// behind the beginning without one.
    fn not_begun(&self, error: &tokio_postgres::Error) -> Refusal {
        let reason = format!("no transaction was begun: {}", reason_of(error));
        let reason = self.not_begun.get_or_init(|| reason).clone();
        Refusal { is_before_last: false, is_judged: false, error: StoreError::InDoubt(reason) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let is_useless = *self.is_useless.get_mut();
        let is_begun = self.in_transaction && self.posted.get_mut().begin.is_none();
        if (is_begun || is_useless || *self.unanswered.get_mut() > 0)
            && let Some(client) = self.client.take()
        {
            let pool = Connection::pool(&client);
            // Taken out of the pool, the connection closes and the server rolls back.
            drop(Connection::take(client));
            if let Some(pool) = pool.filter(|_| is_useless) {
                pool.retain(|_, _| false);
            }
        }
    }
}

/// Why a write may succeed at another try.
pub(super) enum Obstacle {
    /// Another transaction was in the way.
    Conflict,
    /// The connection was of no use.
    Away,
}

impl Obstacle {
    pub(super) const fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::Conflict(_) => Some(Self::Conflict),
            StoreError::Away(_) => Some(Self::Away),
            _ => None,
        }
    }
}

pub(super) fn silent() -> StoreError {
    StoreError::Away(SILENT.to_owned())
}

/// Only a conflict is worth another try.
pub(super) fn is_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_may_set_its_own_limits_by_their_whole_names() {
        let begun = |options| begin(options, Duration::from_secs(2));
        assert!(begun("").contains("lock_timeout = '10s'"));
        assert!(begun("-c deadlock_timeout=200ms").contains("lock_timeout = '10s'"));
        for options in ["-c lock_timeout=7s", "-clock_timeout=7s", "--lock_timeout=7s"] {
            assert!(!begun(options).contains("lock_timeout"), "{options}");
            assert!(begun(options).contains("synchronous_commit = on"));
        }
    }

    #[test]
    fn statements_that_travel_together_may_wait_for_locks_up_to_a_bound() {
        let (each, most) = (Duration::from_millis(700), Duration::from_secs(2));
        let room = LockRoom { each, most };
        assert_eq!(room.beside(0), Duration::ZERO);
        assert_eq!(room.beside(2), each * 2 + TIME_BESIDE * 2);
        assert_eq!(room.beside(1_000), most + TIME_BESIDE * 1_000);
        assert_eq!(LockRoom::NONE.beside(3), TIME_BESIDE * 3);
    }
}
