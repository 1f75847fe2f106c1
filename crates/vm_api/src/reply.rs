//! Answers of dialect 2: always HTTP 200, success or failure (vm-api.md section 1).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use cards::VmRefusal;
use http::header;
use listener::shell::LoggedCode;
use serde::Serialize;
use store::StoreError;
use wire::vm::VmError;
use wire::vm::envelope;
use zeroize::Zeroizing;

use crate::state::ApiState;

/// A refusal, on its way out.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) VmError);

impl From<VmError> for Refusal {
    fn from(error: VmError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::KeyTaken) {
            return Self(VmError::TooManyRequests);
        }
        error.tell();
        Self(VmError::ServerException)
    }
}

impl From<VmRefusal> for Refusal {
    fn from(refusal: VmRefusal) -> Self {
        match refusal {
            VmRefusal::Refused(error) => Self(error),
            VmRefusal::Store(error) => error.into(),
            error @ (VmRefusal::Money(_) | VmRefusal::Vault(_) | VmRefusal::Unreadable) => {
                tracing::error!(%error, "a card's request failed");
                Self(VmError::ServerException)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(LoggedCode(self.0.name().as_str()));
        response.extensions_mut().insert(Refused(self.0));
        response
    }
}

/// A refusal that [`numbered`] finds on its response.
#[derive(Clone)]
struct Refused(VmError);

/// Gives refusals their body: the number that is configured, and the text.
pub(crate) async fn numbered(
    State(state): State<Arc<ApiState>>,
    mut response: Response,
) -> Response {
    let Some(Refused(error)) = response.extensions_mut().remove() else { return response };
    let mut body = json(envelope::failure(&state.settings.vm.codes, &error));
    *body.extensions_mut() = std::mem::take(response.extensions_mut());
    body
}

/// A JSON body with HTTP 200, which no cache may keep: some carry card data.
pub fn json(body: Vec<u8>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

/// The plain object that a handler answers with, left on its response for the layer. No
/// Debug: some carry card data.
#[derive(Clone)]
pub(crate) struct PlainAnswer(pub(crate) Arc<Zeroizing<Vec<u8>>>);

impl PlainAnswer {
    /// A response that carries only this object.
    pub(crate) fn of(plain: Zeroizing<Vec<u8>>) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(Self(Arc::new(plain)));
        response
    }
}

/// A handler's plain object, which the envelope's layer encrypts.
pub(crate) struct Plain<T>(pub(crate) T);

impl<T> From<T> for Plain<T> {
    fn from(body: T) -> Self {
        Self(body)
    }
}

/// The answer of a handler.
pub(crate) type Answer<T> = Result<Plain<T>, Refusal>;

impl<T: Serialize> IntoResponse for Plain<T> {
    fn into_response(self) -> Response {
        let Ok(plain) = serde_json::to_vec(&self.0) else {
            return Refusal(VmError::ServerException).into_response();
        };
        PlainAnswer::of(Zeroizing::new(plain))
    }
}
