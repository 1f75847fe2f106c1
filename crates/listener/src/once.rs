//! Calls with an `Idempotency-Key`, for both APIs that support one: carried out once, and answered
//! the same each time. The commit of a call's business keeps the key and the answer
//! (`store::Claim`), so a call that broke off at any moment was either not carried out or is known
//! when it is repeated.

use std::convert::Infallible;
use std::future::Future;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use serde::Serialize;
use store::{Claim, Kept, KeptAnswer, KnownCall, Store, StoreError};

/// Most runs of a call, which is run again if another run of it was faster: the other run's commit
/// is done by then, so one repeat should suffice.
const MAX_RUNS: u32 = 3;
/// The header with the key.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The header as clients write it.
pub const KEY_NAME: &str = "Idempotency-Key";
/// Longest key.
pub const MAX_KEY_BYTES: usize = 255;
/// The status of a completed call, stored with its answer.
pub const DONE: u16 = 200;

/// A key that is empty, blank, too long, contains invisible characters, or is not the only one.
pub struct IllFormedKey;

/// The key of a call, if it has one.
pub fn key_of(headers: &HeaderMap) -> Option<Result<&str, IllFormedKey>> {
    let mut keys = headers.get_all(KEY_HEADER).iter();
    let key = keys.next()?.to_str().ok();
    // If there are two keys, neither is valid.
    let key = key.filter(|_| keys.next().is_none());
    let key = key.filter(|key| key.len() <= MAX_KEY_BYTES && !key.trim().is_empty());
    Some(key.ok_or(IllFormedKey))
}

/// The key of a call under way, for its handler.
#[derive(Clone, Default)]
pub struct Once {
    claim: Option<Claim>,
    begun: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Once {
    type Rejection = Infallible;

    /// For a call without a key it does nothing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl Once {
    /// The beginning that an earlier run of this call noted; this run must report its outcome.
    pub fn begun(&self) -> Option<&str> {
        self.begun.as_deref()
    }

    /// The key, if the call has one.
    pub const fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// Runs `work`, whose commit has an outcome of type `T` and keeps what `leave` makes of it.
    pub async fn leaving<T: 'static, F: Future>(
        &self,
        leave: impl Fn(&T) -> Result<Option<Kept>, StoreError> + Send + Sync + 'static,
        work: F,
    ) -> F::Output {
        match &self.claim {
            Some(claim) => claim.leaving(leave).scope(work).await,
            None => work.await,
        }
    }

    /// Runs `work`, whose commit has an outcome of type `T` and keeps the answer that `body` makes
    /// of it, if it makes one.
    pub async fn answering<T: 'static, B: Serialize, F: Future>(
        &self,
        body: impl Fn(&T) -> Result<Option<B>, StoreError> + Send + Sync + 'static,
        work: F,
    ) -> F::Output {
        let leave = move |outcome: &T| body(outcome)?.map(|body| kept(&body)).transpose();
        self.leaving(leave, work).await
    }

    /// The answer of a call whose commit has the same outcome as `work`; the commit keeps it.
    ///
    /// # Errors
    /// The errors of `work`.
    pub async fn answer<T: 'static, B: Serialize, E, R: From<B>, X: From<E>>(
        &self,
        body: impl Fn(&T) -> B + Clone + Send + Sync + 'static,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<R, X> {
        self.try_answer(move |outcome: &T| Ok(body(outcome)), work).await
    }

    /// As [`Once::answer`] if making the answer may fail; nothing is done then.
    ///
    /// # Errors
    /// The errors of `work` and `body`.
    pub async fn try_answer<T: 'static, B: Serialize, E, R: From<B>, X: From<E>>(
        &self,
        body: impl Fn(&T) -> Result<B, X> + Clone + Send + Sync + 'static,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<R, X> {
        let kept_body = body.clone();
        let kept = move |outcome: &T| {
            kept_body(outcome).map(Some).map_err(|_| StoreError::Corrupt("what is to be answered"))
        };
        let outcome = self.answering(kept, work).await?;
        body(&outcome).map(R::from)
    }

    /// Runs `work`, which begins something that its answer will report; only its beginning is kept.
    pub async fn beginning<F: Future>(&self, work: F) -> F::Output {
        match self.claim.clone() {
            Some(claim) => claim.scope(work).await,
            None => work.await,
        }
    }
}

/// An answer kept for repeats.
fn kept(body: &impl Serialize) -> Result<Kept, StoreError> {
    let body = serde_json::to_vec(body).map_err(|_| StoreError::Corrupt("the answer of a call"))?;
    Ok(Kept::Answer(KeptAnswer { status: DONE, body }))
}

