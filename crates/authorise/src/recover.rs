//! Declines authorisations that a crash left undecided (operator-and-sandbox.md section 5).

use std::sync::Arc;
use std::time::Duration;

use domain::{AuthId, Cause};
use store::{Store, WritesUnderWay};
use wire::vm::VmSettings;

use crate::decline::{decline, may_pass};
use crate::request::AuthoriseError;
use crate::undecided::Undecided;

/// Authorisations read at a time.
const BATCH: u32 = 200;
/// Pauses between two looks for holds that a commit of the previous process may still bring.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Authorisations that the previous process under this node number may have left undecided.
pub(crate) struct Recovery {
    store: Store,
    vm_settings: Option<VmSettings>,
    undecided: Arc<Undecided>,
    /// The first id of this process: any authorisation from here on is its own.
    first_own: AuthId,
    /// The writes that may include a hold of the previous process.
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

    /// Declines what is there, and keeps looking in the background while a write of the previous
    /// process may still end; returns how many there were.
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

    /// Declines what is there; also returns whether no more can come.
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

    /// True if it is declined. A temporary failure is an error; an authorisation that cannot be
    /// read, or whose hold the ledger cannot release, does not prevent the start and is tried
    /// again.
    async fn decline(&self, auth_id: AuthId) -> Result<bool, AuthoriseError> {
        match decline(&self.store, self.vm_settings, auth_id, Cause::Crash).await {
            Ok(_) => {
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
