//! The checks before every handler of dialect 1: transport, then the signature.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::Mode;
use http::{HeaderMap, Method, StatusCode, header};
use listener::body::{BodyError, read_body};
use listener::limiter::{Allowance, Limit, LimitName, Limiter};
use listener::peer::PeerAddress;
use tokio::time::Instant;
use wire::repeated_fields;

use super::authenticate::{IncomingRequest, Signed, authenticate};
use super::explained::explained;
use super::foreign_fields::ForeignFields;
use super::operation::Route;
use super::reply::{Failure, transport_failure};
use crate::state::ApiState;

/// The limit of one API key's calls: each operation has its published weight
/// (operator-and-sandbox.md section 5, Limits).
const RATE_LIMIT: Limit = Limit::Bucket { burst: 2_000, per_second: 1_000 };

/// The parts of the guard.
pub(crate) struct Guard {
    state: Arc<ApiState>,
    weights: HashMap<&'static str, u64>,
    foreign_fields: ForeignFields,
    rate_limit: Arc<Limiter>,
}

impl Guard {
    /// A guard of the routes of this table.
    pub(crate) fn new(state: Arc<ApiState>, table: &[Route]) -> Self {
        let weights = table.iter().map(|route| (route.path, route.weight)).collect();
        let foreign_fields = ForeignFields::of(table);
        let rate_limit = state.limits.limiter(LimitName::OpenApiWeights, RATE_LIMIT);
        Self { state, weights, foreign_fields, rate_limit }
    }

    /// Charges the caller's allowance; the sandbox has no limit.
    fn allowance(&self, template: Option<&MatchedPath>, signed: &Signed) -> Option<Allowance> {
        if self.state.settings.mode == Mode::Sandbox {
            return None;
        }
        let weight = template.and_then(|path| self.weights.get(path.as_str())).copied();
        Some(self.rate_limit.charge(&signed.api_key, weight.unwrap_or(1), Instant::now()))
    }
}

/// Lets signed requests through, with [`Signed`] for the handler.
pub(crate) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let template = request.extensions().get::<MatchedPath>().cloned();
    match admit(&guard, request).await {
        Ok((mut request, signed)) => match guard.allowance(template.as_ref(), &signed) {
            Some(allowance) if !allowance.is_granted => limited(allowance),
            allowance => {
                request.extensions_mut().insert(signed);
                with_allowance(next.run(request).await, allowance)
            }
        },
        Err(refusal) => refusal,
    }
}

fn limited(allowance: Allowance) -> Response {
    with_allowance(transport_failure(StatusCode::TOO_MANY_REQUESTS), Some(allowance))
}

/// The headers that clients know how to read (cardbridge-open-api.md section 1).
fn with_allowance(mut response: Response, allowance: Option<Allowance>) -> Response {
    if let Some(allowance) = allowance {
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-remaining", allowance.remaining.into());
        headers.insert("x-ratelimit-reset", allowance.reset_seconds.into());
    }
    response
}

async fn admit(guard: &Guard, request: Request) -> Result<(Request, Signed), Response> {
    let (parts, body) = request.into_parts();
    // A GET route answers HEAD too by default, and would do so without a body.
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
    let incoming = IncomingRequest {
        is_get: parts.method == Method::GET,
        raw_query: parts.uri.query(),
        headers: &parts.headers,
        body,
        peer,
    };
    let is_get = incoming.is_get;
    let refused = |failure| explained(&guard.state, &incoming, failure).into_response();
    let signed = authenticate(&guard.state, incoming.clone()).await.map_err(refused)?;
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let repeated = repeated_fields(&signed.body);
    if !repeated.is_empty() {
        let enterprise_id = signed.enterprise_id;
        tracing::warn!(%enterprise_id, path, ?repeated, "fields are there twice; the last counts");
    }
    guard.foreign_fields.check(path, is_get, &signed).map_err(IntoResponse::into_response)?;
    Ok((Request::from_parts(parts, Body::empty()), signed))
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
