//! `Idempotency-Key`: the same request again gets the same answer again, and nothing
//! happens twice.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use crypto::sha256;
use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use http_body_util::BodyExt as _;
use listener::once::{Carried, KEY_NAME, KeyedCall, MAX_KEY_BYTES, Once, Ran, key_of};
use listener::shell::LoggedCode;
use store::{Kept, KeptAnswer, Store, StoreError};

use crate::problem::{IN_PROGRESS, Problem};

const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Codes of temporary refusals: another try may succeed.
const PASSING: [&str; 2] = ["undecided", IN_PROGRESS];

/// The answer to repeats of a call whose own answer carries a secret and is never kept
/// (operator-and-sandbox.md section 5, Mail): the id of what it made.
pub(crate) fn already_done(object_id: &str) -> Result<Option<Kept>, StoreError> {
    let detail = "it is done; the first answer contained a secret, which is kept nowhere";
    let problem = Problem::conflict("already_done", detail).about(object_id);
    let (status, body) = problem.into_parts();
    Ok(Some(Kept::Answer(KeptAnswer { status: status.as_u16(), body })))
}

/// Runs the request if its key is new; otherwise answers with the outcome of the first one.
pub(crate) async fn answer_once(store: &Store, parts: Parts, body: Bytes, next: Next) -> Response {
    let Some(Ok(key)) = key_of(&parts.headers) else {
        let detail = format!("{KEY_NAME} must be 1 to {MAX_KEY_BYTES} visible characters");
        return Problem::malformed(detail).into_response();
    };
    let call = KeyedCall { store, key: key.to_owned(), digest: digest(&parts, &body) };
    let run = |once| run(parts.clone(), body.clone(), next.clone(), once);
    match call.carry_out(run).await {
        Err(error) => Problem::from(error).into_response(),
        Ok(Carried::Ran(response)) => response,
        Ok(Carried::Before(answer)) => replayed(answer),
        Ok(Carried::OtherCall) => {
            Problem::invalid("Idempotency-Key was used with another request").into_response()
        }
        Ok(Carried::Unanswered) => Problem::in_progress().into_response(),
    }
}

fn digest(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let head = format!("{}\n{target}\n", parts.method);
    sha256(&[head.as_bytes(), body].concat())
}

async fn run(parts: Parts, body: Bytes, next: Next, once: Once) -> Ran {
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(once);
    // In a separate task, so it completes even if the caller has gone.
    let response = tokio::spawn(next.run(request)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a handler broke off");
        Problem::internal().into_response()
    });
    let code = response.extensions().get::<LoggedCode>().map(|code| code.0);
    let (parts, body) = response.into_parts();
    let body = whole(body).await;
    let (status, is_done) = (parts.status, parts.status.is_success());
    let is_refusal = status.is_client_error() && !code.is_some_and(|code| PASSING.contains(&code));
    let answer = (is_done || is_refusal)
        .then(|| KeptAnswer { status: status.as_u16(), body: body.to_vec() });
    Ran { response: Response::from_parts(parts, Body::from(body)), answer, is_done }
}

/// The whole body of an answer, whose size the limits of lists and bodies bound.
async fn whole(body: Body) -> Bytes {
    body.collect().await.map(|collected| collected.to_bytes()).unwrap_or_default()
}

fn replayed(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let content_type =
        if status.is_success() { "application/json" } else { "application/problem+json" };
    let headers = [(header::CONTENT_TYPE, content_type), (REPLAYED_HEADER, "true")];
    (status, headers, Body::from(answer.body)).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::middleware::from_fn;
    use axum::routing::post;
    use axum::{Json, Router};
    use domain::{Clock, IdGenerator};
    use listener::once::KEY_HEADER;
    use store::Location;
    use tower::ServiceExt as _;

    use super::*;

    /// A POST that panics the first time, guarded as all are.
    fn guarded(store: Store, runs: Arc<AtomicU32>) -> Router {
        let handler = async move || {
            assert!(runs.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
            Json("done")
        };
        Router::new().route("/", post(handler)).layer(from_fn(
            move |request: Request, next: Next| {
                let store = store.clone();
                async move {
                    let (parts, _) = request.into_parts();
                    answer_once(&store, parts, Bytes::new(), next).await
                }
            },
        ))
    }

    #[tokio::test]
    async fn a_panic_leaves_its_key_free_and_an_answer_takes_it() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("store.db"));
        let store = Store::open(location, clock, ids).await.unwrap();
        let runs = Arc::new(AtomicU32::new(0));
        let router = guarded(store.clone(), Arc::clone(&runs));
        let send = async || {
            let request = Request::post("/").header(KEY_HEADER, "key").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            (response.status().as_u16(), whole(response.into_body()).await)
        };
        assert_eq!(send().await.0, 500);
        for _ in 0..2 {
            assert_eq!(send().await, (200, Bytes::from_static(b"\"done\"")));
        }
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        store.close().await;
    }
}
