//! Calls with an `Idempotency-Key`, of the operator API and of dialect 2. The key is taken and
//! the answer kept in the commit of the call's own business: a call whose key is there was
//! carried out, one whose key is not there was not, whatever ended it. No key is ever free
//! again because time passed while its call was under way.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{NetworkKey, Timestamp};

use crate::engine::{BoxFuture, Tx};
use crate::records::record;
use crate::{Store, StoreError};

/// How long a key is kept with its answer: as long as the network's keys.
const KEPT_MS: i64 = crate::NETWORK_KEY_DAYS * 24 * 3_600_000;
/// Old keys that one sweep forgets at most, and how many new keys come to one sweep.
const SWEEP_ROWS: i64 = 1_000;
const KEYS_A_SWEEP: i64 = 32;

/// An answer to be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// What the commit of a call's business leaves for its repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The answer.
    Answer(KeptAnswer),
    /// There is no answer yet; it will be what becomes of this object.
    Begun(Option<String>),
}

/// What is known of a call by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownCall {
    /// Nothing: it was not carried out.
    No,
    /// The key was used with another call.
    Other,
    /// It was carried out and has no answer yet, or broke off before it had one; the object is
    /// what it began, if that tells what became of it.
    Begun(Option<String>),
    /// It was answered so.
    Answered(KeptAnswer),
}

type Leave = dyn Fn(&dyn Any) -> Result<Option<Kept>, StoreError> + Send + Sync;

/// The key of a call under way. Within [`Claim::scope`] the commits of the operations that take
/// a key keep it.
#[derive(Clone)]
pub struct Claim {
    call: Arc<Call>,
    leave: Option<Arc<Leave>>,
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

struct Call {
    key: String,
    digest: [u8; 32],
    taken_at: Timestamp,
    has_answer: AtomicBool,
    was_taken: AtomicBool,
}

tokio::task_local! {
    static CLAIM: Claim;
}

impl Claim {
    /// The key of a call whose content has this digest; `now` is real time.
    #[must_use]
    pub fn new(key: String, digest: [u8; 32], now: Timestamp) -> Self {
        let (has_answer, was_taken) = (AtomicBool::new(false), AtomicBool::new(false));
        let call = Call { key, digest, taken_at: now, has_answer, was_taken };
        Self { call: Arc::new(call), leave: None }
    }

    /// The claim whose business has an outcome of type `T`, of which `leave` makes what is
    /// kept; nothing of an outcome that changed nothing. It runs inside the commit, so it must
    /// neither wait nor panic; its error undoes the business.
    #[must_use]
    pub fn leaving<T: Any>(
        &self,
        leave: impl Fn(&T) -> Result<Option<Kept>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let leave = move |outcome: &dyn Any| {
            let outcome = outcome.downcast_ref::<T>();
            leave(outcome.ok_or(StoreError::Corrupt("the outcome of a call with a key"))?)
        };
        Self { call: Arc::clone(&self.call), leave: Some(Arc::new(leave)) }
    }

    /// Runs `work` under this claim.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CLAIM.scope(self, work).await
    }

    /// `work`, to be run by another task under the claim that this one runs under, if any.
    pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
        let claim = Self::current();
        async move {
            match claim {
                Some(claim) => claim.scope(work).await,
                None => work.await,
            }
        }
    }

    /// The claim that this task runs under.
    #[must_use]
    pub fn current() -> Option<Self> {
        CLAIM.try_with(Clone::clone).ok()
    }

    /// How a message is known again that came with this call and without a key of the network:
    /// no message of a network has such a STAN.
    #[must_use]
    pub fn message_key(&self) -> NetworkKey {
        NetworkKey { stan: String::new(), rrn: self.call.key.clone() }
    }

    /// Whether a commit under this claim made an answer to keep.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.call.has_answer.load(Ordering::Relaxed)
    }

    /// Whether a commit under this claim found that another run of the call was faster.
    #[must_use]
    pub fn was_taken(&self) -> bool {
        self.call.was_taken.load(Ordering::Relaxed)
    }

    /// The key.
    pub(crate) fn key(&self) -> &str {
        &self.call.key
    }

    /// Whether another run of the call was faster.
    pub(crate) async fn is_there(&self, tx: &Tx) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM idempotency WHERE idempotency_key = $1";
        tx.finds(sql, &[self.key().into()]).await
    }

    /// Refuses what another run of the call has done.
    ///
    /// # Errors
    /// [`StoreError::KeyTaken`].
    pub(crate) async fn require_free(&self, tx: &Tx) -> Result<(), StoreError> {
        if self.is_there(tx).await? { Err(self.taken()) } else { Ok(()) }
    }

    /// Notes that another run of the call was faster.
    pub(crate) fn taken(&self) -> StoreError {
        self.call.was_taken.store(true, Ordering::Relaxed);
        StoreError::KeyTaken
    }

    /// What is to be kept of an outcome; nothing if it changed nothing.
    ///
    /// # Errors
    /// The answer cannot be made, and nothing may be kept of the business.
    pub(crate) fn left_by(&self, outcome: &dyn Any) -> Result<Option<Kept>, StoreError> {
        self.leave.as_ref().map_or(Ok(None), |leave| leave(outcome))
    }

    /// Takes the key, in the commit of its call's business.
    ///
    /// # Errors
    /// [`StoreError`]; `KeyTaken` if another process was faster. The commit must be undone.
    pub(crate) async fn leave(&self, tx: &Tx, kept: Kept) -> Result<(), StoreError> {
        let (answer, object) = match kept {
            Kept::Answer(answer) => (Some(answer), None),
            Kept::Begun(object) => (None, object),
        };
        self.call.has_answer.store(answer.is_some(), Ordering::Relaxed);
        let (status, body) = answer.map(|it| (i64::from(it.status), it.body)).unzip();
        let sql = "INSERT INTO idempotency (idempotency_key, digest, taken_at, status, body, \
            object) VALUES ($1, $2, $3, $4, $5, $6)";
        let params = [
            self.key().into(),
            self.call.digest.as_slice().into(),
            self.call.taken_at.into(),
            status.into(),
            body.as_deref().into(),
            object.into(),
        ];
        match tx.execute(sql, &params).await {
            Err(StoreError::Duplicate(_)) => Err(self.taken()),
            inserted => inserted.map(drop),
        }
    }

    /// Frees the key of a call whose business was taken back, in the commit that does so.
    pub(crate) async fn give_back(&self, tx: &Tx) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency \
            WHERE idempotency_key = $1 AND digest = $2 AND status IS NULL";
        let params = [self.key().into(), self.call.digest.as_slice().into()];
        tx.execute(sql, &params).await.map(drop)
    }
}

