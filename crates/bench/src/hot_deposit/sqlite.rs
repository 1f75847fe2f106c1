//! SQLite: the store, and threads with a connection each.
//!
//! SQLite waits for its lock by sleeping, which leaves the disk idle. Therefore the threads run
//! twice: as they are, and taking turns with a lock of our own, which is the best that callers who
//! each commit can achieve.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::{Clock, IdGenerator};
use rusqlite::{Connection, TransactionBehavior, params};
use store::{BeginAuthorisation, Location, Store};

use super::purchases::{AMOUNT_MINOR, Purchases};
use super::row_text;
use super::run::{CALLERS, MAX_HOLDS, ROUNDS, RUN_TIME, Tally, run_drawn};

/// Longest wait of a connection for its turn; reached only if one starves.
const BUSY_TIMEOUT: Duration = Duration::from_secs(60);

/// Holds per second.
pub struct Rates {
    /// Through the grouping writer.
    pub grouped: f64,
    /// Through the grouping writer, by links.
    pub linked: f64,
    /// One by one, waiting for SQLite's lock.
    pub waiting: f64,
    /// One by one, in turns.
    pub in_turns: f64,
}

/// Measures all three, alternating.
pub async fn measure(work_dir: &Path) -> Result<Rates> {
    let [mut grouped, mut linked, mut waiting, mut in_turns] = [Tally::default(); 4];
    for _ in 0..ROUNDS {
        // A fresh file each time, so neither side pays for data that the other left.
        let dir = tempfile::tempdir_in(work_dir)?;
        grouped.add(grouped_in(&dir.path().join("grouped.db"), Purchases::draw).await?);
        linked.add(grouped_in(&dir.path().join("linked.db"), Purchases::draw_of_link).await?);

        waiting.add(one_by_one(&dir.path().join("waiting.db"), None).await?);
        let turn = Some(Arc::new(Mutex::new(())));
        in_turns.add(one_by_one(&dir.path().join("in_turns.db"), turn).await?);
    }
    Ok(Rates {
        grouped: grouped.per_second(),
        linked: linked.per_second(),
        waiting: waiting.per_second(),
        in_turns: in_turns.per_second(),
    })
}

/// Holds through the store, on a fresh file.
async fn grouped_in(path: &Path, draw: fn(&Purchases) -> BeginAuthorisation) -> Result<Tally> {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = Location::Sqlite(path.to_owned());
    let store = Store::open(location, clock.clone(), Arc::clone(&ids)).await?;
    let purchases = Purchases::on_new_deposit(&store, clock, ids).await?;
    let tally = run_drawn(&store, &purchases, draw).await?;
    store.close().await;
    Ok(tally)
}

/// Holds without the store, on a file that the store has made.
async fn one_by_one(path: &Path, turn: Option<Arc<Mutex<()>>>) -> Result<Tally> {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = Location::Sqlite(path.to_owned());
    let store = Store::open(location, clock.clone(), Arc::clone(&ids)).await?;
    let purchases = Purchases::on_new_deposit(&store, clock, ids).await?;
    let template = purchases.draw();
    let template_id = template.authorisation.auth_id.as_i64();
    store.begin_authorisation(template).await?;
    store.close().await;
    let path = path.to_owned();
    let run = move || run_single(&path, template_id, &purchases, turn.as_ref());
    tokio::task::spawn_blocking(run).await?
}

fn run_single(
    path: &Path,
    template_id: i64,
    purchases: &Purchases,
    turn: Option<&Arc<Mutex<()>>>,
) -> Result<Tally> {
    let statements = Arc::new(Statements::like(&open(path)?, template_id)?);
    let started = Instant::now();
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let statements = Arc::clone(&statements);
            let (path, purchases): (PathBuf, _) = (path.to_owned(), purchases.clone());
            let turn = turn.cloned();
            std::thread::spawn(move || -> Result<u64> {
                let mut connection = open(&path)?;
                let mut holds = 0;
                while started.elapsed() < RUN_TIME && holds < MAX_HOLDS {
                    let lock = turn.as_ref().map(|turn| turn.lock());
                    let _mine = lock.map(|lock| lock.unwrap_or_else(PoisonError::into_inner));
                    hold(&mut connection, &statements, &purchases)?;
                    holds += 1;
                }
                Ok(holds)
            })
        })
        .collect();
    let mut holds = 0;
    for caller in callers {
        holds += caller.join().ok().context("a caller panicked")??;
    }
    let seconds = started.elapsed().as_secs_f64();
    let held: i64 =
        open(path)?
            .query_row("SELECT sum(held_minor) FROM ledger_account", [], |row| row.get(0))?;
    ensure!(held == (i64::try_from(holds)? + 1) * AMOUNT_MINOR, "the baseline lost a hold");
    Ok(Tally { holds, seconds })
}

/// The durability settings are those of the store.
fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}

struct Statements {
    authorisation: String,
    transfer: String,
}

impl Statements {
    fn like(connection: &Connection, template_id: i64) -> Result<Self> {
        let authorisation = row(connection, "authorisation", template_id)?;
        let transfer = row(connection, "ledger_transfer", template_id)?;
        Ok(Self {
            authorisation: row_text::insert(
                "authorisation",
                &authorisation,
                &["auth_id", "rrn"],
                '?',
            ),
            transfer: row_text::insert(
                "ledger_transfer",
                &transfer,
                &["transfer_id", "auth_id"],
                '?',
            ),
        })
    }
}

/// The names of a table's columns and the literals of its row with this `auth_id`.
fn row(connection: &Connection, table: &str, auth_id: i64) -> Result<Vec<(String, String)>> {
    let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = names.query_map([table], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let quoted: Vec<String> = names.iter().map(|name| format!("quote({name})")).collect();
    let sql = format!("SELECT {} FROM {table} WHERE auth_id = ?1", quoted.join(", "));
    let literals = connection.query_row(&sql, [auth_id], |row| {
        (0..names.len()).map(|column| row.get(column)).collect::<Result<Vec<String>, _>>()
    })?;
    Ok(names.into_iter().zip(literals).collect())
}

/// One hold in its own commit.
fn hold(connection: &mut Connection, statements: &Statements, purchases: &Purchases) -> Result<()> {
    let (auth_id, transfer_id) = (purchases.ids.next(), purchases.ids.next());
    let enterprise_id = purchases.enterprise_id.as_i64();
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (account_id, available, held): (i64, i64, i64) = tx
        .prepare_cached(
            "SELECT account_id, available_minor, held_minor FROM ledger_account \
             WHERE enterprise_id = ?1 AND currency = 840",
        )?
        .query_row([enterprise_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    ensure!(available >= AMOUNT_MINOR, "the deposit is exhausted");
    tx.prepare_cached(&statements.authorisation)?.execute(params![auth_id, auth_id.to_string()])?;
    tx.prepare_cached(&statements.transfer)?.execute(params![transfer_id, auth_id])?;
    tx.prepare_cached(
        "UPDATE ledger_account SET available_minor = ?3, held_minor = ?4 \
         WHERE enterprise_id = ?1 AND account_id = ?2",
    )?
    .execute(params![
        enterprise_id,
        account_id,
        available - AMOUNT_MINOR,
        held + AMOUNT_MINOR
    ])?;
    tx.commit()?;
    Ok(())
}
