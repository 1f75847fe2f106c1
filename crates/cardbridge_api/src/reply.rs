//! Replies of dialect 1: always an envelope. HTTP 200 for everything that reached the
//! application, another status only for transport-level cases and failures of ours
//! (cardbridge-open-api.md section 2).

use authorise::AuthoriseError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use cards::CardsError;
use domain::{AmountError, ErrorCode};
use http::{HeaderValue, StatusCode, header};
use listener::shell::LoggedCode;
use reconciliation::CutError;
use scheme::SchemeError;
use serde::Serialize;
use store::{MoneyError, StoreError};
use wire::cardbridge::envelope;
use wire::cardbridge::problem::ParseError;

/// A success that carries `data`.
pub(crate) struct Success<T>(pub T);

/// A success whose `data` no cache may keep.
pub(crate) struct UncachedSuccess<T>(pub T);

/// The answer of a handler.
pub(crate) type Reply<T> = Result<Success<T>, Failure>;

/// A failure. `detail` is seen by the caller and repeats a caller's value in the sandbox only
/// (`explained.rs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    code: ErrorCode,
    detail: Option<String>,
}

impl Failure {
    /// A failure with this code.
    pub(crate) const fn of(code: ErrorCode) -> Self {
        Self { status: StatusCode::OK, code, detail: None }
    }

    /// Bad input; `detail` names the field.
    pub(crate) fn illegal(detail: impl Into<String>) -> Self {
        let code = ErrorCode::SysIllegalParam;
        Self { status: StatusCode::OK, code, detail: Some(detail.into()) }
    }

    /// Something of ours failed; only the log says what.
    pub(crate) const fn internal() -> Self {
        let (status, code) = (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::SystemError);
        Self { status, code, detail: None }
    }

    /// The request may not reach the application, for the reason that `status` gives.
    pub(crate) fn transport(status: StatusCode) -> Self {
        let detail = status.canonical_reason().map(str::to_lowercase);
        Self { status, code: ErrorCode::SysIllegalParam, detail }
    }

    /// The dialect's code.
    pub(crate) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// The same failure with `detail`, unless it already has one.
    pub(crate) fn or_detail(self, detail: String) -> Self {
        Self { detail: self.detail.or(Some(detail)), ..self }
    }

    const fn overloaded() -> Self {
        let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::SystemError);
        Self { status, code, detail: None }
    }
}

/// The answer to a request that did not reach the application.
pub fn transport_failure(status: StatusCode) -> Response {
    Failure::transport(status).into_response()
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, envelope::success(self.0))
    }
}

impl<T: Serialize> IntoResponse for UncachedSuccess<T> {
    fn into_response(self) -> Response {
        let mut response = Success(self.0).into_response();
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
        response
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = envelope::failure(self.code, self.detail.as_deref());
        let mut response = json(self.status, body);
        response.extensions_mut().insert(LoggedCode(self.code.as_str()));
        response
    }
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::of(code)
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self { detail: Some(error.to_string()), ..Self::of(error.code()) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        error.tell();
        if error.is_passing() { Self::overloaded() } else { Self::internal() }
    }
}

impl From<CardsError> for Failure {
    fn from(error: CardsError) -> Self {
        match error {
            CardsError::Store(error) => error.into(),
            CardsError::Missing(_) | CardsError::Vault(_) | CardsError::Unreadable => {
                tracing::error!(%error, "a card's sealed data are out of reach");
                Self::internal()
            }
            error => Self { detail: error.detail(), ..Self::of(error.code()) },
        }
    }
}

impl From<CutError> for Failure {
    fn from(error: CutError) -> Self {
        match error {
            CutError::Store(error) => error.into(),
            error => {
                tracing::error!(%error, "a reconciliation file could not be cut");
                Self::internal()
            }
        }
    }
}

impl From<AmountError> for Failure {
    fn from(error: AmountError) -> Self {
        tracing::error!(%error, "a stored balance does not add up");
        Self::internal()
    }
}

impl From<SchemeError> for Failure {
    fn from(error: SchemeError) -> Self {
        match error {
            SchemeError::CardNotFound => Self::of(ErrorCode::CardNotFound),
            SchemeError::Amount(_)
            | SchemeError::NotPositive
            | SchemeError::Authorise(AuthoriseError::Amount) => {
                Self::illegal("amount is not acceptable")
            }
            SchemeError::Authorise(error) if error.is_passing() => Self::overloaded(),
            SchemeError::Store(error)
            | SchemeError::Authorise(
                AuthoriseError::Store(error) | AuthoriseError::Money(MoneyError::Store(error)),
            ) => error.into(),
            error => {
                tracing::error!(%error, "a simulated authorisation failed");
                Self::internal()
            }
        }
    }
}
