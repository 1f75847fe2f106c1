//! Calls with an `Idempotency-Key`, of both APIs that take one: carried out once, and answered
//! the same each time. The commit of a call's business keeps the key and the answer
//! (`store::Claim`), so a call that broke off at whatever moment is either not done or told of.

use std::convert::Infallible;
use std::future::Future;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use serde::Serialize;
use store::{Claim, Kept, KeptAnswer, KnownCall, Store, StoreError};

/// How often a call is looked at again because another run of it was faster: that run's commit
/// stands by then, so that once should do.
const MAX_RUNS: u32 = 3;
/// The header with the key.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The same as clients write it.
pub const KEY_NAME: &str = "Idempotency-Key";
/// Longest key.
pub const MAX_KEY_BYTES: usize = 255;
/// The status of what was done, beside its answer.
pub const DONE: u16 = 200;

/// A key that is empty, blank, too long or of other than visible characters, or not the only one.
pub struct IllFormedKey;

/// The key that a call bears, if it bears one.
pub fn key_of(headers: &HeaderMap) -> Option<Result<&str, IllFormedKey>> {
    let mut keys = headers.get_all(KEY_HEADER).iter();
    let key = keys.next()?.to_str().ok();
    // Of two keys none is the call's.
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

    /// A call without a key has one of nothing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl Once {
    /// What an earlier run of this call began and this one has to tell the outcome of.
    pub fn begun(&self) -> Option<&str> {
        self.begun.as_deref()
    }

    /// The key, if the call bears one.
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

    /// Runs `work`, whose commit has an outcome of type `T` and keeps the answer that `body`
    /// makes of it; nothing where that is none.
    pub async fn answering<T: 'static, B: Serialize, F: Future>(
        &self,
        body: impl Fn(&T) -> Result<Option<B>, StoreError> + Send + Sync + 'static,
        work: F,
    ) -> F::Output {
        let leave = move |outcome: &T| body(outcome)?.map(|body| kept(&body)).transpose();
        self.leaving(leave, work).await
    }

    /// The answer of a call whose commit has the same outcome as `work`, kept there.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn answer<T: 'static, B: Serialize, E, R: From<B>, X: From<E>>(
        &self,
        body: impl Fn(&T) -> B + Clone + Send + Sync + 'static,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<R, X> {
        self.try_answer(move |outcome: &T| Ok(body(outcome)), work).await
    }

    /// As [`Once::answer`] where the answer may be out of reach; then nothing is done.
    ///
    /// # Errors
    /// Those of `work` and `body`.
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

    /// Runs `work`, which begins what its answer will tell of: only that is kept.
    pub async fn beginning<F: Future>(&self, work: F) -> F::Output {
        match self.claim.clone() {
            Some(claim) => claim.scope(work).await,
            None => work.await,
        }
    }
}

/// An answer for repeats.
fn kept(body: &impl Serialize) -> Result<Kept, StoreError> {
    let body = serde_json::to_vec(body).map_err(|_| StoreError::Corrupt("the answer of a call"))?;
    Ok(Kept::Answer(KeptAnswer { status: DONE, body }))
}

/// A call and its key.
pub struct KeyedCall<'a> {
    /// Where keys are kept.
    pub store: &'a Store,
    /// The key, apart from those of other APIs and callers.
    pub key: String,
    /// Of all that makes the call.
    pub digest: [u8; 32],
}

/// How a run of a call ended.
pub struct Ran {
    /// What is told.
    pub response: Response,
    /// What is kept where no commit kept an answer; nothing leaves the key free, or begun.
    pub answer: Option<KeptAnswer>,
    /// Whether the call was done.
    pub is_done: bool,
}

/// What becomes of a call with a key.
pub enum Carried {
    /// It ran.
    Ran(Response),
    /// It ran before and was answered so.
    Before(KeptAnswer),
    /// The key was used with another call.
    OtherCall,
    /// It ran before and has no answer yet, or broke off where nobody can tell what became of
    /// it.
    Unanswered,
}

impl KeyedCall<'_> {
    /// Carries the call out if its key is new, and otherwise finds what became of it.
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
            // Another run of the same call may be what this one was refused for.
            let was_faster = claim.was_taken()
                || (is_new
                    && !ran.is_done
                    && store.known_call(&key, digest).await? != KnownCall::No);
            if was_faster && is_new {
                continue;
            }
            // A commit that made an answer may have been undone since, and the call refused.
            let is_kept = ran.is_done && claim.has_answer();
            finish(store, &claim, ran.answer.filter(|_| !is_kept)).await;
            return Ok(Carried::Ran(ran.response));
        }
        Ok(Carried::Unanswered)
    }
}

/// What fails here is told in the log only: the call is done, and its repeats find out.
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

    /// Forgets every key that there is.
    async fn forget(store: &Store) {
        // A moment after which the sweep comes, whatever the order of the calls before it.
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
