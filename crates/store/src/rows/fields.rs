//! Reading the columns of a row one after another.

use std::str::FromStr;

use domain::{AccountOwner, Currency, Money, Timestamp};

use crate::StoreError;
use crate::engine::Row;

/// The columns of one row, read from the first to the last. Struct literals are
/// evaluated in the order they are written, so a record is read as its columns stand.
pub(crate) struct Fields<'row> {
    row: &'row Row,
    next: usize,
}

impl<'row> Fields<'row> {
    /// From the first column on.
    pub(crate) const fn of(row: &'row Row) -> Self {
        Self { row, next: 0 }
    }

    fn advance(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// A number.
    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        self.row.int(self.advance())
    }

    /// A number, or none.
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.row.opt_int(self.advance())
    }

    /// A number of a smaller type.
    pub(crate) fn small<T: TryFrom<i64>>(&mut self, what: &'static str) -> Result<T, StoreError> {
        T::try_from(self.int()?).map_err(|_| StoreError::Corrupt(what))
    }

    /// An id.
    pub(crate) fn id<T>(&mut self, from: fn(i64) -> T) -> Result<T, StoreError> {
        self.int().map(from)
    }

    /// An id, or none.
    pub(crate) fn opt_id<T>(&mut self, from: fn(i64) -> T) -> Result<Option<T>, StoreError> {
        Ok(self.opt_int()?.map(from))
    }

    /// A flag.
    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        self.row.flag(self.advance())
    }

    /// A time.
    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp::from_micros)
    }

    /// A time, or none.
    pub(crate) fn opt_time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.opt_int()?.map(Timestamp::from_micros))
    }

    /// Text.
    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.row.text(self.advance())
    }

    /// Text, or none.
    pub(crate) fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        self.row.opt_text(self.advance())
    }

    /// Bytes.
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.row.bytes(self.advance())
    }

    /// Bytes, or none.
    pub(crate) fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.row.opt_bytes(self.advance())
    }

    /// A value with a fixed text; `what` names the column if the text is none of them.
    pub(crate) fn parsed<T: FromStr>(&mut self, what: &'static str) -> Result<T, StoreError> {
        let column = self.advance();
        let text = self.row.opt_str(column)?.ok_or(StoreError::Corrupt(what))?;
        text.parse().map_err(|_| StoreError::Corrupt(what))
    }

    /// A value with a fixed text, or none.
    pub(crate) fn opt_parsed<T: FromStr>(
        &mut self,
        what: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let parse = |text: &str| text.parse().map_err(|_| StoreError::Corrupt(what));
        let column = self.advance();
        self.row.opt_str(column)?.map(parse).transpose()
    }

    /// A list, one entry a line.
    pub(crate) fn lines<T: FromStr>(&mut self, what: &'static str) -> Result<Vec<T>, StoreError> {
        let parse = |line: &str| line.parse().map_err(|_| StoreError::Corrupt(what));
        self.text()?.lines().map(parse).collect()
    }

    /// A currency.
    pub(crate) fn currency(&mut self) -> Result<Currency, StoreError> {
        self.small("a currency")
            .map(Currency::from_numeric)?
            .ok_or(StoreError::Corrupt("a currency"))
    }

    /// Whose money an account holds, two columns.
    pub(crate) fn account_owner(&mut self) -> Result<AccountOwner, StoreError> {
        let purpose = self.advance();
        let owner_id = self.int()?;
        let purpose = self.row.opt_str(purpose)?.unwrap_or_default();
        AccountOwner::parse(purpose, owner_id).ok_or(StoreError::Corrupt("an account's owner"))
    }

    /// An amount and its currency, two columns.
    pub(crate) fn money(&mut self) -> Result<Money, StoreError> {
        Ok(Money::new(self.int()?, self.currency()?))
    }
}
