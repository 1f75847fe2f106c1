//! What dialect 2's table says of each operation: for routing, and for the OpenAPI document,
//! which is made from nothing else.

use std::sync::Arc;

use axum::routing::MethodRouter;
use described::parts::Described;
use wire::field::Table;
use wire::vm::VmError;

use crate::state::ApiState;

/// One operation. It cannot stand in the table without a description.
pub(crate) struct Operation {
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<Arc<ApiState>>,
    /// What it does, in a line.
    pub(crate) summary: &'static str,
    /// The table that its parameters are read by.
    pub(crate) reads: Table,
    /// The object that a success carries.
    pub(crate) gives: Described,
    /// Refusals beside those of every operation and those that reading its fields brings.
    pub(crate) refuses: &'static [VmError],
}
