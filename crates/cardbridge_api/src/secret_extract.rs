//! The one-time extraction of API keys (cardbridge-open-api.md section 4). It is outside the
//! signature's guard: its callers have no key yet.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use crypto::sha256;
use domain::{ErrorCode, ExtractionOutcome, KeyExtraction};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use listener::limiter::{Limit, LimitName, Limiter};
use listener::peer::{PeerAddress, network_of, source_address};
use listener::shell::mark_route;
use provision::{NewApiKey, draw_api_key};
use store::StoreError;
use tokio::time::Instant;
use wire::cardbridge::key_delivery::KeysBody;

use super::reply::{Failure, Success, transport_failure};
use crate::state::ApiState;

/// The route; its prefix is [`wire::cardbridge::key_delivery::EXTRACT_PATH_PREFIX`].
const PATH: &str = "/internal/open-api/v1/secret-extract/{code}";
/// Calls of one address.
const LIMIT_PER_ADDRESS: Limit = Limit::Window { weight: 300, window: Duration::from_secs(60) };
/// Time from the call to the answer of a refusal: all refusals take the same time, whichever check
/// refused.
const REFUSED_AFTER: Duration = Duration::from_millis(50);
/// Characters of a code.
const CODE_CHARS: usize = 32;

struct Extraction {
    api: Arc<ApiState>,
    limit: Arc<Limiter>,
}

/// The route, with its own limit.
pub(crate) fn routes(api: Arc<ApiState>) -> Router<Arc<ApiState>> {
    let limit = api.limits.limiter(LimitName::KeyExtractions, LIMIT_PER_ADDRESS);
    // A GET route would answer HEAD too, and so use up the code.
    let extract = get(extract).route_layer(from_fn(mark_route));
    let methods = extract.head(async || transport_failure(StatusCode::METHOD_NOT_ALLOWED));
    Router::new().route(PATH, methods).with_state(Arc::new(Extraction { api, limit }))
}

/// `GET secret-extract/{code}`: the keys, once.
async fn extract(
    State(extraction): State<Arc<Extraction>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    code: Result<Path<String>, PathRejection>,
) -> Response<Body> {
    let arrived = Instant::now();
    let source = source_address(peer, &headers, &extraction.api.settings.trusted_proxies);
    let mut response = if extraction.limit.admits(&network_of(source), arrived) {
        let code = code.map(|Path(code)| code).unwrap_or_default();
        answer(&extraction.api, &code, source, arrived).await
    } else {
        transport_failure(StatusCode::TOO_MANY_REQUESTS)
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

async fn answer(api: &ApiState, code: &str, source: IpAddr, arrived: Instant) -> Response<Body> {
    match extracted(api, code, source).await {
        Ok(Some(NewApiKey { api_key, secret })) => {
            let body = KeysBody { api_key: &api_key, secret_key: secret.expose() };
            Success(body).into_response()
        }
        Ok(None) => {
            tokio::time::sleep_until(arrived + REFUSED_AFTER).await;
            Failure::of(ErrorCode::PermissionDenied).into_response()
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

/// A new key if the code is good; only the audit says why it is not.
async fn extracted(
    api: &ApiState,
    code: &str,
    source: IpAddr,
) -> Result<Option<NewApiKey>, StoreError> {
    if code.len() != CODE_CHARS {
        return Ok(None);
    }
    let digest = sha256(code.as_bytes());
    let Some(extraction) = api.store.find::<KeyExtraction>(digest).await? else {
        tracing::warn!(%source, "a key was asked for with a code that does not exist");
        return Ok(None);
    };
    let (row, key) = draw_api_key(&api.store, &api.vault, extraction.enterprise_id);
    let outcome = api.store.extract_api_key(digest, source, row).await?;
    let enterprise_id = extraction.enterprise_id;
    if outcome == Some(ExtractionOutcome::Extracted) {
        tracing::info!(%enterprise_id, %source, "an API key was handed over");
        return Ok(Some(key));
    }
    tracing::warn!(%enterprise_id, %source, ?outcome, "an API key was not handed over");
    Ok(None)
}
