//! Calls with an `Idempotency-Key`, of the operator API and of dialect 2. The key is taken and
//! the answer kept in the commit of the call's own business: a call whose key is there was
//! carried out; one whose key is not there was not, however it ended. No key becomes free again
//! because time passed while its call was under way.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{NetworkKey, Timestamp};

use crate::StoreError;
use crate::engine::Tx;

/// An answer to be given again to a repeated call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

/// The record that the commit of a call's business leaves for its repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The answer.
    Answer(KeptAnswer),
    /// There is no answer yet; it depends on what becomes of this object.
    Begun(Option<String>),
}

type Leave = dyn Fn(&dyn Any) -> Result<Option<Kept>, StoreError> + Send + Sync;

/// The key of a call under way. Within [`Claim::scope`] the commits of the operations that take
/// a key keep it.
#[derive(Clone)]
pub struct Claim {
    pub(crate) call: Arc<Call>,
    leave: Option<Arc<Leave>>,
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim")
    }
}

/// A call, and what its commits found.
pub(crate) struct Call {
    pub(crate) key: String,
    pub(crate) digest: [u8; 32],
    pub(crate) taken_at: Timestamp,
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

    /// This claim, with `leave`, which makes the record to keep from an outcome of type `T`, or
    /// None of an outcome that changed nothing. It runs inside the commit, so it must neither wait
    /// nor panic; its error undoes the business.
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

    /// Makes `work` run under this task's claim, if any, also when another task runs it.
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

    /// The key under which a message that came with this call, without a key of the network, is
    /// recognised when it comes again: no message of a network has such a STAN.
    #[must_use]
    pub fn message_key(&self) -> NetworkKey {
        NetworkKey { stan: String::new(), rrn: self.call.key.clone() }
    }

    /// True if a commit under this claim made an answer to keep.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        self.call.has_answer.load(Ordering::Relaxed)
    }

    /// True if a commit under this claim found that another run of the call was faster.
    #[must_use]
    pub fn was_taken(&self) -> bool {
        self.call.was_taken.load(Ordering::Relaxed)
    }

    /// The key.
    pub(crate) fn key(&self) -> &str {
        &self.call.key
    }

    /// True if another run of the call was faster.
    pub(crate) async fn is_there(&self, tx: &Tx) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM idempotency WHERE idempotency_key = $1";
        tx.finds(sql, &[self.key().into()]).await
    }

    /// Fails if another run of the call was faster.
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

    /// The record to keep of an outcome; None if it changed nothing.
    ///
    /// # Errors
    /// The answer cannot be made, so the business must be undone.
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
        // Only a duplicate of this row means that another run was faster.
        tx.flush().await?;
        match tx.execute(sql, &params).await {
            Err(StoreError::Duplicate(_)) => Err(self.taken()),
            inserted => inserted.map(drop),
        }
    }

    /// Frees the key of a call whose business was undone, in the commit that undoes it.
    pub(crate) async fn give_back(&self, tx: &Tx) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency \
            WHERE idempotency_key = $1 AND digest = $2 AND status IS NULL";
        let params = [self.key().into(), self.call.digest.as_slice().into()];
        tx.execute(sql, &params).await.map(drop)
    }
}
