//! Writes that must not be reported as failed although they were committed.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::engine::{Operation, Tx, with};
use crate::error::OperationError;
use crate::{Store, StoreError};

/// The time for which a commit in doubt is looked into, less than clients of dialect 2 wait, and
/// the pause between two tries.
const DOUBT_DEADLINE: Duration = Duration::from_secs(20);
const DOUBT_PAUSE: Duration = Duration::from_millis(100);
/// The most such writes at once: far fewer than there are connections.
pub(crate) const CERTAIN_WRITES: usize = 8;
/// The longest wait of such a write for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest wait of such a write for a row.
const CERTAIN_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// One run, possibly of several, of such a write.
pub(crate) struct CertainRun<R> {
    /// The request.
    pub(crate) request: Arc<R>,
    /// True if an earlier run may have done it.
    pub(crate) is_in_doubt: bool,
}

impl Store {
    /// One run of [`Store::write_for_certain`]. A row that another session holds stops only these
    /// few connections, and none of them for long.
    async fn write_in_turn<R, T, E, F>(&self, run: CertainRun<R>, operation: F) -> Result<T, E>
    where
        R: Send + Sync + 'static,
        T: Any + Send,
        E: OperationError,
        F: for<'a> Operation<'a, CertainRun<R>, Result<T, E>> + Send + Sync + 'static,
    {
        // The embedded store has no other sessions, and one connection.
        let _turn = if self.is_embedded() {
            None
        } else {
            let turn = timeout(TURN_TIMEOUT, self.inner.certain_turns.acquire()).await;
            Some(turn.ok().and_then(Result::ok).ok_or(StoreError::Overloaded)?)
        };
        self.write_kept(with((run, operation), async |tx, (run, operation)| {
            if matches!(tx, Tx::Postgres(_)) {
                tx.execute(CERTAIN_LOCK_TIMEOUT, &[]).await?;
            }
            operation(tx, run).await
        }))
        .await
    }

    /// Writes what must not be reported as failed although it was committed: if the connection was
    /// lost during the commit, the operation is run again, in doubt. It then looks first for what
    /// it may have done, behind locks that the earlier run holds until it has ended. The key of the
    /// call that this write carries out is kept in the same commit. An outcome that is not found in
    /// time is reported as [`StoreError::InDoubt`], never as one after which nothing was done.
    pub(crate) async fn write_for_certain<R, T, E, F>(
        &self,
        request: R,
        operation: F,
    ) -> Result<T, E>
    where
        R: Send + Sync + 'static,
        T: Any + Send,
        E: OperationError,
        F: AsyncFn(&Tx, &CertainRun<R>) -> Result<T, E>
            + for<'a> Operation<'a, CertainRun<R>, Result<T, E>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        let request = Arc::new(request);
        let began = Instant::now();
        let mut is_in_doubt = false;
        loop {
            let run = CertainRun { request: Arc::clone(&request), is_in_doubt };
            let settled = self.write_in_turn(run, operation).await;
            match settled.as_ref().err().and_then(OperationError::below) {
                Some(StoreError::InDoubt(_)) => is_in_doubt = true,
                // Taken by an earlier run of this call, or by another call: the key shows what was
                // done.
                Some(StoreError::KeyTaken) => return settled,
                Some(_) if is_in_doubt => {}
                _ => return settled,
            }
            if began.elapsed() > DOUBT_DEADLINE {
                tracing::error!("the outcome of a commit is unknown, and is reported so");
                // Whatever stopped the last run: an earlier one may have written.
                return Err(
                    StoreError::InDoubt("a commit's outcome was not found".to_owned()).into()
                );
            }
            tokio::time::sleep(DOUBT_PAUSE).await;
        }
    }
}