/// What the row of a key says.
struct StoredCall {
    digest: [u8; 32],
    status: Option<u16>,
    body: Option<Vec<u8>>,
    object: Option<String>,
}

record! {
    StoredCall in "idempotency" key (idempotency_key) { digest, status, body, object }
}

impl Store {
    /// What is known of a call with this key whose content has this digest.
    pub async fn known_call(&self, key: &str, digest: [u8; 32]) -> Result<KnownCall, StoreError> {
        let Some(stored) = self.by_key::<StoredCall>(key.to_owned()).await? else {
            return Ok(KnownCall::No);
        };
        if stored.digest != digest {
            return Ok(KnownCall::Other);
        }
        let Some(status) = stored.status else { return Ok(KnownCall::Begun(stored.object)) };
        let body = stored.body.ok_or(StoreError::Corrupt("idempotency.body"))?;
        Ok(KnownCall::Answered(KeptAnswer { status, body }))
    }

    /// Keeps the answer of a call that left none in a commit of its own business: one that only
    /// began something there, that was refused, or that may as well be carried out again. An
    /// answer that is there stays.
    pub async fn keep_answer(&self, claim: &Claim, answer: KeptAnswer) -> Result<(), StoreError> {
        let sql = "INSERT INTO idempotency \
            (idempotency_key, digest, taken_at, status, body) VALUES ($1, $2, $3, $4, $5) \
            ON CONFLICT (idempotency_key) DO UPDATE \
            SET status = excluded.status, body = excluded.body, object = NULL \
            WHERE idempotency.status IS NULL AND idempotency.digest = excluded.digest";
        let params = [
            claim.call.key.as_str().into(),
            claim.call.digest.as_slice().into(),
            claim.call.taken_at.into(),
            answer.status.into(),
            answer.body.into(),
        ];
        self.execute(sql, params).await.map(drop)
    }

    /// Begins a call that has no commit of its own before its effects, which go on towards
    /// `object` however often they are begun.
    ///
    /// # Errors
    /// [`StoreError`]; `KeyTaken` if another run of the call was faster.
    pub async fn begin_call(&self, claim: &Claim, object: String) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write(move |tx| {
            let (claim, kept) = (claim.clone(), Kept::Begun(Some(object.clone())));
            Box::pin(async move {
                claim.require_free(tx).await?;
                claim.leave(tx, kept).await
            })
        })
        .await
    }

    /// Forgets keys whose time is over, after some of the calls; the moment of the call says
    /// whose turn it is, since callers choose everything else.
    pub async fn sweep_calls(&self, claim: &Claim) -> Result<(), StoreError> {
        if claim.call.taken_at.as_micros() % KEYS_A_SWEEP != 0 {
            return Ok(());
        }
        let oldest = claim.call.taken_at.plus_millis(-KEPT_MS);
        self.write(move |tx| Box::pin(sweep(tx, oldest))).await
    }

    /// Writes as [`Store::write`] does, and keeps the key of the call that this is the business
    /// of in the same commit.
    pub(crate) async fn write_kept<T, E, F>(&self, operation: F) -> Result<T, E>
    where
        T: Any + Send,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let Some(claim) = Claim::current() else { return self.write(operation).await };
        let operation = Arc::new(operation);
        self.write(move |tx| {
            let (operation, claim) = (Arc::clone(&operation), claim.clone());
            Box::pin(async move {
                claim.require_free(tx).await?;
                let outcome = operation(tx).await?;
                let kept = claim.left_by(&outcome)?;
                if let Some(kept) = kept {
                    claim.leave(tx, kept).await?;
                }
                Ok(outcome)
            })
        })
        .await
    }
}

async fn sweep(tx: &Tx, oldest: Timestamp) -> Result<(), StoreError> {
    let sql = "DELETE FROM idempotency WHERE idempotency_key IN \
        (SELECT idempotency_key FROM idempotency WHERE taken_at <= $1 ORDER BY taken_at LIMIT $2)";
    tx.execute(sql, &[oldest.into(), SWEEP_ROWS.into()]).await.map(drop)
}
