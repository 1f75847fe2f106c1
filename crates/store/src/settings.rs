//! Small platform-wide values: clock offset, key check value, FX rates.

use domain::{FxRate, FxTable};

use crate::{Store, StoreError};

impl Store {
    /// The value of a named platform setting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let _ = name;
        todo!()
    }

    /// Sets a named platform setting.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let _ = (name, value);
        todo!()
    }

    /// The stored offset of business time, in microseconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn clock_offset_us(&self) -> Result<i64, StoreError> {
        todo!()
    }

    /// Stores the offset of business time unless a larger one is stored already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn save_clock_offset_us(&self, offset_us: i64) -> Result<(), StoreError> {
        let _ = offset_us;
        todo!()
    }

    /// The FX table in force.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn fx_table(&self) -> Result<FxTable, StoreError> {
        todo!()
    }

    /// Replaces the FX table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replace_fx_rates(&self, rates: Vec<FxRate>) -> Result<(), StoreError> {
        let _ = rates;
        todo!()
    }
}
