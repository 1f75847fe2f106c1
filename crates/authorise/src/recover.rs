//! What a crash left without a decision is declined (operator-and-sandbox.md section 5).

use std::sync::Arc;
use std::time::Duration;

use domain::AuthId;
use store::{MoneyError, Store, WritesUnderWay};
use wire::vm::VmSettings;

use crate::decline::{CRASH, decline};
use crate::request::AuthoriseError;
use crate::settle;
use crate::undecided::Undecided;

/// Authorisations read at a time.
const BATCH: u32 = 200;
/// Pauses between looks for holds that a commit of the last process still brings.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What the last process under this node number may have left undecided.
pub(crate) struct Recovery {
    store: Store,
    vm_settings: Option<VmSettings>,
    undecided: Arc<Undecided>,
    /// Whatever is begun from here on is this process's own.
    first_own: AuthId,
    /// The writes that a hold of the last process may be among.
    writes: WritesUnderWay,
}

impl Recovery {
    pub(crate) async fn new(
        store: Store,
        vm_settings: Option<VmSettings>,
        undecided: Arc<Undecided>,
    ) -> Result<Self, AuthoriseError> {
        let writes = store.writes_under_way().await?;
        let first_own = AuthId::from_i64(store.ids().next());
        Ok(Self { store, vm_settings, undecided, first_own, writes })
    }

    /// Declines what is there, and goes on looking in the background where a write of the last
    /// process may still end; how many there were.
    pub(crate) async fn run(self) -> Result<usize, AuthoriseError> {
        let (recovered, is_over) = self.round().await?;
        if !is_over {
            tokio::spawn(self.go_on());
        }
        Ok(recovered)
    }

    async fn go_on(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            match self.round().await {
                Ok((_, true)) => return,
                Ok((_, false)) => {}
                Err(error) => {
                    tracing::error!(%error, "what was left undecided is looked for again")
                }
            }
        }
    }

    /// Declines what is there; whether no more can come.
    async fn round(&self) -> Result<(usize, bool), AuthoriseError> {
        let is_over = self.store.writes_under_way().await?.have_ended_since(self.writes);
        let (mut recovered, mut last) = (0, AuthId::from_i64(0));
        loop {
            let batch = self.store.undecided_authorisations(last, self.first_own, BATCH).await?;
            let Some(end) = batch.last() else { return Ok((recovered, is_over)) };
            last = *end;
            for auth_id in batch {
                recovered += usize::from(self.decline(auth_id).await?);
            }
        }
    }

    /// Whether it is declined. What passes is an error; one that cannot be read, or that the
    /// ledger does not give back, stops no start and is tried again.
    async fn decline(&self, auth_id: AuthId) -> Result<bool, AuthoriseError> {
        match decline(&self.store, self.vm_settings, auth_id, CRASH).await {
            Ok(()) => {
                tracing::warn!(%auth_id, "decided after a crash");
                Ok(true)
            }
            Err(error) if may_pass(&error) => Err(error),
            Err(error) => {
                tracing::error!(%auth_id, %error, "undecided after a crash, and tried again");
                self.undecided.decline_later(auth_id);
                Ok(false)
            }
        }
    }
}

const fn may_pass(error: &AuthoriseError) -> bool {
    match error {
        AuthoriseError::Store(error) | AuthoriseError::Money(MoneyError::Store(error)) => {
            settle::may_pass(error)
        }
        _ => false,
    }
}