/// A call and its key.
pub struct KeyedCall<'a> {
    /// The store of keys.
    pub store: &'a Store,
    /// The key, qualified by API and caller.
    pub key: String,
    /// Digest of everything that makes up the call.
    pub digest: [u8; 32],
}

/// A run of a call, once it has ended.
pub struct Ran {
    /// The response to send.
    pub response: Response,
    /// The answer to keep if no commit kept one; `None` leaves the key free, or begun.
    pub answer: Option<KeptAnswer>,
    /// True if the call was carried out.
    pub is_done: bool,
}

/// The outcome of a call with a key.
pub enum Carried {
    /// It ran.
    Ran(Response),
    /// It ran before and got this answer.
    Before(KeptAnswer),
    /// The key was used with another call.
    OtherCall,
    /// It ran before and has no answer yet, or broke off and nobody can tell how it ended.
    Unanswered,
}

impl KeyedCall<'_> {
    /// Carries the call out if its key is new, and otherwise finds its outcome.
    ///
    /// # Errors
    /// The store failed.
    pub async fn carry_out<F: Future<Output = Ran>>(
        self,
        run: impl Fn(Once) -> F,
    ) -> Result<Carried, StoreError> {
        let KeyedCall { store, key, digest } = self;
        for _ in 0..MAX_RUNS {
            let begun = match store.known_call(&key, digest).await? {
                KnownCall::No => None,
                KnownCall::Other => return Ok(Carried::OtherCall),
                KnownCall::Begun(None) => return Ok(Carried::Unanswered),
                KnownCall::Begun(object) => object,
                KnownCall::Answered(answer) => return Ok(Carried::Before(answer)),
            };
            let claim = Claim::new(key.clone(), digest, store.clock().real_now());
            let is_new = begun.is_none();
            let ran = run(Once { claim: Some(claim.clone()), begun }).await;
            // This run may have been refused because of another run of the same call.
            let was_faster = claim.was_taken()
                || (is_new
                    && !ran.is_done
                    && store.known_call(&key, digest).await? != KnownCall::No);
            if was_faster && is_new {
                continue;
            }
            // A commit that made an answer may have been undone afterwards, and the call refused.
            let is_kept = ran.is_done && claim.has_answer();
            finish(store, &claim, ran.answer.filter(|_| !is_kept)).await;
            return Ok(Carried::Ran(ran.response));
        }
        Ok(Carried::Unanswered)
    }
}

/// A failure here is only logged: the call is done, and its repeats find its outcome.
async fn finish(store: &Store, claim: &Claim, answer: Option<KeptAnswer>) {
    if let Some(answer) = answer
        && let Err(error) = store.keep_answer(claim, answer).await
    {
        tracing::error!(%error, "an answer was not kept for its Idempotency-Key");
    }
    if let Err(error) = store.sweep_calls(claim).await {
        tracing::error!(%error, "old idempotency keys stay until the next sweep");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;
    use domain::{Clock, IdGenerator, JobId, Timestamp};
    use store::{Job, Location};

    use super::*;

    async fn open(directory: &tempfile::TempDir) -> Store {
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let location = Location::Sqlite(directory.path().join("store.db"));
        Store::open(location, clock, ids).await.unwrap()
    }

    /// Deletes all keys.
    async fn forget(store: &Store) {
        // A moment after the sweep's time, regardless of the calls before.
        let far_off = Timestamp::from_micros(32 << 48);
        store.sweep_calls(&Claim::new("other".to_owned(), [0; 32], far_off)).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_is_kept_where_an_answer_was_undone() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory).await;
        let (key, digest) = ("key", [1; 32]);
        let refusal = KeptAnswer { status: 422, body: b"refused".to_vec() };
        let run = async |once: Once| {
            let now = store.clock().now();
            let work = store.retry_job(JobId::from_i64(1), now);
            once.answering(|_: &Option<Job>| Ok(Some("done")), work).await.unwrap();
            assert!(once.claim().unwrap().has_answer());
            forget(&store).await;
            let response = Response::new(Body::empty());
            Ran { response, answer: Some(refusal.clone()), is_done: false }
        };
        let call = KeyedCall { store: &store, key: key.to_owned(), digest };
        call.carry_out(run).await.unwrap();
        let known = store.known_call(key, digest).await.unwrap();
        assert_eq!(known, KnownCall::Answered(refusal.clone()));
        store.close().await;
    }
}
