//! Dialect 1's entry for each operation: for routing, for the rate limit, and for the OpenAPI
//! document, which is made from it alone. The types of an operation's handler say what it reads and
//! answers.

use std::sync::Arc;

use axum::response::IntoResponse;
use axum::routing::{self, MethodRouter};
use described::parts::Described;
use domain::ErrorCode;
use utoipa::ToSchema;
use wire::cardbridge::body::RequestBody;
use wire::cardbridge::query::Query;
use wire::field::{Field, Table};

use super::call::Call;
use super::reply::{Failure, Success, UncachedSuccess};
use crate::state::ApiState;

/// One operation of dialect 1.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    /// The published weight; ours if none is published.
    pub(crate) weight: u64,
    /// Its effect, in a line.
    pub(crate) summary: &'static str,
    pub(crate) handler: MethodRouter<Arc<ApiState>>,
    pub(crate) input: Input,
    /// The payload of a success.
    pub(crate) data: Described,
    /// Codes of its own, besides those that every operation can answer.
    pub(crate) refusals: &'static [ErrorCode],
}

/// The input of an operation.
pub(crate) enum Input {
    /// Query parameters of a GET.
    Query(&'static [Field]),
    /// The JSON body of a POST, and the tables of its fields.
    Body(Described, &'static [&'static Table]),
}

/// A handler's answer to a success.
pub(crate) trait Answer: IntoResponse {
    /// The payload.
    type Data: ToSchema;
}

impl<T: serde::Serialize + ToSchema> Answer for Success<T> {
    type Data = T;
}

impl<T: serde::Serialize + ToSchema> Answer for UncachedSuccess<T> {
    type Data = T;
}

/// An operation that reads a query: its path, its weight and its handler.
pub(crate) fn get<A: Answer, F>(
    path: &'static str,
    weight: u64,
    handler: impl Fn(Call<Query>) -> F + Clone + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Result<A, Failure>> + Send,
{
    let (handler, input) = (routing::get(handler), Input::Query(&[]));
    Route { path, weight, summary: "", handler, input, data: data::<A>(), refusals: &[] }
}

/// An operation that reads a body: its path, its weight and its handler.
pub(crate) fn post<T: RequestBody + 'static, A: Answer, F>(
    path: &'static str,
    weight: u64,
    handler: impl Fn(Call<T>) -> F + Clone + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Result<A, Failure>> + Send,
{
    let input = Input::Body(Described::named::<T>(), T::TABLES);
    let handler = routing::post(handler);
    Route { path, weight, summary: "", handler, input, data: data::<A>(), refusals: &[] }
}

/// An object has a name in the document; a text, flag or list is written in place.
fn data<A: Answer>() -> Described {
    let plain = Described::plain::<A::Data>();
    match plain.schema.get("properties") {
        Some(_) => Described::named::<A::Data>(),
        None => plain,
    }
}

impl Route {
    /// Says what it does.
    pub(crate) fn about(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// It reads these query parameters.
    pub(crate) fn asks(self, parameters: &'static [Field]) -> Self {
        Self { input: Input::Query(parameters), ..self }
    }

    /// It can answer these codes, besides those that every operation can.
    pub(crate) fn refuses(self, refusals: &'static [ErrorCode]) -> Self {
        Self { refusals, ..self }
    }
}
