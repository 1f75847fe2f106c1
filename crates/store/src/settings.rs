//! Small platform-wide values: clock offset, key check value, FX rates.

use std::sync::Arc;

use domain::{Currency, FxRate, FxTable};

use crate::engine::Tx;
use crate::rows::Fields;
use crate::{Store, StoreError};

/// The setting that holds the offset of business time, as 8 bytes, big end first, so
/// that offsets compare as their bytes do.
const CLOCK_OFFSET: &str = "clock_offset_us";

impl Store {
    /// The value of a named platform setting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.read(move |tx| {
            let name = name.clone();
            Box::pin(async move {
                let sql = "SELECT value FROM setting WHERE name = $1";
                tx.query_opt(sql, &[name.into()]).await?.map(|row| row.bytes(0)).transpose()
            })
        })
        .await
    }

    /// Sets a named platform setting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |tx| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move {
                let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) \
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                tx.execute(sql, &[name.into(), value.into()]).await.map(|_| ())
            })
        })
        .await
    }

    /// Sets a named platform setting that has no value yet; returns the value in force. Of
    /// several processes that start at once the same one wins for all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.write(move |tx| {
            let (name, value) = (name.clone(), value.clone());
            Box::pin(async move {
                let insert = "INSERT INTO setting (name, value) VALUES ($1, $2) \
                    ON CONFLICT (name) DO NOTHING";
                tx.execute(insert, &[(&name).into(), value.into()]).await?;
                let sql = "SELECT value FROM setting WHERE name = $1";
                let row = tx.query_opt(sql, &[name.into()]).await?;
                row.ok_or(StoreError::Corrupt("setting"))?.bytes(0)
            })
        })
        .await
    }

    /// The stored offset of business time, in microseconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn clock_offset_us(&self) -> Result<i64, StoreError> {
        let Some(bytes) = self.setting(CLOCK_OFFSET).await? else { return Ok(0) };
        bytes.try_into().map(i64::from_be_bytes).map_err(|_| StoreError::Corrupt(CLOCK_OFFSET))
    }

    /// Stores the offset of business time unless a larger one is stored already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn save_clock_offset_us(&self, offset_us: i64) -> Result<(), StoreError> {
        // Business time never runs behind real time, and only then do the bytes compare.
        let bytes = offset_us.max(0).to_be_bytes();
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) \
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                    WHERE setting.value < excluded.value";
                let params = [CLOCK_OFFSET.into(), bytes.as_slice().into()];
                tx.execute(sql, &params).await.map(|_| ())
            })
        })
        .await
    }

    /// The FX table in force.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_table(&self) -> Result<FxTable, StoreError> {
        let rates = self
            .read(|tx| {
                Box::pin(async move {
                    let sql = "SELECT from_currency, to_currency, rate FROM fx_rate";
                    let rows = tx.query(sql, &[]).await?;
                    rows.iter().map(|row| rate_from(&mut Fields::of(row))).collect()
                })
            })
            .await;
        rates.map(|rates: Vec<FxRate>| FxTable::new(rates))
    }

    /// The part of the FX table in force that leads from one currency to another: one rate, or
    /// none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_rate(&self, from: Currency, to: Currency) -> Result<FxTable, StoreError> {
        let rates = self
            .read(move |tx| {
                Box::pin(async move {
                    let sql = "SELECT from_currency, to_currency, rate FROM fx_rate \
                        WHERE from_currency = $1 AND to_currency = $2";
                    let row = tx.query_opt(sql, &[from.into(), to.into()]).await?;
                    row.map(|row| rate_from(&mut Fields::of(&row))).transpose()
                })
            })
            .await;
        rates.map(FxTable::new)
    }

    /// Replaces the FX table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_fx_rates(&self, rates: Vec<FxRate>) -> Result<(), StoreError> {
        // As in the table itself, a later rate of a pair wins.
        let rates = Arc::new(FxTable::new(rates).rates());
        self.write(move |tx| {
            let rates = Arc::clone(&rates);
            Box::pin(async move { write_rates(tx, &rates).await })
        })
        .await
    }
}

fn rate_from(f: &mut Fields<'_>) -> Result<FxRate, StoreError> {
    Ok(FxRate { from: f.currency()?, to: f.currency()?, rate: f.parsed("fx_rate.rate")? })
}

async fn write_rates(tx: &Tx, rates: &[FxRate]) -> Result<(), StoreError> {
    tx.execute("DELETE FROM fx_rate", &[]).await?;
    let rows: Vec<_> = rates
        .iter()
        .map(|rate| vec![rate.from.into(), rate.to.into(), rate.rate.to_string().into()])
        .collect();
    tx.insert_rows("fx_rate", "from_currency, to_currency, rate", &rows).await
}
