//! The answers kept for calls with an `Idempotency-Key`, and the writes that keep them.

use std::any::Any;
use std::sync::Arc;

use crate::engine::{BoxFuture, Tx, with};
use crate::records::record;
use crate::{Claim, Kept, KeptAnswer, NETWORK_KEY_DAYS, Store, StoreError};

/// The time for which a key is kept with its answer: as long as the network's keys.
const KEPT_MS: i64 = NETWORK_KEY_DAYS * 24 * 3_600_000;
/// The most old keys that one sweep forgets, and the number of new keys between two sweeps.
const SWEEP_ROWS: i64 = 1_000;
const KEYS_A_SWEEP: i64 = 32;

/// The state of a call, by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownCall {
    /// It was not carried out.
    No,
    /// The key was used with another call.
    Other,
    /// It was carried out and has no answer yet, or broke off before it had one. The object is what
    /// it began, if that shows the result of the call.
    Begun(Option<String>),
    /// Its answer.
    Answered(KeptAnswer),
}

/// The row of a key.
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
    /// The state of a call with this key, whose content has this digest.
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

    /// Keeps the answer of a call that left none in a commit of its business: a call that only
    /// began something there, was refused, or can safely be carried out again. An answer that is
    /// already there stays.
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

    /// Begins a call that has no commit before its effects, which lead to the same `object`
    /// however often they are begun.
    ///
    /// # Errors
    /// [`StoreError`]; `KeyTaken` if another run of the call was faster.
    pub async fn begin_call(&self, claim: &Claim, object: String) -> Result<(), StoreError> {
        self.write(with((claim.clone(), object), async |tx, (claim, object)| {
            claim.require_free(tx).await?;
            claim.leave(tx, Kept::Begun(Some(object.clone()))).await
        }))
        .await
    }

    /// Forgets keys whose time is over, after some of the calls. The moment of the call decides
    /// which, because callers choose everything else about it.
    pub async fn sweep_calls(&self, claim: &Claim) -> Result<(), StoreError> {
        if claim.call.taken_at.as_micros() % KEYS_A_SWEEP != 0 {
            return Ok(());
        }
        let oldest = claim.call.taken_at.plus_millis(-KEPT_MS);
        self.write(with(oldest, async |tx, oldest| {
            tx.sweep(("idempotency", "idempotency_key", "taken_at"), *oldest, SWEEP_ROWS).await
        }))
        .await
    }

    /// Writes as [`Store::write`] does, and in the same commit keeps the key of the call, if any,
    /// that this write carries out.
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
