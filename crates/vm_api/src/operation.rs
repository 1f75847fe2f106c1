//! The table's entry for each operation: for routing, and for the OpenAPI document, which is made
//! from it alone.

use std::sync::Arc;

use axum::routing::{MethodRouter, post};
use described::parts::Described;
use serde::Serialize;
use utoipa::ToSchema;
use wire::field::Table;
use wire::vm::VmError;

use super::call::Call;
use super::reply::Answer;
use crate::state::ApiState;

/// One operation.
pub(crate) struct Operation {
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<Arc<ApiState>>,
    /// Its effect, in a line.
    pub(crate) summary: &'static str,
    /// The table that its parameters are read by.
    pub(crate) reads: Table,
    /// The object that a success carries.
    pub(crate) gives: Described,
    /// Refusals besides those of every operation and those of reading its fields.
    pub(crate) refuses: &'static [VmError],
}

/// An operation inside the envelope: its path and its handler.
pub(crate) fn sealed<T: Serialize + ToSchema + 'static, F>(
    path: &'static str,
    handler: impl Fn(Call) -> F + Clone + Send + Sync + 'static,
) -> Operation
where
    F: Future<Output = Answer<T>> + Send + 'static,
{
    let (handler, gives) = (post(handler), Described::named::<T>());
    Operation { path, handler, summary: "", reads: Table::EMPTY, gives, refuses: &[] }
}

impl Operation {
    /// Says what it does.
    pub(crate) fn about(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// It reads its parameters by this table.
    pub(crate) fn reads(self, table: Table) -> Self {
        Self { reads: table, ..self }
    }

    /// It can refuse with these, besides those of every operation and of its fields.
    pub(crate) fn refuses(self, refusals: &'static [VmError]) -> Self {
        Self { refuses: refusals, ..self }
    }
}
