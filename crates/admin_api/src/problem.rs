//! Errors of the operator and sandbox APIs: RFC 9457 problem details.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use cards::CardsError;
use domain::AmountError;
use http::{HeaderValue, StatusCode, header};
use ledger::LedgerError;
use listener::shell::LoggedCode;
use provision::ProvisionError;
use scheme::ManageError;
use serde::Serialize;
use store::{MoneyError, StoreError};

/// The code of [`Problem::in_progress`].
pub(crate) const IN_PROGRESS: &str = "idempotency_in_progress";

/// Why a request was not served. `code` is stable; `detail` names the field and never
/// repeats a caller's value.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    object_id: Option<String>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    problem_type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(rename = "objectId", skip_serializing_if = "Option::is_none")]
    object_id: Option<&'a str>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), object_id: None }
    }

    /// The problem with the id of the object that it is about.
    pub(crate) fn about(self, object_id: &str) -> Self {
        Self { object_id: Some(object_id.to_owned()), ..self }
    }

    /// Status and body.
    pub(crate) fn into_parts(self) -> (StatusCode, Vec<u8>) {
        let body = ProblemBody {
            problem_type: format!("urn:cardbridge:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            object_id: self.object_id.as_deref(),
        };
        (self.status, serde_json::to_vec(&body).expect("texts and a number are always JSON"))
    }

    /// The text about the fault, for the caller.
    #[cfg(test)]
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// 400: the request cannot be read.
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", detail)
    }

    /// 422: it can be read, but a value is wrong.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail)
    }

    /// 404: no such object or path.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("{what} not found"))
    }

    /// 409: the state of things does not allow it.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 409: the first request with the same Idempotency-Key has no answer.
    pub(crate) fn in_progress() -> Self {
        let detail = "the first request with this Idempotency-Key is not answered yet, or broke \
            off; look at what it was about before you use another key";
        Self::conflict(IN_PROGRESS, detail)
    }

    /// 401: no or a wrong token.
    pub(crate) fn unauthorised() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorised", "a valid bearer token is required")
    }

    /// 405: the path exists, the method does not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "the path has no such method",
        )
    }

    /// 413: the body is larger than the limit.
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "the body is too large")
    }

    /// 408: the body did not arrive in time.
    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body did not arrive in time")
    }

    /// 500: something failed on our side; only the log says what.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something failed on our side")
    }

    /// 502: the mail server did not take the mail.
    pub(crate) fn mail_refused() -> Self {
        let detail = "the mail server did not take the mail; nothing was done";
        Self::new(StatusCode::BAD_GATEWAY, "mail_refused", detail)
    }

    /// The process is not ready any more, because it stops.
    pub(crate) fn stopping() -> Self {
        let detail = "the process stops; another one goes on";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// 503: too much work is waiting already, or the store does not answer.
    pub(crate) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again later")
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        let detail = error.to_string();
        match error {
            ManageError::NotConnected => Self::conflict("link_not_connected", detail),
            ManageError::NotInDialect => Self::invalid(detail),
            ManageError::NotNoted => Self::unavailable(),
            ManageError::NoAnswer => Self::new(StatusCode::GATEWAY_TIMEOUT, "link_silent", detail),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code;
        let (status, body) = self.into_parts();
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, Body::from(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"cardbridge\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(LoggedCode(code));
        response
    }
}

impl From<MoneyError> for Problem {
    fn from(error: MoneyError) -> Self {
        let detail = error.to_string();
        match error {
            MoneyError::Store(error) => error.into(),
            MoneyError::NotFound => Self::not_found("authorisation"),
            MoneyError::NotApproved => Self::conflict("not_approved", detail),
            MoneyError::ExceedsAuthorisation => Self::conflict("exceeds_authorisation", detail),
            MoneyError::TooManyIncrements => Self::conflict("too_many_increments", detail),
            MoneyError::NetworkKeyConflict => Self::conflict("network_key_conflict", detail),
            MoneyError::NoAccount => Self::conflict("no_account", detail),
            MoneyError::ReferenceMismatch => Self::conflict("reference_mismatch", detail),
            MoneyError::Ledger(LedgerError::InsufficientFunds) => {
                Self::conflict("insufficient_funds", detail)
            }
            MoneyError::Ledger(LedgerError::OutOfRange) => Self::conflict("out_of_range", detail),
            MoneyError::Ledger(LedgerError::NotPositive | LedgerError::CurrencyMismatch) => {
                Self::invalid(format!("amount: {detail}"))
            }
            MoneyError::Ledger(LedgerError::HoldClosed | LedgerError::ExceedsHold) => {
                Self::conflict("hold_closed", detail)
            }
        }
    }
}

impl From<CardsError> for Problem {
    fn from(error: CardsError) -> Self {
        match error {
            CardsError::CardNotFound => Self::not_found("card"),
            CardsError::Transition(refusal) => Self::conflict("card_state", refusal.to_string()),
            CardsError::Store(error) => error.into(),
            CardsError::NotPhysical => Self::conflict("not_physical", error.to_string()),
            CardsError::NotEmbossed => Self::conflict("not_embossed", error.to_string()),
            CardsError::Ended => Self::conflict("card_state", error.to_string()),
            CardsError::KycTicketNotFound => Self::not_found("KYC ticket"),
            CardsError::IntentTicketNotFound => Self::not_found("intent ticket"),
            CardsError::KycTransition(refusal) => {
                Self::conflict("ticket_state", refusal.to_string())
            }
            CardsError::IntentTransition(refusal) => {
                Self::conflict("ticket_state", refusal.to_string())
            }
            CardsError::Missing(_) | CardsError::Vault(_) | CardsError::Unreadable => {
                tracing::error!(%error, "a card's sealed data are out of reach");
                Self::internal()
            }
            other => Self::invalid(other.to_string()),
        }
    }
}

impl From<ProvisionError> for Problem {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Store(error) => error.into(),
            ProvisionError::KeyPair => {
                tracing::error!(%error, "an enterprise could not be made");
                Self::internal()
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::KeyTaken) {
            return Self::in_progress();
        }
        error.tell();
        if error.is_passing() { Self::unavailable() } else { Self::internal() }
    }
}

impl From<AmountError> for Problem {
    fn from(error: AmountError) -> Self {
        tracing::error!(%error, "a stored balance does not add up");
        Self::internal()
    }
}
