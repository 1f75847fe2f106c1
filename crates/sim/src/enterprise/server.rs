//! The enterprise's HTTP server.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;
use wire::cardbridge::authorisation_notice::{AUTH_SIGNATURE_HEADER, open_notice};
use wire::cardbridge::signature::{WEBHOOK_SIGNATURE_HEADER, webhook_signature_matches};

use super::answers;
use super::record::{Notice, Webhook};
use super::state::Inner;

/// Path of authorisation notices.
pub(super) const AUTH_PATH: &str = "/v1/auth-notification";
/// Path of webhooks.
pub(super) const WEBHOOK_PATH: &str = "/v1/webhooks";
/// Longest body that is read.
const MAX_BODY_BYTES: usize = 256 * 1024;

pub(super) async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    let router = Router::new()
        .route(AUTH_PATH, post(notice))
        .route(WEBHOOK_PATH, post(webhook))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(inner);
    // It ends only when the task is aborted.
    let _ = axum::serve(listener, router).await;
}

/// Verifies, opens and records a notice, then answers according to the script.
async fn notice(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(known) = inner.known() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let signature = header(&headers, AUTH_SIGNATURE_HEADER).to_owned();
    let (key, bytes, trusted) = (inner.key.clone(), body.clone(), Arc::clone(&known));
    let opened = inner
        .pool
        .run(move || open_notice(&bytes, &signature, &trusted.platform_key, &key, trusted.padding))
        .await;
    let Ok(Ok(notice)) = opened else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let behaviour = inner
        .script
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .behaviour(&notice.data.card_id, notice.data.amount.as_str());
    let auth_id = notice.data.auth_id.clone();
    inner.record.add_notice(Notice { webhook_id: notice.webhook_id, data: notice.data, body });
    answers::answer(&inner, &known, &auth_id, behaviour).await
}

/// Records a webhook and answers with the configured status.
async fn webhook(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let signature = header(&headers, WEBHOOK_SIGNATURE_HEADER);
    let is_signed = inner
        .known()
        .is_some_and(|known| webhook_signature_matches(&known.secret_key, &body, signature));
    let json = serde_json::from_slice(&body).unwrap_or_default();
    let status = *inner.webhook_status.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    inner.record.add_webhook(Webhook { headers, body, json, is_signed });
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
