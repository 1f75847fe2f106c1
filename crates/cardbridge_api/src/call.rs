//! The call that every handler of dialect 1 gets.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use domain::EnterpriseId;
use http::request::Parts;
use wire::cardbridge::body::RequestBody;
use wire::cardbridge::problem::ParseError;
use wire::cardbridge::query::Query;

use super::authenticate::Signed;
use super::reply::Failure;
use crate::state::ApiState;

/// A call that the guard let through, of an operation that reads a body `T` or, of a GET, the
/// [`Query`].
pub(crate) struct Call<T> {
    pub(crate) state: Arc<ApiState>,
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) signed: Signed,
    reads: PhantomData<fn() -> T>,
}

impl<T> FromRequestParts<Arc<ApiState>> for Call<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Failure> {
        let signed = parts.extensions.remove::<Signed>().ok_or_else(Failure::internal)?;
        let (state, enterprise_id) = (Arc::clone(state), signed.enterprise_id);
        Ok(Self { state, enterprise_id, signed, reads: PhantomData })
    }
}

impl<T: RequestBody> Call<T> {
    /// The body.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn body(&self) -> Result<T, ParseError> {
        T::parse_signed(&self.signed.body, self.signed.secret.expose())
    }
}

impl Call<Query> {
    /// The parameters.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn query(&self) -> Result<Query, ParseError> {
        Query::parse(self.signed.raw_query.as_deref())
    }
}
