//! What an app may spend of the RSA threads: its blocks are decrypted one after the other,
//! at a bounded pace, so that one app's storm leaves the threads to the others
//! (DESIGN decision 7).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::VmAppId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Blocks of an app that are decrypted in a second, on average.
const BLOCKS_PER_SECOND: u64 = 500;
/// Blocks that an app may have saved up: two of the largest bodies.
const MAX_SAVED_BLOCKS: u64 = 1_024;
/// Requests of an app that wait for their turn.
const MAX_WAITING: usize = 64;
/// Most apps remembered before idle ones are dropped.
const SWEEP_AT_APPS: usize = 10_000;

struct Account {
    /// One at a time.
    turn: Arc<Semaphore>,
    /// Those who have or want the turn.
    places: Arc<Semaphore>,
    /// When all that was spent is earned again.
    earned_at: Instant,
}

/// Every app's account of blocks.
#[derive(Default)]
pub(crate) struct Budget {
    accounts: Mutex<HashMap<VmAppId, Account>>,
}

/// The right to decrypt, until it is dropped.
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Budget {
    /// Waits for the app's turn and until it has earned `blocks`; none if too many wait.
    pub(crate) async fn turn(&self, app: VmAppId, blocks: u64) -> Option<Turn> {
        let (turn, places) = self.semaphores(app);
        let place = places.try_acquire_owned().ok()?;
        let turn = turn.acquire_owned().await.ok()?;
        let pause = self.spend(app, blocks, Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Some(Turn { _turn: turn, _place: place })
    }

    fn semaphores(&self, app: VmAppId) -> (Arc<Semaphore>, Arc<Semaphore>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= SWEEP_AT_APPS {
            accounts.retain(|_, it| it.places.available_permits() < MAX_WAITING);
        }
        let account = accounts.entry(app).or_insert_with(|| Account {
            turn: Arc::new(Semaphore::new(1)),
            places: Arc::new(Semaphore::new(MAX_WAITING)),
            earned_at: Instant::now(),
        });
        (Arc::clone(&account.turn), Arc::clone(&account.places))
    }

    /// Spends blocks; how long to wait until they are earned.
    fn spend(&self, app: VmAppId, blocks: u64, now: Instant) -> Duration {
        let cost = |blocks: u64| Duration::from_micros(blocks * 1_000_000 / BLOCKS_PER_SECOND);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = accounts.get_mut(&app) else { return Duration::ZERO };
        account.earned_at = account.earned_at.max(now) + cost(blocks);
        account.earned_at.saturating_duration_since(now + cost(MAX_SAVED_BLOCKS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_saved_up_is_free_and_then_the_pace_counts() {
        let budget = Budget::default();
        let app = VmAppId::from_i64(1);
        drop(budget.turn(app, 0).await);
        let now = Instant::now();
        assert_eq!(budget.spend(app, MAX_SAVED_BLOCKS, now), Duration::ZERO);
        assert!(budget.spend(app, BLOCKS_PER_SECOND, now) >= Duration::from_millis(999));
        let later = now + Duration::from_secs(60);
        assert_eq!(budget.spend(app, MAX_SAVED_BLOCKS, later), Duration::ZERO);
    }

    #[tokio::test]
    async fn an_app_has_one_turn_and_so_many_waiting() {
        let budget = Arc::new(Budget::default());
        let app = VmAppId::from_i64(1);
        let first = budget.turn(app, 1).await;
        assert!(first.is_some());
        let mut waiting = Vec::new();
        for _ in 1..MAX_WAITING {
            let budget = Arc::clone(&budget);
            waiting.push(tokio::spawn(async move { budget.turn(app, 1).await.is_some() }));
            tokio::task::yield_now().await;
        }
        assert!(budget.turn(app, 1).await.is_none());
        assert!(budget.turn(VmAppId::from_i64(2), 1).await.is_some());
        drop(first);
        for turn in waiting {
            assert!(turn.await.unwrap());
        }
    }
}
