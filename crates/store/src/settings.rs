//! Small platform-wide values: clock offset, key check value, FX rates.

use domain::{Currency, FxRate, FxTable};

use crate::engine::{Statement, with};
use crate::records::select;
use crate::{Store, StoreError};

/// The setting that holds the offset of business time, as 8 bytes in big-endian order, so their
/// bytes compare as the offsets do.
const CLOCK_OFFSET: &str = "clock_offset_us";

impl Store {
    /// The value of a named platform setting.
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.one("SELECT value FROM setting WHERE name = $1", [name.into()]).await
    }

    /// Sets a named platform setting.
    pub async fn put_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.execute(sql, [name.into(), value.into()]).await.map(drop)
    }

    /// Sets a named platform setting that has no value yet; returns the value in force. If several
    /// processes start at once, one of them decides for all.
    pub async fn claim_setting(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.write(with((name.to_owned(), value.to_owned()), async |tx, (name, value)| {
            let insert = "INSERT INTO setting (name, value) VALUES ($1, $2) \
                ON CONFLICT (name) DO NOTHING";
            tx.execute(insert, &[name.into(), value.as_slice().into()]).await?;
            let sql = "SELECT value FROM setting WHERE name = $1";
            tx.one(sql, &[name.into()]).await?.ok_or(StoreError::Corrupt("setting"))
        }))
        .await
    }

    /// The stored offset of business time, in microseconds.
    pub async fn clock_offset_us(&self) -> Result<i64, StoreError> {
        clock_offset_us(self.setting(CLOCK_OFFSET).await?)
    }

    /// Stores the offset of business time unless a larger one is stored already.
    pub async fn save_clock_offset_us(&self, offset_us: i64) -> Result<(), StoreError> {
        // Business time never runs behind real time, and negative numbers do not compare as their
        // bytes do.
        let bytes = offset_us.max(0).to_be_bytes();
        let sql = "INSERT INTO setting (name, value) VALUES ($1, $2) \
            ON CONFLICT (name) DO UPDATE SET value = excluded.value \
            WHERE setting.value < excluded.value";
        self.execute(sql, [CLOCK_OFFSET.into(), bytes.as_slice().into()]).await.map(drop)
    }

    /// The FX table in force.
    pub async fn fx_table(&self) -> Result<FxTable, StoreError> {
        let rates: Vec<FxRate> = self.all(select::<FxRate>(), []).await?;
        Ok(FxTable::new(rates))
    }

    /// The part of the FX table in force for converting one currency to another: one rate, or no
    /// rate.
    pub async fn fx_rate(&self, from: Currency, to: Currency) -> Result<FxTable, StoreError> {
        self.by_key::<FxRate>((from, to)).await.map(FxTable::new)
    }

    /// Replaces the FX table.
    pub async fn replace_fx_rates(&self, rates: Vec<FxRate>) -> Result<(), StoreError> {
        // As in [`FxTable`], a later rate of a pair wins.
        self.write(with(FxTable::new(rates).rates(), async |tx, rates| {
            tx.execute("DELETE FROM fx_rate", &[]).await?;
            tx.insert_all(rates).await
        }))
        .await
    }
}

/// Reads the offset of business time.
pub(crate) fn stored_clock_offset() -> Statement {
    Statement::new("SELECT value FROM setting WHERE name = $1", [CLOCK_OFFSET.into()])
}

/// The offset of business time that is stored as these bytes, in microseconds.
pub(crate) fn clock_offset_us(stored: Option<Vec<u8>>) -> Result<i64, StoreError> {
    let Some(bytes) = stored else { return Ok(0) };
    bytes.try_into().map(i64::from_be_bytes).map_err(|_| StoreError::Corrupt(CLOCK_OFFSET))
}
