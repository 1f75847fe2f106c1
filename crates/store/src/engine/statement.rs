//! Statements that travel to a server together, and their answers.

use std::borrow::Cow;

use super::value::{Row, Value};
use crate::StoreError;
use crate::records::{Stored, read_row};

/// A statement and its parameters.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) params: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, params: impl Into<Vec<Value>>) -> Self {
        Self { sql: sql.into(), params: params.into() }
    }
}

/// The answer to a statement.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The rows of a query.
    pub(crate) rows: Vec<Row>,
    /// The number of rows that it touched or returned.
    pub(crate) count: u64,
}

/// The answers to statements that travelled together, to be read in the order of the statements.
pub(crate) struct Answers(std::vec::IntoIter<Answer>);

impl Answers {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        Self(answers.into_iter())
    }

    /// The rows of the next answer as they are.
    pub(crate) fn rows(&mut self) -> Result<Vec<Row>, StoreError> {
        Ok(self.next()?.rows)
    }

    /// All rows of the next answer.
    pub(crate) fn all<T: Stored>(&mut self) -> Result<Vec<T>, StoreError> {
        self.next()?.rows.iter().map(read_row).collect()
    }

    /// The first row of the next answer, if it has one.
    pub(crate) fn one<T: Stored>(&mut self) -> Result<Option<T>, StoreError> {
        self.next()?.rows.first().map(read_row).transpose()
    }

    /// The number of rows that the next statement touched.
    pub(crate) fn count(&mut self) -> Result<u64, StoreError> {
        Ok(self.next()?.count)
    }

    fn next(&mut self) -> Result<Answer, StoreError> {
        self.0.next().ok_or(StoreError::Corrupt("an answer that was not asked for"))
    }
}
