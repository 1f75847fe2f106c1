//! One call of the operator or sandbox API, as its handler gets it.

use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Path, Request};
use domain::{CardId, Enterprise, VmApp};
use listener::once::Once;
use store::StoreError;
use wire::field::Table;

use crate::card_reference::card_id;
use crate::fields::Fields;
use crate::paging::ListQuery;
use crate::problem::Problem;
use crate::state::ApiState;

/// The answer of most handlers.
pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// A call that the guard let through. Its parts are judged when the handler reads them, so the
/// order in which a handler reads decides which of several faults is answered.
pub(crate) struct Call {
    /// The parts of the platform that handlers reach.
    pub(crate) state: Arc<ApiState>,
    /// The call's `Idempotency-Key`, if it has one.
    pub(crate) once: Once,
    /// The table that its body is read by.
    reads: Table,
    /// The variable parts of the path, in their order; `None` where one is not UTF-8.
    path: Option<Vec<(String, String)>>,
    query: Option<String>,
    body: Result<Bytes, Problem>,
}

impl FromRequest<Arc<ApiState>> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &Arc<ApiState>) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let path = Path::from_request_parts(&mut parts, state).await.ok().map(|Path(path)| path);
        let once = Once::from_request_parts(&mut parts, state).await?;
        let query = parts.uri.query().map(str::to_owned);
        let body = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let body = body.map_err(|_| Problem::malformed("the body could not be read"));
        Ok(Self { state: Arc::clone(state), once, reads: Table::EMPTY, path, query, body })
    }
}

impl Call {
    /// The call with the table that its body is read by.
    pub(crate) fn reading(self, reads: Table) -> Self {
        Self { reads, ..self }
    }

    /// The variable parts of the path; if they are not UTF-8, there is no such `what`.
    pub(crate) fn path<const N: usize>(&self, what: &str) -> Result<[&str; N], Problem> {
        let parts: Option<Vec<_>> =
            self.path.as_ref().map(|parts| parts.iter().map(|(_, text)| text.as_str()).collect());
        let parts = parts.and_then(|parts| parts.try_into().ok());
        parts.ok_or_else(|| Problem::not_found(what))
    }

    /// The first variable part of the path, as the caller wrote it.
    pub(crate) fn name(&self) -> Result<&str, Problem> {
        let first = self.path.as_ref().and_then(|parts| parts.first());
        first.map(|(_, text)| text.as_str()).ok_or_else(|| Problem::not_found("object"))
    }

    /// The first variable part as the id of a `what`; a text that is not an id is "not found".
    pub(crate) fn id<I: FromStr>(&self, what: &str) -> Result<I, Problem> {
        self.name()?.parse().map_err(|_| Problem::not_found(what))
    }

    /// The object that the path names: the `what` that `read` finds by its id, or "not found".
    pub(crate) async fn object<I: FromStr, T, F>(
        &self,
        what: &str,
        read: impl FnOnce(I) -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<Option<T>, StoreError>>,
    {
        read(self.id(what)?).await?.ok_or_else(|| Problem::not_found(what))
    }

    /// The enterprise that the path names.
    pub(crate) async fn enterprise(&self) -> Result<Enterprise, Problem> {
        self.object("enterprise", |id| self.state.store.find::<Enterprise>(id)).await
    }

    /// The app of dialect 2 that the path names.
    pub(crate) async fn app(&self) -> Result<VmApp, Problem> {
        let app = self.state.store.vm_app(self.name()?).await?;
        app.ok_or_else(|| Problem::not_found("VM app"))
    }

    /// The id of the card that the path names, which may not exist.
    pub(crate) async fn card_id(&self) -> Result<CardId, Problem> {
        card_id(&self.state, self.name()?).await
    }

    /// The query, read by name.
    pub(crate) fn query(&self) -> Result<ListQuery, Problem> {
        ListQuery::parse(self.query.as_deref())
    }

    /// The body, read by the route's table.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, Problem> {
        Fields::parse_as(&self.reads, self.body.as_ref().map_err(Clone::clone)?)
    }
}
