//! A store full of cards and authorisations, copied from one card and one authorisation that the
//! store made.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use domain::{Authorisation, Card, Clock, IdGenerator};
use rusqlite::Connection;
use store::{Location, Store};

use super::template::{self, Filled};
use super::traffic;

/// One authorisation in this many still has an open hold.
const OPEN_HOLDS: u32 = 10;
/// Steps of this many cards scatter successive authorisations over all cards.
const CARD_STRIDE: u32 = 7_919;
/// Milliseconds between two past authorisations: five million in a month.
const SPACING_MS: i64 = 500;
/// Tries to get exclusive access to the file, and the pause between two.
const MAX_OPEN_TRIES: u32 = 250;
const OPEN_PAUSE: Duration = Duration::from_millis(20);
/// Page cache while filling, in KiB.
const CACHE_KIB: u32 = 524_288;

/// The tables that are filled; their indexes are rebuilt afterwards.
const TABLES: [&str; 10] = [
    "pan",
    "pan_fingerprint",
    "card",
    "velocity_use",
    "authorisation",
    "receipt",
    "open_hold",
    "ledger_transfer",
    "webhook",
    "webhook_attempt",
];

/// The number of cards and authorisations in a store.
#[derive(Clone, Copy)]
pub struct Size {
    pub cards: u32,
    pub authorisations: u32,
}

impl Size {
    /// This size divided, but with at least one card and one authorisation.
    pub fn divided_by(self, divisor: u32) -> Self {
        let part = |whole: u32| (whole / divisor).max(1);
        Self { cards: part(self.cards), authorisations: part(self.authorisations) }
    }
}

/// Makes the store at `path` and fills it.
pub async fn fill(path: &Path, size: Size) -> Result<Filled> {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let store = Store::open(Location::Sqlite(path.to_owned()), clock, ids).await?;
    let card = template::card(&store).await?;
    let authorisation = traffic::authorise(&store, card.card_id).await?;
    store.close().await;
    drop(store);
    let filled = Filled { template: card, cards: size.cards };
    let path = path.to_owned();
    let template = filled.template.clone();
    tokio::task::spawn_blocking(move || copy_all(&path, size, &template, &authorisation)).await??;
    Ok(filled)
}

fn copy_all(path: &Path, size: Size, card: &Card, authorisation: &Authorisation) -> Result<()> {
    let connection = open_alone(path)?;
    let indexes = drop_indexes(&connection)?;
    copy_cards(&connection, size.cards, card)?;
    copy_authorisations(&connection, size, authorisation)?;
    for index in indexes {
        connection.execute_batch(&index)?;
    }
    let count: u32 =
        connection.query_row("SELECT count(*) FROM authorisation", [], |row| row.get(0))?;
    ensure!(count == size.authorisations + 1, "{count} authorisations were made");
    Ok(())
}

/// Opens the file without a journal: the rows are worthless after a crash. The store's own threads
/// may still be closing their connections, and write-ahead logging ends with the last of them.
fn open_alone(path: &Path) -> Result<Connection> {
    let settings = format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"
    );
    let mut tries = 1;
    loop {
        let connection = Connection::open(path)?;
        match connection.execute_batch(&settings) {
            Ok(()) => return Ok(connection),
            Err(_) if tries < MAX_OPEN_TRIES => tries += 1,
            Err(error) => return Err(error.into()),
        }
        drop(connection);
        std::thread::sleep(OPEN_PAUSE);
    }
}

/// Drops the indexes that have their own SQL; returns that SQL.
fn drop_indexes(connection: &Connection) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for table in TABLES {
        let mut statement = connection.prepare(
            "SELECT name, sql FROM sqlite_master \
             WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL",
        )?;
        let indexes = statement
            .query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        for (name, text) in indexes {
            connection.execute_batch(&format!("DROP INDEX {name}"))?;
            texts.push(text);
        }
    }
    Ok(texts)
}

fn copy_cards(connection: &Connection, cards: u32, card: &Card) -> Result<()> {
    let (pan_id, card_id) = (card.pan_id.as_i64(), card.card_id.as_i64());
    let pan = [("pan_id", "pan_id + i"), ("fingerprint", "randomblob(32)")];
    copy(connection, "pan", ("pan_id", pan_id), &pan, cards)?;
    connection.execute(
        "INSERT INTO pan_fingerprint (fingerprint, enterprise_id, pan_id) \
         SELECT fingerprint, enterprise_id, pan_id FROM pan WHERE pan_id > ?1",
        [pan_id],
    )?;
    let changes = [("card_id", "card_id + i"), ("pan_id", "pan_id + i")];
    copy(connection, "card", ("card_id", card_id), &changes, cards)?;
    copy(connection, "velocity_use", ("pan_id", pan_id), &[("pan_id", "pan_id + i")], cards)
}

