//! The question of a browser before a page's script uploads, and the headers that let that script
//! read the answer (the CORS protocol of the Fetch standard): for the enterprise's page origins
//! only, and only at an address that was given out to that enterprise.

use domain::Enterprise;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use files::Files;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use wire::cardbridge::guidance::WebUrl;

use super::refusal::{Refusal, refused};
use crate::state::ApiState;

/// The methods of an address.
const METHODS: HeaderValue = HeaderValue::from_static("PUT");
/// Seconds for which a browser need not ask again; no address lives longer.
const MAX_AGE_S: HeaderValue = HeaderValue::from_static("3600");
/// Answers depend on these headers of the request.
const VARY: HeaderValue = HeaderValue::from_static(
    "origin, access-control-request-method, access-control-request-headers",
);

/// `OPTIONS /uploads/...`.
pub(super) async fn preflight(State(state): State<Arc<ApiState>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut response = match allow(&state, &parts).await {
        Ok(response) => response,
        Err(refusal) => refused(refusal),
    };
    response.headers_mut().insert(header::VARY, VARY);
    response
}

async fn allow(state: &ApiState, parts: &Parts) -> Result<Response, Refusal> {
    let asked = parts.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let (Some(asked), true) = (asked, parts.headers.contains_key(header::ORIGIN)) else {
        let message = "a preflight names its Origin and Access-Control-Request-Method";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "BadRequest", message));
    };
    let origin = listed_origin(state, parts).await?.filter(|_| *asked == *Method::PUT.as_str());
    let Some(origin) = origin else {
        let message = "PUT is open to the page origins of the enterprise that the address is for";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "AccessForbidden", message));
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_S);
    // No header changes what an upload does, so a script may send any.
    if let Some(asked) = parts.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    Ok(response)
}

/// Lets the script of a listed origin read the answer to its upload, also a refusal.
pub(super) async fn open_answer(state: &ApiState, parts: &Parts, answer: &mut HeaderMap) {
    if !parts.headers.contains_key(header::ORIGIN) {
        return;
    }
    answer.insert(header::VARY, HeaderValue::from_static("origin"));
    // An address that opens nothing belongs to no enterprise whose page could read the answer.
    if let Ok(Some(origin)) = listed_origin(state, parts).await {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// The request's origin, if it is one of those whose pages may upload to this address. An expired
/// address still shows its owner.
async fn listed_origin(state: &ApiState, parts: &Parts) -> Result<Option<HeaderValue>, Refusal> {
    let Files::Embedded(files) = &*state.files else { return Err(Refusal::elsewhere()) };
    let key = files.key_of_link(parts.uri.path(), parts.uri.query())?;
    let Some(value) = parts.headers.get(header::ORIGIN) else { return Ok(None) };
    let Some(origin) = value.to_str().ok().and_then(WebUrl::parse) else { return Ok(None) };
    let enterprise = state.store.find::<Enterprise>(key.enterprise_id()).await?;
    let listed = enterprise.map(|it| it.page_origins).unwrap_or_default();
    let is_listed = listed
        .iter()
        .filter_map(|listed| WebUrl::parse(listed))
        .any(|listed| listed.origin() == origin.origin());
    Ok(is_listed.then(|| value.clone()))
}
