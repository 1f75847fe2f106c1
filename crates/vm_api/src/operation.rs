//! What dialect 2's table says of each operation: for routing, and for the OpenAPI document,
//! which is made from nothing else.

use std::sync::Arc;

use axum::routing::MethodRouter;
use serde_json::Value;
use utoipa::ToSchema;
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

/// A type as the document shows it, with the named types inside it.
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) schemas: Vec<(String, Value)>,
}

/// Describes a type by its name.
pub(crate) fn described<T: ToSchema>() -> Described {
    let name = T::name().into_owned();
    let mut schemas = vec![(name.clone(), T::schema())];
    T::schemas(&mut schemas);
    let json = |schema| serde_json::to_value(schema).expect("a schema is JSON");
    let schemas = schemas.into_iter().map(|(name, schema)| (name, json(schema))).collect();
    Described { name, schemas }
}
