//! Writes that must not be told to have failed while they stand.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::engine::{BoxFuture, Tx};
use crate::{Store, StoreError};

/// How long the end of a commit in doubt is looked for, less than clients of dialect 2 wait,
/// and the pause between two tries.
const DOUBT_DEADLINE: Duration = Duration::from_secs(20);
const DOUBT_PAUSE: Duration = Duration::from_millis(100);
/// Writes at once that must be certain: far fewer than there are connections.
pub(crate) const CERTAIN_WRITES: usize = 8;
/// Longest wait for a turn among them.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one of them waits for a row.
const CERTAIN_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

impl Store {
    /// One run of [`Store::write_for_certain`]. A row that another session holds stops its own
    /// few connections only, and none of them for long.
    async fn write_in_turn<T, E, F>(&self, operation: Arc<F>, is_in_doubt: bool) -> Result<T, E>
    where
        T: Any + Send,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx, bool) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        // The embedded store has no other sessions, and one connection.
        let _turn = if self.is_embedded() {
            None
        } else {
            let turn = timeout(TURN_TIMEOUT, self.inner.certain_turns.acquire()).await;
            Some(turn.ok().and_then(Result::ok).ok_or(StoreError::Overloaded)?)
        };
        self.write_kept(move |tx| {
            let operation = Arc::clone(&operation);
            Box::pin(async move {
                if matches!(tx, Tx::Postgres(_)) {
                    tx.execute(CERTAIN_LOCK_TIMEOUT, &[]).await?;
                }
                operation(tx, is_in_doubt).await
            })
        })
        .await
    }

    /// Writes what must not be told to have failed while it stands: where the connection was
    /// lost during the commit, the operation is run again and told so. It then looks first for
    /// what it may have done, behind locks that the earlier run holds until it has ended. The
    /// key of the call that this is the business of is kept in the same commit.
    /// `below` finds what failed below the operation's own rules.
    pub(crate) async fn write_for_certain<T, E, F>(
        &self,
        below: fn(&E) -> Option<&StoreError>,
        operation: F,
    ) -> Result<T, E>
    where
        T: Any + Send,
        E: From<StoreError> + Send + 'static,
        F: for<'a> Fn(&'a Tx, bool) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let operation = Arc::new(operation);
        let began = Instant::now();
        let mut is_in_doubt = false;
        loop {
            let settled = self.write_in_turn(Arc::clone(&operation), is_in_doubt).await;
            match settled.as_ref().err().and_then(below) {
                Some(StoreError::InDoubt(_)) => is_in_doubt = true,
                // By this one's earlier run, or by another: what it did is told by the key.
                Some(StoreError::KeyTaken) => return settled,
                Some(_) if is_in_doubt => {}
                _ => return settled,
            }
            if began.elapsed() > DOUBT_DEADLINE {
                tracing::error!("what became of a commit is not known; it is told as failed");
                return settled;
            }
            tokio::time::sleep(DOUBT_PAUSE).await;
        }
    }
}
