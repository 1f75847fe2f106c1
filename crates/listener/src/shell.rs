//! The middleware around every request of every listener: trace id, a separate task, the answer to
//! a panic, and one line in the log.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::middleware::Next;
use domain::Random;
use http::header::RETRY_AFTER;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use tokio::time::Instant;
use tower::util::BoxCloneSyncService;
use tower::{ServiceExt as _, service_fn};

/// A listener's whole service.
pub type HttpService = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
/// The pause, in seconds, after which a caller may try again what was not possible for a moment.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");
/// Longest trace id taken from a caller.
const MAX_TRACE_ID_BYTES: usize = 64;

/// The route's template, left on the response for the log.
#[derive(Clone)]
struct RouteTemplate(MatchedPath);

/// The code of a failure, left on the response for the log.
#[derive(Clone, Copy)]
pub struct LoggedCode(pub &'static str);

/// Marks the response with its route's template, for the log, which never shows a path or a query.
/// A layer around the routes, outside all others.
pub async fn mark_route(request: Request<Body>, next: Next) -> Response<Body> {
    let template = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(template) = template {
        response.extensions_mut().insert(RouteTemplate(template));
    }
    response
}

/// The settings that differ between listeners.
#[derive(Clone, Copy)]
pub struct Shell {
    /// Name in the log.
    pub listener: &'static str,
    /// Changes the request before it is routed.
    pub rewrite: fn(&mut Request<Body>),
    /// The answer when a handler panicked.
    pub internal_error: fn() -> Response<Body>,
}

/// Wraps a listener's routes in the shell.
pub fn wrap(shell: Shell, random: Arc<dyn Random>, router: Router) -> HttpService {
    let service = service_fn(move |request: Request<Body>| {
        let (router, random) = (router.clone(), Arc::clone(&random));
        async move { Ok(exchange(shell, &*random, router, request).await) }
    });
    BoxCloneSyncService::new(service)
}

async fn exchange(
    shell: Shell,
    random: &dyn Random,
    router: Router,
    mut request: Request<Body>,
) -> Response<Body> {
    let started = Instant::now();
    let trace_id = trace_id(&request, random);
    let method = request.method().clone();
    (shell.rewrite)(&mut request);
    // In a separate task: a caller who hangs up does not interrupt an authorisation, and a panic
    // ends only this request.
    let handled = tokio::spawn(router.oneshot(request)).await;
    let mut response = match handled {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(error) => {
            tracing::error!(listener = shell.listener, %error, "a handler broke off");
            (shell.internal_error)()
        }
    };
    log(shell.listener, &method, &trace_id, started, &response);
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(RETRY_AFTER).or_insert(RETRY_AFTER_S);
    }
    response.headers_mut().insert(TRACE_ID, trace_id);
    response
}

/// Logs neither the path nor the query nor a body: some of them contain secrets.
fn log(
    listener: &str,
    method: &Method,
    trace_id: &HeaderValue,
    started: Instant,
    response: &Response<Body>,
) {
    let route = response.extensions().get::<RouteTemplate>();
    let route = route.map_or("unmatched", |template| template.0.as_str());
    let code = response.extensions().get::<LoggedCode>().map_or("ok", |code| code.0);
    let status = response.status().as_u16();
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let trace_id = trace_id.to_str().unwrap_or_default();
    metrics::counter!("cardbridge_http_requests_total",
        "listener" => listener.to_owned(), "route" => route.to_owned(),
        "status" => status.to_string())
    .increment(1);
    if response.status().is_server_error() {
        tracing::info!(
            listener, %method, route, status, code, elapsed_ms, trace_id, "request failed"
        );
    } else {
        tracing::debug!(listener, %method, route, status, code, elapsed_ms, trace_id, "request");
    }
}

/// The caller's trace id if it is a short plain token, otherwise a new one.
fn trace_id(request: &Request<Body>, random: &dyn Random) -> HeaderValue {
    let is_token = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=MAX_TRACE_ID_BYTES).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
    };
    request.headers().get(TRACE_ID).filter(is_token).cloned().unwrap_or_else(|| {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        HeaderValue::from_str(&hex::encode(bytes)).expect("hexadecimal digits are a header value")
    })
}
