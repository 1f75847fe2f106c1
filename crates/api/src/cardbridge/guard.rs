//! What stands before every handler of dialect 1: transport checks, then the signature.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode, header};

use super::authenticate::{Arrival, authenticate};
use super::reply::{Failure, transport_failure};
use super::secrets::OpenSecrets;
use crate::body::{BodyError, read_body};
use crate::peer::PeerAddress;
use crate::shell::RouteTemplate;
use crate::state::ApiState;

/// What the guard works with.
pub(crate) struct Guard {
    pub(crate) state: Arc<ApiState>,
    pub(crate) secrets: OpenSecrets,
}

impl Guard {
    pub(crate) fn new(state: Arc<ApiState>) -> Self {
        let secrets = OpenSecrets::new(Arc::clone(&state.vault));
        Self { state, secrets }
    }
}

/// Lets signed requests through, with [`super::authenticate::Signed`] for the handler.
pub(crate) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let template = request.extensions().get::<MatchedPath>().cloned();
    let mut response = match admit(&guard, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal,
    };
    if let Some(template) = template {
        response.extensions_mut().insert(RouteTemplate(template));
    }
    response
}

async fn admit(guard: &Guard, request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    // A GET route answers HEAD too unless told otherwise, and would do so without a body.
    if parts.method == Method::HEAD {
        return Err(transport_failure(StatusCode::METHOD_NOT_ALLOWED));
    }
    if parts.method != Method::GET && !is_json(&parts.headers) {
        return Err(transport_failure(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let body = read_body(body).await.map_err(|error| match error {
        BodyError::TooLarge => transport_failure(StatusCode::PAYLOAD_TOO_LARGE),
        BodyError::TooSlow => transport_failure(StatusCode::REQUEST_TIMEOUT),
        BodyError::Broken => transport_failure(StatusCode::BAD_REQUEST),
    })?;
    let Some(PeerAddress(peer)) = parts.extensions.get().copied() else {
        tracing::error!("a request without its peer's address");
        return Err(Failure::internal().into_response());
    };
    let arrival = Arrival {
        is_get: parts.method == Method::GET,
        raw_query: parts.uri.query(),
        headers: &parts.headers,
        body,
        peer,
    };
    let signed = authenticate(guard, arrival).await.map_err(IntoResponse::into_response)?;
    parts.extensions.insert(signed);
    Ok(Request::from_parts(parts, axum::body::Body::empty()))
}

/// `application/json`, with or without parameters, or nothing.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().is_empty() || media_type.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised_with_parameters_and_by_default() {
        let judged = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            is_json(&headers)
        };
        assert!(is_json(&HeaderMap::new()));
        assert!(judged("application/json"));
        assert!(judged("Application/JSON; charset=utf-8"));
        assert!(!judged("text/plain"));
        assert!(!judged("application/jsonp"));
        assert!(!judged("multipart/form-data; boundary=application/json"));
    }
}
