//! The memory of requests already served, against replay.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use domain::Timestamp;

use crate::engine::Tx;
use crate::{Store, StoreError};

/// Most requests that an embedded store remembers at once. Requests are forgotten when
/// their signature's window ends, so this many arrive only under attack.
const MAX_REMEMBERED: usize = 250_000;
/// Expired rows that one request deletes at most, more than the one it adds.
const SWEEP_ROWS: i64 = 4;

/// Requests that this process remembers, in order of when they may be forgotten.
#[derive(Default)]
pub(crate) struct RequestMemory {
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    digests: HashSet<[u8; 32]>,
    by_end: BTreeSet<(Timestamp, [u8; 32])>,
}

impl RequestMemory {
    /// False if the request is remembered already.
    fn remember(
        &self,
        digest: [u8; 32],
        forget_at: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<bool, StoreError> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.forget_until(now);
        if remembered.digests.contains(&digest) {
            return Ok(false);
        }
        // To forget one too early would let it be replayed.
        if remembered.digests.len() >= limit {
            return Err(StoreError::Overloaded);
        }
        remembered.digests.insert(digest);
        remembered.by_end.insert((forget_at, digest));
        Ok(true)
    }
}

impl Remembered {
    fn forget_until(&mut self, now: Timestamp) {
        while let Some(&(end, digest)) = self.by_end.first()
            && end <= now
        {
            self.by_end.pop_first();
            self.digests.remove(&digest);
        }
    }
}

impl Store {
    /// Remembers a request by its digest until `forget_at` (real time); false if it is
    /// remembered already. Embedded: in this process's memory. PostgreSQL: a shared table.
    ///
    /// # Errors
    /// [`StoreError`]; `Overloaded` if the memory is full of requests not yet to be forgotten.
    pub async fn remember_request(
        &self,
        digest: [u8; 32],
        forget_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let now = self.clock().real_now();
        if self.is_embedded() {
            return self.inner.requests.remember(digest, forget_at, now, MAX_REMEMBERED);
        }
        self.write(move |tx| Box::pin(remember_in_table(tx, digest, forget_at, now))).await
    }
}

async fn remember_in_table(
    tx: &Tx,
    digest: [u8; 32],
    forget_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // What a crash of the server forgets is older than the signature's window soon after.
    tx.execute("SET LOCAL synchronous_commit = off", &[]).await?;
    let sweep = "DELETE FROM request_memory WHERE digest IN (SELECT digest FROM request_memory \
        WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
    tx.execute(sweep, &[now.into(), SWEEP_ROWS.into()]).await?;
    let insert = "INSERT INTO request_memory (digest, forget_at) VALUES ($1, $2) \
        ON CONFLICT (digest) DO NOTHING";
    let params = [digest.as_slice().into(), forget_at.into()];
    tx.execute(insert, &params).await.map(|count| count == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::default().plus_seconds(seconds)
    }

    #[test]
    fn a_request_is_refused_until_it_may_be_forgotten() {
        let memory = RequestMemory::default();
        assert!(memory.remember([1; 32], at(10), at(0), 10).unwrap());
        assert!(!memory.remember([1; 32], at(19), at(9), 10).unwrap());
        assert!(memory.remember([2; 32], at(10), at(9), 10).unwrap());
        assert!(memory.remember([1; 32], at(20), at(10), 10).unwrap());
    }

    #[test]
    fn a_full_memory_refuses_rather_than_forgets() {
        let memory = RequestMemory::default();
        for n in 0..3 {
            assert!(memory.remember([n; 32], at(10), at(0), 3).unwrap());
        }
        assert!(matches!(memory.remember([9; 32], at(10), at(1), 3), Err(StoreError::Overloaded)));
        assert!(!memory.remember([0; 32], at(10), at(1), 3).unwrap());
        assert!(memory.remember([9; 32], at(20), at(10), 3).unwrap());
    }
}
