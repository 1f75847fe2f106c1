//! A business day with many authorisations: copies of one that the store wrote.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use domain::{BusinessDay, Clock, EnterpriseId, IdGenerator};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use store::{Location, Store};

use crate::hot_deposit::purchases::Purchases;

/// The day of the file.
const DAY: &str = "20250115";
/// Microseconds from one authorisation to the next: a million of them fit in a day.
const STEP_US: u64 = 80_000;
/// The columns of cardbridge-open-api.md section 10; the last two, of the shop's name, as they are
/// stored.
const COLUMNS: &str = "auth_id, customer_id, card_id, direction, auth_type, transaction_type, \
    currency, amount_minor, acquirer_currency, acquirer_amount_minor, original_auth_id, outs_id, \
    status, reject_reason, merchant_id, merchant_name, merchant_country, mcc, created_at";

/// The day, in its own store.
pub struct FullDay {
    pub store: Store,
    pub enterprise_id: EnterpriseId,
    pub day: BusinessDay,
    path: PathBuf,
}

impl FullDay {
    /// Makes a store whose day has this many approved authorisations.
    pub async fn make(dir: &Path, rows: u64) -> Result<Self> {
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let path = dir.join("recon.db");
        let location = Location::Sqlite(path.clone());
        let store = Store::open(location.clone(), clock.clone(), Arc::clone(&ids)).await?;
        let purchases = Purchases::on_new_deposit(&store, clock.clone(), Arc::clone(&ids)).await?;
        store.begin_authorisation(purchases.draw()).await?;
        store.close().await;
        let day: BusinessDay = DAY.parse().context("a day")?;
        copy(&Connection::open(&path)?, day, rows)?;
        let store = Store::open(location, clock, ids).await?;
        Ok(Self { store, enterprise_id: purchases.enterprise_id, day, path })
    }

    /// Writes the day's rows as any program would; returns how many there were.
    pub fn dump(&self, to: &Path) -> Result<u64> {
        let connection = Connection::open(&self.path)?;
        let sql = format!(
            "SELECT {COLUMNS} FROM authorisation WHERE enterprise_id = ?1 AND created_at >= ?2 \
             AND created_at < ?3 AND status <> 'PENDING' ORDER BY created_at, auth_id"
        );
        let mut statement = connection.prepare(&sql)?;
        let width = statement.column_count();
        let (from, end) = (self.day.start().as_micros(), self.day.end().as_micros());
        let mut found = statement.query(params![self.enterprise_id.as_i64(), from, end])?;
        let mut file = BufWriter::new(File::create(to)?);
        let mut rows = 0;
        while let Some(row) = found.next()? {
            for column in 0..width {
                match row.get_ref(column)? {
                    ValueRef::Integer(number) => write!(file, "{number}>")?,
                    ValueRef::Text(text) => {
                        file.write_all(text)?;
                        file.write_all(b">")?;
                    }
                    _ => file.write_all(b">")?,
                }
            }
            file.write_all(b"\n")?;
            rows += 1;
        }
        file.into_inner()?.sync_all()?;
        Ok(rows)
    }
}

/// Copies the store's only authorisation, each time with its own id and time.
fn copy(connection: &Connection, day: BusinessDay, rows: u64) -> Result<()> {
    connection.pragma_update(None, "synchronous", "OFF")?;
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_info('authorisation')")?;
    let names =
        statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let start_us = day.start().as_micros();
    let values: Vec<String> = names
        .iter()
        .map(|name| match name.as_str() {
            "auth_id" => "auth_id + n".to_owned(),
            "created_at" | "decided_at" => format!("{start_us} + n * {STEP_US}"),
            "rrn" => "CAST(n AS TEXT)".to_owned(),
            "status" => "'APPROVED'".to_owned(),
            "hold_state" => "'POSTED'".to_owned(),
            "hold_remaining_minor" => "0".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    let sql = format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1) \
         INSERT INTO authorisation ({}) SELECT {} FROM number, authorisation \
         WHERE authorisation.status = 'PENDING'",
        names.join(", "),
        values.join(", ")
    );
    connection.execute(&sql, params![rows.cast_signed()])?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}
