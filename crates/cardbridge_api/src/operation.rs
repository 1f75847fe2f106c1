//! What dialect 1's table says of each operation: for routing, for the rate limit, and
//! for the OpenAPI document, which is made from nothing else.

use std::sync::Arc;

use axum::routing::MethodRouter;
use described::parts::Described;
use domain::ErrorCode;
use utoipa::{PartialSchema, ToSchema};

use crate::state::ApiState;

/// One operation of dialect 1.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// Published weight; ours where none is published.
    pub(crate) weight: u64,
    pub(crate) handler: MethodRouter<Arc<ApiState>>,
    /// What it does, in a line.
    pub(crate) summary: &'static str,
    pub(crate) input: Input,
    /// The payload of a success.
    pub(crate) data: Option<Described>,
    /// Older names of fields, read beside those that the document shows.
    pub(crate) older_names: &'static [&'static str],
    /// Codes of its own, beside those that every operation can answer.
    pub(crate) refusals: &'static [ErrorCode],
}

/// What an operation reads.
pub(crate) enum Input {
    /// Query parameters of a GET.
    Query(Vec<Parameter>),
    /// The JSON body of a POST.
    Body(Described),
}

/// A query parameter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) is_required: bool,
}

/// A parameter that must be there.
pub(crate) const fn required(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter { name, meaning, is_required: true }
}

/// A parameter that may be there.
pub(crate) const fn optional(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter { name, meaning, is_required: false }
}

/// An operation: its path, its weight and the handler with its method.
pub(crate) fn route(
    path: &'static str,
    weight: u64,
    handler: MethodRouter<Arc<ApiState>>,
) -> Route {
    let input = Input::Query(Vec::new());
    Route { path, weight, handler, summary: "", input, data: None, older_names: &[], refusals: &[] }
}

impl Route {
    /// Says what it does.
    pub(crate) fn about(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// It reads these query parameters.
    pub(crate) fn asks<const N: usize>(self, parameters: [Parameter; N]) -> Self {
        Self { input: Input::Query(parameters.into()), ..self }
    }

    /// It reads this body.
    pub(crate) fn takes<T: ToSchema>(self) -> Self {
        Self { input: Input::Body(Described::named::<T>()), ..self }
    }

    /// It reads these older names too.
    pub(crate) fn also_reads(self, older_names: &'static [&'static str]) -> Self {
        Self { older_names, ..self }
    }

    /// A success carries this object.
    pub(crate) fn gives<T: ToSchema>(self) -> Self {
        Self { data: Some(Described::named::<T>()), ..self }
    }

    /// A success carries a list of these objects.
    pub(crate) fn gives_list<T: ToSchema>(self) -> Self {
        Self { data: Some(Described::list::<T>()), ..self }
    }

    /// A success carries this text or flag.
    pub(crate) fn gives_plain<T: PartialSchema>(self) -> Self {
        Self { data: Some(Described::plain::<T>()), ..self }
    }

    /// It can answer these codes, beside those that every operation can.
    pub(crate) fn refuses(self, refusals: &'static [ErrorCode]) -> Self {
        Self { refusals, ..self }
    }
}
