//! Ends what a process left behind that does not come back: each live process looks for it, so no
//! hold depends on one process (decision 020, A).

use std::collections::HashMap;
use std::time::Duration;

use domain::{AuthId, Cause};
use store::{Store, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::vm::VmSettings;

use crate::decline::{decline, may_pass};
use crate::request::AuthoriseError;

/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_secs(2);
/// What processes of the version before wrote is taken over with every so many looks.
const LOOKS_AN_ADOPTION: u32 = 15;
/// Authorisations read at a time.
const BATCH: u32 = 200;
/// Authorisations declined at once.
const MAX_AT_ONCE: usize = 16;
/// Pause before one that could not be declined is tried again.
const FAILURE_PAUSE: Duration = Duration::from_secs(60);
/// Most authorisations that wait for that; beyond it, all are tried again.
const MAX_FAILED: usize = 10_000;

/// Looks for authorisations that nobody will decide, and for answers that nobody will note.
pub(crate) struct LeftBehind {
    store: Store,
    vm_settings: Option<VmSettings>,
    /// Those that could not be declined, and when they are tried again.
    failed: HashMap<AuthId, Instant>,
    looks: u32,
}

impl LeftBehind {
    pub(crate) fn new(store: Store, vm_settings: Option<VmSettings>) -> Self {
        Self { store, vm_settings, failed: HashMap::new(), looks: 0 }
    }

    /// Looks again and again until `stopped` turns true.
    pub(crate) async fn keep_looking(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(LOOK_PAUSE) => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "what dead processes left behind was not looked for");
            }
        }
    }

    async fn look(&mut self) -> Result<(), AuthoriseError> {
        let now = Instant::now();
        self.failed.retain(|_, again_at| *again_at > now);
        let mut last = AuthId::from_i64(0);
        loop {
            let mut batch = self.store.abandoned_authorisations(last, BATCH).await?;
            let Some(end) = batch.last() else { break };
            last = *end;
            batch.retain(|auth_id| !self.failed.contains_key(auth_id));
            self.decline_all(batch).await?;
        }
        self.adopt_older().await?;
        Ok(self.store.forget_answers_of_dead_processes().await?)
    }

    /// Now and then takes over what processes of the version before wrote.
    async fn adopt_older(&mut self) -> Result<(), StoreError> {
        self.looks = self.looks.wrapping_add(1);
        while self.looks.is_multiple_of(LOOKS_AN_ADOPTION) && self.store.adopt_older().await? > 0 {}
        Ok(())
    }

    /// Ends early if the store is away: the next look goes on.
    async fn decline_all(&mut self, batch: Vec<AuthId>) -> Result<(), AuthoriseError> {
        let (mut waiting, mut running) = (batch.into_iter(), JoinSet::new());
        loop {
            for auth_id in waiting.by_ref().take(MAX_AT_ONCE - running.len()) {
                let (store, settings) = (self.store.clone(), self.vm_settings);
                running.spawn(async move {
                    // In a separate task: a panic must not end the look.
                    let declining =
                        async move { decline(&store, settings, auth_id, Cause::Abandoned).await };
                    let declined = tokio::spawn(declining).await;
                    (auth_id, declined.unwrap_or(Err(AuthoriseError::BrokenOff)))
                });
            }
            let Some(Ok((auth_id, declined))) = running.join_next().await else { return Ok(()) };
            match declined {
                Ok(it) if it.cause == Some(Cause::Abandoned) => {
                    tracing::warn!(%auth_id, "declined: its process left it undecided");
                }
                // Another process was first.
                Ok(_) => {}
                Err(error) if may_pass(&error) => return Err(error),
                Err(error) => self.try_again_later(auth_id, &error),
            }
        }
    }

    fn try_again_later(&mut self, auth_id: AuthId, error: &AuthoriseError) {
        tracing::error!(%auth_id, %error, "abandoned and still undecided");
        if self.failed.len() >= MAX_FAILED {
            self.failed.clear();
        }
        self.failed.insert(auth_id, Instant::now() + FAILURE_PAUSE);
    }
}
