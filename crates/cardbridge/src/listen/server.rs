//! The enterprise's server: notices are answered, webhooks acknowledged, and each is shown.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use sdk::notice::{AUTH_SIGNATURE_HEADER, NoticeKeys};
use sdk::webhook::{self, WEBHOOK_SIGNATURE_HEADER, WebhookFault};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use super::decide::Decide;
use super::line::{self, say};

/// Path of authorisation notices.
pub const AUTH_PATH: &str = "/auth";
/// Path of webhooks.
pub const WEBHOOK_PATH: &str = "/webhook";
/// Longest body that is read.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// The enterprise that is played.
pub struct Enterprise {
    pub keys: NoticeKeys,
    /// Secret of the API key that webhooks are signed with.
    pub secret_key: Zeroizing<String>,
    pub decide: Decide,
}

/// Serves until the task is aborted.
pub async fn serve(listener: TcpListener, enterprise: Arc<Enterprise>) {
    let router = Router::new()
        .route(AUTH_PATH, post(notice))
        .route(WEBHOOK_PATH, post(received))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(enterprise);
    if let Err(error) = axum::serve(listener, router).await {
        say(&line::trouble("the server ended", &error.to_string()));
    }
}

/// Verifies, decrypts, answers and shows a notice.
async fn notice(
    State(enterprise): State<Arc<Enterprise>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signature = text(&headers, AUTH_SIGNATURE_HEADER).to_owned();
    // RSA takes a millisecond or two; other connections need not wait for that.
    let answered = tokio::task::spawn_blocking(move || {
        let notice = enterprise.keys.open(&body, &signature).map_err(|fault| fault.to_string())?;
        let code = enterprise.decide.answer(&notice);
        let reply = enterprise.keys.reply(&notice, code).map_err(|error| error.to_string())?;
        Ok::<_, String>((line::notice(&notice, code), reply))
    });
    match answered.await.unwrap_or_else(|error| Err(error.to_string())) {
        Ok((shown, reply)) => {
            say(&shown);
            ([(header::CONTENT_TYPE, "application/json")], reply).into_response()
        }
        Err(why) => {
            say(&line::trouble("notice refused", &why));
            (StatusCode::BAD_REQUEST, why).into_response()
        }
    }
}

/// Verifies, acknowledges and shows a webhook.
async fn received(
    State(enterprise): State<Arc<Enterprise>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = text(&headers, WEBHOOK_SIGNATURE_HEADER);
    match webhook::open(&enterprise.secret_key, &body, signature) {
        Ok(webhook) => {
            say(&line::webhook(&webhook));
            StatusCode::OK
        }
        Err(fault) => {
            let status = match fault {
                WebhookFault::BadSignature => StatusCode::UNAUTHORIZED,
                WebhookFault::Malformed(_) => StatusCode::BAD_REQUEST,
            };
            say(&line::trouble("webhook refused", &fault.to_string()));
            status
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