fn copy_authorisations(connection: &Connection, size: Size, it: &Authorisation) -> Result<()> {
    let Size { cards, authorisations } = size;
    let nth_card = format!("1 + (i * {CARD_STRIDE}) % {cards}");
    let is_open = format!("i % {OPEN_HOLDS} = 0");
    let changes = [
        ("auth_id", "auth_id + i".to_owned()),
        ("outs_id", "outs_id + i".to_owned()),
        ("card_id", format!("card_id + {nth_card}")),
        ("velocity_pan_id", format!("velocity_pan_id + {nth_card}")),
        ("rrn", "CAST(auth_id + i AS TEXT)".to_owned()),
        ("created_at", format!("created_at - ({authorisations} - i) * {SPACING_MS} * 1000")),
        ("hold_state", format!("CASE WHEN {is_open} THEN hold_state ELSE 'POSTED' END")),
        ("hold_expires_at", format!("CASE WHEN {is_open} THEN hold_expires_at END")),
        (
            "hold_remaining_minor",
            format!("CASE WHEN {is_open} THEN hold_remaining_minor ELSE 0 END"),
        ),
    ];
    let changes: Vec<_> = changes.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let auth_id = it.auth_id.as_i64();
    copy(connection, "authorisation", ("auth_id", auth_id), &changes, authorisations)?;
    copy(
        connection,
        "receipt",
        ("auth_id", auth_id),
        &[("auth_id", "auth_id + i")],
        authorisations,
    )?;
    let of_open = format!("auth_id + i * {OPEN_HOLDS}");
    let open = authorisations / OPEN_HOLDS;
    copy(connection, "open_hold", ("auth_id", auth_id), &[("auth_id", &of_open)], open)?;
    let changes = [("transfer_id", "transfer_id + i"), ("auth_id", "auth_id + i")];
    copy(connection, "ledger_transfer", ("auth_id", auth_id), &changes, authorisations)?;
    let changes = [
        ("webhook_id", "webhook_id + i"),
        ("business_id", "business_id + i"),
        ("status", "'DELIVERED'"),
        ("tries", "1"),
        ("is_first", "0"),
    ];
    copy(connection, "webhook", ("business_id", auth_id), &changes, authorisations)?;
    copy_attempts(connection, auth_id, authorisations)
}

/// Each webhook was delivered by its first attempt.
fn copy_attempts(connection: &Connection, auth_id: i64, count: u32) -> Result<()> {
    connection.execute(
        "INSERT INTO webhook_attempt (enterprise_id, webhook_id, attempt, attempted_at, status, \
         latency_ms, excerpt) SELECT enterprise_id, webhook_id, 1, created_at, 200, 5, '' \
         FROM webhook WHERE business_id = ?1",
        [auth_id],
    )?;
    let sql = "SELECT webhook_id FROM webhook WHERE business_id = ?1";
    let webhook_id = connection.query_row(sql, [auth_id], |row| row.get(0))?;
    let changes = [("webhook_id", "webhook_id + i")];
    copy(connection, "webhook_attempt", ("webhook_id", webhook_id), &changes, count)
}

/// Copies the row of a table whose column `key.0` is `key.1` this many times; in the n-th copy, the
/// columns in `changes` get the results of their expressions over the row and `i` = n.
fn copy(
    connection: &Connection,
    table: &str,
    key: (&str, i64),
    changes: &[(&str, &str)],
    copies: u32,
) -> Result<()> {
    let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = names.query_map([table], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    for (name, _) in changes {
        ensure!(names.iter().any(|it| it == name), "{table} has no column {name}");
    }
    let values: Vec<&str> = names
        .iter()
        .map(|name| changes.iter().find(|(it, _)| it == name).map_or(&**name, |(_, text)| text))
        .collect();
    if copies == 0 {
        return Ok(());
    }
    // A statement that reads the table it writes would first buffer all rows.
    let taken = format!("CREATE TEMP TABLE template AS SELECT * FROM {table} WHERE {} = ?1", key.0);
    connection.execute(&taken, [key.1])?;
    let sql = format!(
        "INSERT INTO {table} ({}) WITH RECURSIVE number(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < ?1) \
         SELECT {} FROM number, temp.template",
        names.join(", "),
        values.join(", "),
    );
    let made = connection.execute(&sql, [copies]).with_context(|| sql.clone())?;
    connection.execute_batch("DROP TABLE temp.template")?;
    ensure!(made == copies as usize, "{table}: {made} copies instead of {copies}");
    Ok(())
}
