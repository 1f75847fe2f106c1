//! Limits on what an app may have under way at once, so a burst from one app leaves threads and
//! connections to the others (docs/decisions/003-rsa-decryption.md): its large bodies are read,
//! and its envelopes opened, one after the other, at a bounded pace of blocks; few of its calls
//! are handled at a time; few jobs of its answers wait in the queue of the RSA threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::VmAppId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The pace at which blocks of an app are decrypted: 500 in a second, on average.
const BLOCK_INTERVAL: Duration = Duration::from_millis(2);
/// Blocks that an app may have saved up: those of the largest body.
const MAX_SAVED_BLOCKS: u32 = 384;
/// Calls of an app between their arrival and their answer.
const MAX_UNDER_WAY: usize = 64;
/// Longest wait of a large body for those before it.
const LARGE_BODY_WAIT: Duration = Duration::from_secs(5);
/// Calls of an app that are handled at once: a few times that many apps share the store's
/// connections.
const MAX_HANDLED: usize = 4;
/// Jobs of an app's answers among those of the RSA threads.
const MAX_SEAL_JOBS: usize = 2;
/// The time that a caller that asks too much waits for its refusal: otherwise callers that ask
/// again at once would keep the processors busy with refusals.
const REFUSAL_PAUSE: Duration = Duration::from_millis(200);
/// The time between two refusals of an app, so its callers do not all return at the same moment.
const REFUSAL_INTERVAL: Duration = Duration::from_millis(10);
/// Longest wait for a refusal, however many there are.
const MAX_REFUSAL_PAUSE: Duration = Duration::from_secs(2);
/// Most apps remembered before idle ones are dropped.
const SWEEP_AT_APPS: usize = 10_000;

struct Account {
    /// One at a time.
    large_body: Arc<Semaphore>,
    /// One at a time.
    turn: Arc<Semaphore>,
    handling: Arc<Semaphore>,
    sealing: Arc<Semaphore>,
    /// Those under way.
    places: Arc<Semaphore>,
    /// The time when all spending is earned again.
    earned_at: Instant,
    /// The time when the last caller that asked too much gets its refusal.
    refused_at: Instant,
}

impl Account {
    fn new(now: Instant) -> Self {
        Self {
            large_body: Arc::new(Semaphore::new(1)),
            turn: Arc::new(Semaphore::new(1)),
            handling: Arc::new(Semaphore::new(MAX_HANDLED)),
            sealing: Arc::new(Semaphore::new(MAX_SEAL_JOBS)),
            places: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
            earned_at: now,
            refused_at: now,
        }
    }
}

/// Every app's account.
#[derive(Default)]
pub(crate) struct Budget {
    accounts: Mutex<HashMap<VmAppId, Account>>,
}

/// A call's place among those of its app, until it is dropped.
pub(crate) struct Place {
    app: VmAppId,
    large_body: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    handling: Arc<Semaphore>,
    sealing: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

/// The right to read, to open, to handle or to encrypt, until it is dropped.
pub(crate) struct Turn {
    // `None` only if the semaphore were closed, which never happens.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turn {
    async fn of(semaphore: &Arc<Semaphore>) -> Self {
        Self { _permit: Arc::clone(semaphore).acquire_owned().await.ok() }
    }
}

impl Place {
    /// Waits until the call's large body may be read; `None` if that takes too long. The right is
    /// kept until the body is opened, so an app has one large body in memory, and a slow one
    /// delays only other large ones while there are places.
    pub(crate) async fn large_body(&self) -> Option<Turn> {
        tokio::time::timeout(LARGE_BODY_WAIT, Turn::of(&self.large_body)).await.ok()
    }

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
    /// A place for a call of an app; `None` if it has too many under way.
    pub(crate) fn place(&self, app: VmAppId) -> Option<Place> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= SWEEP_AT_APPS {
            let now = Instant::now();
            let is_idle = |it: &Account| it.places.available_permits() == MAX_UNDER_WAY;
            accounts.retain(|_, it| !is_idle(it) || it.earned_at > now);
        }
        let account = accounts.entry(app).or_insert_with(|| Account::new(Instant::now()));
        let place = Arc::clone(&account.places).try_acquire_owned().ok()?;
        Some(Place {
            app,
            large_body: Arc::clone(&account.large_body),
            turn: Arc::clone(&account.turn),
            handling: Arc::clone(&account.handling),
            sealing: Arc::clone(&account.sealing),
            _place: place,
        })
    }

    /// The time that an app's caller that asks too much waits for its refusal.
    pub(crate) fn refusal_pause(&self, app: VmAppId, now: Instant) -> Duration {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = accounts.get_mut(&app) else { return REFUSAL_PAUSE };
        let next = account.refused_at + REFUSAL_INTERVAL;
        account.refused_at = next.clamp(now + REFUSAL_PAUSE, now + MAX_REFUSAL_PAUSE);
        account.refused_at - now
    }

    /// Waits until the app has earned the decryption of a block.
    pub(crate) async fn earn_block(&self, place: &Place) {
        let pause = self.spend_block(place.app, Instant::now());
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    /// Spends a block; returns the wait until it is earned.
    fn spend_block(&self, app: VmAppId, now: Instant) -> Duration {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(account) = accounts.get_mut(&app) else { return Duration::ZERO };
        account.earned_at = account.earned_at.max(now) + BLOCK_INTERVAL;
        account.earned_at.saturating_duration_since(now + BLOCK_INTERVAL * MAX_SAVED_BLOCKS)
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
        for saved_up_at in [now, now + Duration::from_secs(60)] {
            for _ in 0..MAX_SAVED_BLOCKS {
                assert_eq!(budget.spend_block(app, saved_up_at), Duration::ZERO);
            }
            assert_eq!(budget.spend_block(app, saved_up_at), BLOCK_INTERVAL);
            assert_eq!(budget.spend_block(app, saved_up_at), 2 * BLOCK_INTERVAL);
        }
    }

    #[tokio::test]
    async fn refusals_of_an_app_are_spread() {
        let budget = Budget::default();
        let app = VmAppId::from_i64(1);
        drop(budget.place(app));
        let now = Instant::now();
        let pauses: Vec<_> = (0..1_000).map(|_| budget.refusal_pause(app, now)).collect();
        assert_eq!(pauses[0], REFUSAL_PAUSE);
        assert_eq!(pauses[16], REFUSAL_PAUSE + 16 * REFUSAL_INTERVAL);
        assert_eq!(pauses[999], MAX_REFUSAL_PAUSE);
        let later = now + 2 * MAX_REFUSAL_PAUSE;
        assert_eq!(budget.refusal_pause(app, later), REFUSAL_PAUSE);
    }

    #[tokio::test]
    async fn large_bodies_of_an_app_are_read_one_after_the_other() {
        let budget = Budget::default();
        let (app, other) = (VmAppId::from_i64(1), VmAppId::from_i64(2));
        let places = [app, app, other].map(|app| budget.place(app).unwrap());
        let first = places[0].large_body().await.unwrap();
        assert!(is_given(places[1].large_body()).await.is_none());
        assert!(places[2].large_body().await.is_some());
        drop(first);
        assert!(places[1].large_body().await.is_some());
    }

    /// The turn, if it is given at once.
    async fn is_given<T>(turn: impl Future<Output = T>) -> Option<T> {
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
