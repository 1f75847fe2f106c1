//! `PUT /uploads/...` on the public listener, and the preflight of browsers before it: the bytes of
//! a document, under a pre-signed address of the embedded store. It asks for no signed headers and
//! answers as S3 does, for its callers are S3 clients. What was uploaded is never served from here.

mod browser;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::response::Response;
use files::{FileError, Files, Incoming, LinkError, MAX_FILE_BYTES, ObjectKey, UPLOAD_PATH_PREFIX};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use listener::shell::{LoggedCode, RouteTemplate};
use store::StoreError;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use browser::preflight;

use crate::state::ApiState;

/// Longest wait for a whole file: 10 MiB at a little more than 80 KiB/s.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(120);
/// Longest wait for the next bytes of a file.
const IDLE_DEADLINE: Duration = Duration::from_secs(15);
/// How much of a refused file is read and dropped, so that its sender gets to see the
/// answer rather than a reset connection.
const MAX_DROPPED_BYTES: usize = 12 * 1024 * 1024;
/// Longest time spent on dropping it.
const DROP_DEADLINE: Duration = Duration::from_secs(10);

/// The route of every upload.
pub(crate) fn route() -> String {
    format!("{UPLOAD_PATH_PREFIX}{{*key}}")
}

/// Why a file was not taken, in S3's words.
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

/// Takes the bytes. The same address takes them again until its hour is over; the last
/// whole file counts, as with S3.
pub(crate) async fn receive(State(state): State<Arc<ApiState>>, request: Request) -> Response {
    let template = request.extensions().get::<MatchedPath>().cloned();
    let (parts, mut body) = request.into_parts();
    let outcome = match admit(&state, &parts) {
        Ok(key) => take(&state.files, &key, &parts.headers, &mut body).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match outcome {
        Ok(()) => Response::new(Body::empty()),
        Err(refusal) => {
            if !parts.headers.contains_key(header::EXPECT) {
                let _ = timeout(DROP_DEADLINE, drop_rest(&mut body)).await;
            }
            refused(refusal)
        }
    };
    browser::open_answer(&state, &parts, response.headers_mut()).await;
    finish(response, template)
}

/// Leaves the route's template for the log.
fn finish(mut response: Response, template: Option<MatchedPath>) -> Response {
    if let Some(template) = template {
        response.extensions_mut().insert(RouteTemplate(template));
    }
    response
}

/// The key that the address opens, by real time: an advance of the sandbox's clock ends
/// no address (operator-and-sandbox.md section 4).
fn admit(state: &ApiState, parts: &http::request::Parts) -> Result<ObjectKey, Refusal> {
    let Files::Embedded(files) = &*state.files else { return Err(Refusal::elsewhere()) };
    let now = state.store.clock().real_now();
    Ok(files.open_link(parts.uri.path(), parts.uri.query(), now)?)
}

async fn take(
    files: &Files,
    key: &ObjectKey,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<(), Refusal> {
    let Files::Embedded(files) = files else { return Err(Refusal::elsewhere()) };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared_bytes = declared.and_then(|text| text.parse::<u64>().ok());
    if declared_bytes.is_some_and(|bytes| bytes > MAX_FILE_BYTES) {
        return Err(FileError::TooLarge.into());
    }
    let mut incoming = files.begin(key).await?;
    let arrived = arrive(body, &mut incoming);
    timeout_at(Instant::now() + UPLOAD_DEADLINE, arrived).await.map_err(|_| Refusal::slow())??;
    incoming.keep().await?;
    tracing::info!(enterprise = %key.enterprise_id(), "a document was uploaded");
    Ok(())
}

async fn arrive(body: &mut Body, incoming: &mut Incoming) -> Result<(), Refusal> {
    loop {
        let next = timeout(IDLE_DEADLINE, body.frame()).await.map_err(|_| Refusal::slow())?;
        let Some(frame) = next else { return Ok(()) };
        let Ok(bytes) = frame.map_err(|_| Refusal::broken())?.into_data() else { continue };
        incoming.write(&bytes).await?;
    }
}

async fn drop_rest(body: &mut Body) {
    let mut dropped_bytes = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        dropped_bytes = dropped_bytes.saturating_add(frame.data_ref().map_or(0, bytes::Bytes::len));
        if dropped_bytes > MAX_DROPPED_BYTES {
            return;
        }
    }
}

/// S3's error document.
fn refused(refusal: Refusal) -> Response {
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
    fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Self {
        Self { status, code, message: message.to_string() }
    }

    /// Files are kept in a bucket, and this process takes none.
    fn elsewhere() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "nothing is uploaded here")
    }

    fn slow() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "RequestTimeout", "the file did not arrive in time")
    }

    fn broken() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "IncompleteBody", "the file is not whole")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the enterprise of an upload could not be read");
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
