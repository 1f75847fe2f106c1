//! Refusals of uploads, in the form of S3's errors.

use axum::body::Body;
use axum::response::Response;
use files::{FileError, LinkError};
use http::{HeaderValue, StatusCode, header};
use listener::shell::LoggedCode;
use store::StoreError;

/// Why an upload was refused: the HTTP status, an S3-style error code and a message.
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// S3's error document.
pub(super) fn refused(refusal: Refusal) -> Response {
    let Refusal { status, code, message } = refusal;
    let document = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response.extensions_mut().insert(LoggedCode(code));
    response
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Self {
        Self { status, code, message: message.to_string() }
    }

    /// For a platform that keeps its files in a bucket: this process accepts no uploads itself.
    pub(super) fn elsewhere() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "this server accepts no uploads")
    }

    pub(super) fn slow() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "RequestTimeout", "the file did not arrive in time")
    }

    pub(super) fn broken() -> Self {
        let message = "the upload ended before the whole file had arrived";
        Self::new(StatusCode::BAD_REQUEST, "IncompleteBody", message)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed while the enterprise of an upload was looked up");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "InternalError", "something failed on our side")
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        let code = match error {
            LinkError::Forged => "SignatureDoesNotMatch",
            LinkError::Expired => "AccessDenied",
        };
        Self::new(StatusCode::FORBIDDEN, code, error)
    }
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        match error {
            FileError::TooLarge => Self::new(StatusCode::BAD_REQUEST, "EntityTooLarge", error),
            FileError::WrongType => Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", error),
            FileError::Overloaded => Self::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", error),
            FileError::DayUsedUp => Self::new(StatusCode::FORBIDDEN, "QuotaExceeded", error),
            FileError::DiskFull => {
                tracing::error!("uploads are refused: the disk is nearly full");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "try again later")
            }
            FileError::Io(error) => {
                tracing::error!(%error, "an upload could not be kept");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Self::new(status, "InternalError", "something failed on our side")
            }
        }
    }
}
