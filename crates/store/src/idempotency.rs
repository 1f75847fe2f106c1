//! Answers kept for an Idempotency-Key, of the operator API and of dialect 2.

use domain::Timestamp;

use crate::engine::Tx;
use crate::{Store, StoreError};

/// How long a request may stay unanswered before its key can be taken again: its
/// process has died, or it would have been answered long ago.
const UNANSWERED_MS: i64 = 60_000;
/// How long an answer is kept.
const KEPT_MS: i64 = 24 * 3_600_000;
/// Expired keys that one request sweeps at most.
const SWEEP_ROWS: i64 = 100;

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyState {
    /// It was free and is now taken by this request.
    New,
    /// The first request with it is not answered yet.
    InProgress,
    /// It was used with another request.
    Mismatch,
    /// The first request was answered so.
    Answered {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Vec<u8>,
    },
}

impl Store {
    /// Takes an idempotency key for a request with this digest, or tells what is known of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_idempotent(
        &self,
        key: &str,
        digest: [u8; 32],
    ) -> Result<IdempotencyState, StoreError> {
        let (key, now) = (key.to_owned(), self.clock().real_now());
        self.write(move |tx| {
            let key = key.clone();
            Box::pin(async move { begin(tx, &key, &digest, now).await })
        })
        .await
    }

    /// Keeps the answer of the request that took the key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finish_idempotent(
        &self,
        key: &str,
        status: u16,
        body: &[u8],
    ) -> Result<(), StoreError> {
        let (key, body) = (key.to_owned(), body.to_owned());
        self.write(move |tx| {
            let (key, body) = (key.clone(), body.clone());
            Box::pin(async move {
                let sql = "UPDATE idempotency SET status = $1, body = $2 \
                    WHERE idempotency_key = $3 AND status IS NULL";
                let params = [status.into(), body.into(), key.into()];
                tx.execute(sql, &params).await.map(|_| ())
            })
        })
        .await
    }

    /// Frees a key whose request failed or whose answer must not be kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_idempotent(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.write(move |tx| {
            let key = key.clone();
            Box::pin(async move {
                let sql = "DELETE FROM idempotency WHERE idempotency_key = $1";
                tx.execute(sql, &[key.into()]).await.map(|_| ())
            })
        })
        .await
    }
}

async fn begin(
    tx: &Tx,
    key: &str,
    digest: &[u8],
    now: Timestamp,
) -> Result<IdempotencyState, StoreError> {
    sweep(tx, now).await?;
    // A key whose request was never answered, or whose answer has aged, starts anew.
    let take = "INSERT INTO idempotency (idempotency_key, digest, taken_at) VALUES ($1, $2, $3) \
        ON CONFLICT (idempotency_key) DO UPDATE \
        SET digest = excluded.digest, taken_at = excluded.taken_at, status = NULL, body = NULL \
        WHERE idempotency.taken_at <= $4 \
        OR (idempotency.status IS NULL AND idempotency.taken_at <= $5)";
    let params = [
        key.into(),
        digest.into(),
        now.into(),
        now.plus_millis(-KEPT_MS).into(),
        now.plus_millis(-UNANSWERED_MS).into(),
    ];
    if tx.execute(take, &params).await? == 1 {
        return Ok(IdempotencyState::New);
    }
    let known = "SELECT digest, status, body FROM idempotency WHERE idempotency_key = $1";
    let Some(row) = tx.query_opt(known, &[key.into()]).await? else {
        // Freed by its request between the two statements.
        return Err(StoreError::Conflict("idempotency key".to_owned()));
    };
    if row.bytes(0)? != digest {
        return Ok(IdempotencyState::Mismatch);
    }
    let Some(status) = row.opt_int(1)? else { return Ok(IdempotencyState::InProgress) };
    let status = u16::try_from(status).map_err(|_| StoreError::Corrupt("idempotency.status"))?;
    Ok(IdempotencyState::Answered { status, body: row.bytes(2)? })
}

async fn sweep(tx: &Tx, now: Timestamp) -> Result<(), StoreError> {
    let sql = "DELETE FROM idempotency WHERE idempotency_key IN \
        (SELECT idempotency_key FROM idempotency WHERE taken_at <= $1 ORDER BY taken_at LIMIT $2)";
    let params = [now.plus_millis(-KEPT_MS).into(), SWEEP_ROWS.into()];
    tx.execute(sql, &params).await.map(|_| ())
}
