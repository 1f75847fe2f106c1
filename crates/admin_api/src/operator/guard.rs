//! The checks before every handler of the admin listener: the token, the body's limit and
//! `Idempotency-Key`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, header};
use listener::body::{BodyError, read_body};
use listener::once::KEY_HEADER;

use super::idempotency;
use crate::problem::Problem;
use crate::state::ApiState;

/// Lets requests with the operator's token through.
pub(crate) async fn guard(
    State(state): State<Arc<ApiState>>,
    request: Request,
    next: Next,
) -> Response {
    if !bearer(request.headers()).is_some_and(|token| state.admin_token.matches(token)) {
        return Problem::unauthorised().into_response();
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => return Problem::too_large().into_response(),
        Err(BodyError::TooSlow) => return Problem::too_slow().into_response(),
        Err(BodyError::Broken) => {
            return Problem::malformed("the body could not be read").into_response();
        }
    };
    if parts.method == Method::POST && parts.headers.contains_key(KEY_HEADER) {
        return idempotency::answer_once(&state.store, parts, body, next).await;
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
