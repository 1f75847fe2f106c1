//! Values in columns, and their reading and writing.

use crate::StoreError;
use crate::engine::{Row, Value};

/// A value that fills one or more columns of a row, always as many and in the same order.
pub trait Stored: Sized + Send + Sync + 'static {
    /// The number of columns that it fills.
    const WIDTH: usize;

    /// Reads it from the next columns.
    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError>;

    /// Adds its values, one for each column.
    fn write(&self, values: &mut Vec<Value>);
}

/// Reads a whole row.
pub(crate) fn read_row<T: Stored>(row: &Row) -> Result<T, StoreError> {
    Fields::of(row).read()
}

/// The values of something stored, one for each column.
pub(crate) fn values_of<T: Stored>(stored: &T) -> Vec<Value> {
    let mut values = Vec::with_capacity(T::WIDTH);
    stored.write(&mut values);
    values
}

/// The name that errors give a column that no record names.
const UNNAMED: &str = "a column beside a record";

/// The columns of one row, read from the first to the last. Struct literals are evaluated in the
/// order they are written, so a record is read in the order of its columns.
pub struct Fields<'row> {
    rest: &'row [Value],
    names: &'static [&'static str],
    last: &'static str,
}

impl<'row> Fields<'row> {
    /// From the first column on.
    pub(crate) const fn of(row: &'row Row) -> Self {
        Self { rest: row.0.as_slice(), names: &[], last: UNNAMED }
    }

    /// Sets the names that errors give the next columns, `table.column`.
    pub(crate) const fn named(&mut self, names: &'static [&'static str]) -> &mut Self {
        self.names = names;
        self
    }

    /// Reads the next columns.
    pub(crate) fn read<T: Stored>(&mut self) -> Result<T, StoreError> {
        T::read(self)
    }

    /// The error that the column read last has a value that it should not have.
    pub(crate) const fn corrupt(&self) -> StoreError {
        StoreError::Corrupt(self.last)
    }

    /// A number.
    pub(super) fn int(&mut self) -> Result<i64, StoreError> {
        match self.next() {
            Some(Value::Int(number)) => Ok(*number),
            _ => Err(self.corrupt()),
        }
    }

    /// Text, borrowed from the row.
    pub(crate) fn text(&mut self) -> Result<&'row str, StoreError> {
        match self.next() {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(self.corrupt()),
        }
    }

    /// Bytes, borrowed from the row.
    pub(super) fn bytes(&mut self) -> Result<&'row [u8], StoreError> {
        match self.next() {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(self.corrupt()),
        }
    }

    fn next(&mut self) -> Option<&'row Value> {
        if let [name, names @ ..] = self.names {
            (self.last, self.names) = (name, names);
        } else {
            self.last = UNNAMED;
        }
        let (value, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(value)
    }

    /// Skips so many columns if all of them are empty.
    fn pass_empty(&mut self, width: usize) -> bool {
        let is_empty = self.rest.iter().take(width).all(|value| *value == Value::Null);
        if is_empty {
            for _ in 0..width {
                self.next();
            }
        }
        is_empty
    }
}

/// None is stored as empty columns.
impl<T: Stored> Stored for Option<T> {
    const WIDTH: usize = T::WIDTH;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        if fields.pass_empty(T::WIDTH) { Ok(None) } else { fields.read().map(Some) }
    }

    fn write(&self, values: &mut Vec<Value>) {
        match self {
            Some(stored) => stored.write(values),
            None => values.extend(std::iter::repeat_n(Value::Null, T::WIDTH)),
        }
    }
}

/// So many of a kind, one after another.
impl<T: Stored, const N: usize> Stored for [T; N] {
    const WIDTH: usize = N * T::WIDTH;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        let all = (0..N).map(|_| fields.read()).collect::<Result<Vec<T>, _>>()?;
        all.try_into().map_err(|_| fields.corrupt())
    }

    fn write(&self, values: &mut Vec<Value>) {
        self.iter().for_each(|stored| stored.write(values));
    }
}

/// One after another, as a joined read gives them.
macro_rules! behind_one_another {
    ($($name:ident: $kind:ident),+) => {
        impl<$($kind: Stored),+> Stored for ($($kind,)+) {
            const WIDTH: usize = 0 $(+ $kind::WIDTH)+;

            fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
                Ok(($(fields.read::<$kind>()?,)+))
            }

            fn write(&self, values: &mut Vec<Value>) {
                let ($($name,)+) = self;
                $($name.write(values);)+
            }
        }
    };
}

behind_one_another!(a: A, b: B);
behind_one_another!(a: A, b: B, c: C);
behind_one_another!(a: A, b: B, c: C, d: D);
