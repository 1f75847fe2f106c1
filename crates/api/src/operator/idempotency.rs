//! `Idempotency-Key`: the same request again gets the same answer again, and nothing
//! happens twice.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use crypto::sha256;
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use store::IdempotencyState;

use crate::problem::Problem;
use crate::state::ApiState;

/// The header with the key.
pub(crate) const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Longest key.
const MAX_KEY_BYTES: usize = 255;

/// Marks a response that bears a secret: it is never kept
/// (operator-and-sandbox.md section 5, Mail).
#[derive(Clone, Copy)]
pub(crate) struct BearsSecret;

/// Runs the request if its key is new, else tells what became of the first one.
pub(crate) async fn answer_once(
    state: &Arc<ApiState>,
    parts: Parts,
    body: Bytes,
    next: Next,
) -> Response {
    let Some(key) = key(&parts) else {
        return Problem::malformed("Idempotency-Key must be 1 to 255 visible characters")
            .into_response();
    };
    match state.store.begin_idempotent(&key, digest(&parts, &body)).await {
        Err(error) => Problem::from(error).into_response(),
        Ok(IdempotencyState::New) => run(state, key, parts, body, next).await,
        Ok(IdempotencyState::InProgress) => {
            let detail = "the first request with this Idempotency-Key is not answered yet";
            Problem::conflict("idempotency_in_progress", detail).into_response()
        }
        Ok(IdempotencyState::Mismatch) => {
            Problem::invalid("Idempotency-Key was used with another request").into_response()
        }
        Ok(IdempotencyState::Answered { status, body }) => replayed(status, body),
    }
}

fn key(parts: &Parts) -> Option<String> {
    let key = parts.headers.get(KEY_HEADER)?.to_str().ok()?;
    let plain = (1..=MAX_KEY_BYTES).contains(&key.len()) && !key.trim().is_empty();
    plain.then(|| key.to_owned())
}

fn digest(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let head = format!("{}\n{target}\n", parts.method);
    sha256(&[head.as_bytes(), body].concat())
}

async fn run(state: &ApiState, key: String, parts: Parts, body: Bytes, next: Next) -> Response {
    let request = Request::from_parts(parts, Body::from(body));
    // In a task of its own, so that a panic frees the key.
    let response = tokio::spawn(next.run(request)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a handler broke off");
        Problem::internal().into_response()
    });
    let (parts, body) = response.into_parts();
    let body = whole(body).await;
    let kept = if parts.status.is_server_error() {
        state.store.forget_idempotent(&key).await
    } else if parts.extensions.get::<BearsSecret>().is_some() {
        keep_refusal(state, &key).await
    } else {
        state.store.finish_idempotent(&key, parts.status.as_u16(), &body).await
    };
    if let Err(error) = kept {
        tracing::error!(%error, "an answer could not be kept for its Idempotency-Key");
    }
    Response::from_parts(parts, Body::from(body))
}

/// What a repeat of a request gets whose answer bore a secret.
async fn keep_refusal(state: &ApiState, key: &str) -> Result<(), store::StoreError> {
    let detail = "the first answer bore a secret and was not kept";
    let refusal = Problem::conflict("answer_not_kept", detail).into_response();
    let status = refusal.status().as_u16();
    let body = whole(refusal.into_body()).await;
    state.store.finish_idempotent(key, status, &body).await
}

/// An answer of ours: bounded by the limits of lists and bodies, longer than a request at times.
async fn whole(body: Body) -> Bytes {
    body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default()
}

fn replayed(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let content_type =
        if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    response
}
