//! The tables' entry for each operation: for routing, and for the OpenAPI document, which is made
//! from it alone.

use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use described::parts::Described;
use http::{Method, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use wire::field::Table;

use crate::call::Call;
use crate::problem::Problem;
use crate::state::ApiState;

/// The query parameters of every list that has pages.
const PAGE: [&str; 3] = ["limit", "order", "cursor"];

/// Operations that belong together.
pub(crate) struct Group {
    /// Their tag in the document.
    pub(crate) tag: &'static str,
    /// Their subject.
    pub(crate) meaning: &'static str,
    pub(crate) routes: Vec<Route>,
}

/// One operation.
pub(crate) struct Route {
    /// As `GET`.
    pub(crate) method: &'static str,
    /// The path as it is routed.
    pub(crate) path: &'static str,
    /// Its `operationId`.
    pub(crate) id: &'static str,
    /// Its effect, in a line.
    pub(crate) summary: &'static str,
    /// The query parameters that it reads.
    pub(crate) asks: Vec<&'static str>,
    /// The table that its body is read by.
    pub(crate) takes: Option<Table>,
    /// The content of a success.
    pub(crate) gives: Gives,
    handler: Handler,
}

/// The content of a success.
pub(crate) enum Gives {
    /// HTTP 204 and no body.
    Nothing,
    /// HTTP 200 and this object.
    Object(Described),
    /// HTTP 200 and an uploaded document, or HTTP 307 and its address.
    File,
}

/// A handler of any operation: one type for all, so routing is compiled once.
type Handler = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// An answer of handlers, and its description in the document.
pub(crate) trait Reply: IntoResponse {
    /// The content of a success, unless the table names another.
    fn gives() -> Gives {
        Gives::Nothing
    }
}

impl<T: Serialize + ToSchema> Reply for Json<T> {
    fn gives() -> Gives {
        Gives::Object(Described::named::<T>())
    }
}

impl Reply for StatusCode {}

/// The table names the content.
impl Reply for Response {}

/// An operation: its target, such as `GET /admin/v1/jobs`, its `operationId` and its handler.
pub(crate) fn route<R: Reply, F>(
    target: &'static str,
    id: &'static str,
    handler: impl Fn(Call) -> F + Send + Sync + 'static,
) -> Route
where
    F: Future<Output = Result<R, Problem>> + Send + 'static,
{
    let handler: Handler = Arc::new(move |call| {
        let answer = handler(call);
        Box::pin(async move { answer.await.into_response() })
    });
    let (method, path) = target.split_once(' ').expect("a method and a path");
    let (asks, takes, gives) = (Vec::new(), None, R::gives());
    Route { method, path, id, summary: "", asks, takes, gives, handler }
}

impl Route {
    /// Says what it does.
    pub(crate) fn about(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// It reads these query parameters.
    pub(crate) fn asks<const N: usize>(mut self, names: [&'static str; N]) -> Self {
        self.asks.extend(names);
        self
    }

    /// It reads those of a list that has pages.
    pub(crate) fn paged(self) -> Self {
        self.asks(PAGE)
    }

    /// It reads a body by this table.
    pub(crate) fn takes(self, table: Table) -> Self {
        Self { takes: Some(table), ..self }
    }

    /// A success carries this object.
    pub(crate) fn gives<T: ToSchema>(self) -> Self {
        Self { gives: Gives::Object(Described::named::<T>()), ..self }
    }

    /// A success carries an uploaded document.
    pub(crate) fn gives_file(self) -> Self {
        Self { gives: Gives::File, ..self }
    }

    /// The route itself.
    pub(crate) fn method_router(self) -> MethodRouter<Arc<ApiState>> {
        let method = Method::from_bytes(self.method.as_bytes()).expect("a method of HTTP");
        let filter = MethodFilter::try_from(method).expect("a method that axum routes");
        let (handler, reads) = (self.handler, self.takes.unwrap_or(Table::EMPTY));
        on(filter, move |call: Call| handler(call.reading(reads)))
    }
}
