//! What an app may have under way at once, so that one app's storm leaves threads and
//! connections to the others (DESIGN decision 7): its envelopes are opened one after the other, at
//! a bounded pace of blocks; few of its calls are handled at a time; few jobs of its answers stand in
//! the queue of the RSA threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::VmAppId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Blocks of an app that are decrypted in a second, on average.
const BLOCKS_PER_SECOND: u64 = 500;
/// Blocks that an app may have saved up: those of the largest body.
const MAX_SAVED_BLOCKS: u64 = 384;
/// Calls of an app between their arrival and their answer.
const MAX_UNDER_WAY: usize = 64;
/// Calls of an app that are handled at once: a few times that many apps share the store's
/// connections.
const MAX_HANDLED: usize = 4;
/// Jobs of an app's answers among those of the RSA threads.
const MAX_SEAL_JOBS: usize = 2;
/// Most apps remembered before idle ones are dropped.
const SWEEP_AT_APPS: usize = 10_000;

struct Account {
    /// One at a time.
    turn: Arc<Semaphore>,
    handling: Arc<Semaphore>,
    sealing: Arc<Semaphore>,
    /// Those under way.
    places: Arc<Semaphore>,
    /// When all that was spent is earned again.
    earned_at: Instant,
}

/// Every app's account.
#[derive(Default)]
pub(crate) struct Budget {
    accounts: Mutex<HashMap<VmAppId, Account>>,
}

/// A call's place among those of its app, until it is dropped.
pub(crate) struct Place {
    app: VmAppId,
    turn: Arc<Semaphore>,
    handling: Arc<Semaphore>,
    sealing: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

/// The right to open, to handle or to encrypt, until it is dropped.
pub(crate) struct Turn {
    // None if the semaphore were closed, which nobody does.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turn {
    async fn of(semaphore: &Arc<Semaphore>) -> Self {
        Self { _permit: Arc::clone(semaphore).acquire_owned().await.ok() }
    }
}

impl Place {
    /// Waits until the call's envelope may be read and decrypted.
    pub(crate) async fn opening(&self) -> Turn {
        Turn::of(&self.turn).await
    }

    /// Waits until the call may be handled.
    pub(crate) async fn handling(&self) -> Turn {
        Turn::of(&self.handling).await
    }

    /// Waits until a job of its answer may go to the RSA threads.
    pub(crate) async fn sealing(&self) -> Turn {
        Turn::of(&self.sealing).await
    }
}

impl Budget {
    /// A place for a call of an app; none if it has too many under way.
    pub(crate) fn place(&self, app: VmAppId) -> Option<Place> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= SWEEP_AT_APPS {
            let now = Instant::now();
            let is_idle = |it: &Account| it.places.available_permits() == MAX_UNDER_WAY;
            accounts.retain(|_, it| !is_idle(it) || it.earned_at > now);
        }
        let account = accounts.entry(app).or_insert_with(|| Account {
            turn: Arc::new(Semaphore::new(1)),
            handling: Arc::new(Semaphore::new(MAX_HANDLED)),
            sealing: Arc::new(Semaphore::new(MAX_SEAL_JOBS)),
            places: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
            earned_at: Instant::now(),
        });
        let place = Arc::clone(&account.places).try_acquire_owned().ok()?;
        Some(Place {
            app,
            turn: Arc::clone(&account.turn),
            handling: Arc::clone(&account.handling),
            sealing: Arc::clone(&account.sealing),
            _place: place,
        })
    }

    /// Waits until the app has earned the decryption of `blocks`.
    pub(crate) async fn earn(&self, place: &Place, blocks: u64) {
        let pause = self.spend(place.app, blocks, Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
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
        drop(budget.place(app));
        let now = Instant::now();
        assert_eq!(budget.spend(app, MAX_SAVED_BLOCKS, now), Duration::ZERO);
        assert!(budget.spend(app, BLOCKS_PER_SECOND, now) >= Duration::from_millis(999));
        let later = now + Duration::from_secs(60);
        assert_eq!(budget.spend(app, MAX_SAVED_BLOCKS, later), Duration::ZERO);
    }

    /// Whether a turn is given at once.
    async fn is_given(turn: impl Future<Output = Turn>) -> Option<Turn> {
        tokio::time::timeout(Duration::from_millis(20), turn).await.ok()
    }

    #[tokio::test]
    async fn an_app_has_so_many_calls_under_way_and_few_of_them_in_each_step() {
        let budget = Budget::default();
        let (app, other) = (VmAppId::from_i64(1), VmAppId::from_i64(2));
        let mut places: Vec<_> = (0..MAX_UNDER_WAY).filter_map(|_| budget.place(app)).collect();
        assert_eq!(places.len(), MAX_UNDER_WAY);
        assert!(budget.place(app).is_none());
        let elsewhere = budget.place(other).unwrap();

        let first = is_given(places[0].opening()).await.unwrap();
        assert!(is_given(places[1].opening()).await.is_none());
        assert!(is_given(elsewhere.opening()).await.is_some());
        drop(first);
        assert!(is_given(places[1].opening()).await.is_some());

        let mut handled = Vec::new();
        for place in &places[..MAX_HANDLED] {
            handled.push(is_given(place.handling()).await.unwrap());
        }
        assert!(is_given(places[MAX_HANDLED].handling()).await.is_none());
        assert!(is_given(elsewhere.handling()).await.is_some());

        let mut sealed = Vec::new();
        for place in &places[..MAX_SEAL_JOBS] {
            sealed.push(is_given(place.sealing()).await.unwrap());
        }
        assert!(is_given(places[MAX_SEAL_JOBS].sealing()).await.is_none());
        assert!(is_given(elsewhere.sealing()).await.is_some());

        places.pop();
        assert!(budget.place(app).is_some());
    }
}
