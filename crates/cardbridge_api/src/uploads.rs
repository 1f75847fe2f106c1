//! `PUT /uploads/...` on the public listener, and the preflight of browsers before it: the bytes of
//! a document, under a pre-signed address of the embedded store. It needs no signed headers and
//! answers as S3 does, since its callers are S3 clients. Uploaded documents are never served from
//! here.

mod browser;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::put;
use files::{FileError, Files, Incoming, MAX_FILE_BYTES, ObjectKey, UPLOAD_PATH_PREFIX};
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use listener::shell::mark_route;
use tokio::time::{Instant, timeout, timeout_at};

use crate::state::ApiState;
use refusal::{Refusal, refused};

/// Longest wait for a whole file: 10 MiB at a little more than 80 KiB/s.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(120);
/// Longest wait for the next bytes of a file.
const IDLE_DEADLINE: Duration = Duration::from_secs(15);
/// Most bytes of a refused file that are read and dropped, so its sender sees the answer instead of
/// a reset connection.
const MAX_DROPPED_BYTES: usize = 12 * 1024 * 1024;
/// Longest time spent on dropping it.
const DROP_DEADLINE: Duration = Duration::from_secs(10);

/// The route of every upload.
pub(crate) fn routes() -> Router<Arc<ApiState>> {
    let methods = put(receive).options(browser::preflight).route_layer(from_fn(mark_route));
    Router::new().route(&format!("{UPLOAD_PATH_PREFIX}{{*key}}"), methods)
}

/// Takes the bytes. The same address takes them again until its hour is over; the last
/// whole file counts, as with S3.
async fn receive(State(state): State<Arc<ApiState>>, request: Request) -> Response {
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
