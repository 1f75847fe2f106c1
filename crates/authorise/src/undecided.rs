//! Authorisations for which it is uncertain whether their hold or decision was written: declined as
//! soon as the store accepts it, however long that takes. Their callers got no answer, and their
//! holds must not wait for a restart.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::AuthId;
use store::{MoneyError, Store, StoreError, WritesUnderWay};
use wire::vm::VmSettings;

use crate::decline::{Declined, decline_unwritten};
use crate::request::AuthoriseError;

/// Pause before the first try; each failure doubles it, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Most authorisations that are remembered (32 bytes each); the next start declines any others.
const MAX_WAITING: usize = 1_000_000;

/// Declines one authorisation.
type Decline = Box<dyn Fn(Doubtful) -> Declining + Send + Sync>;
type Declining = Pin<Box<dyn Future<Output = Result<Declined, AuthoriseError>> + Send>>;

/// An authorisation that is to be declined.
#[derive(Clone, Copy)]
struct Doubtful {
    auth_id: AuthId,
    /// The writes that may include its hold, if the hold was not found.
    may_come: Option<WritesUnderWay>,
}

/// Authorisations to be declined, and the single task that declines them.
pub(crate) struct Undecided {
    decline: Decline,
    /// The first pause and the longest.
    pauses: (Duration, Duration),
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    doubtful: VecDeque<Doubtful>,
    is_worked_on: bool,
}

impl Undecided {
    pub(crate) fn new(store: Store, vm_settings: Option<VmSettings>) -> Arc<Self> {
        let decline = move |Doubtful { auth_id, may_come }| -> Declining {
            let store = store.clone();
            Box::pin(async move { decline_unwritten(&store, vm_settings, auth_id, may_come).await })
        };
        Self::over(Box::new(decline), (FIRST_PAUSE, LONGEST_PAUSE))
    }

    fn over(decline: Decline, pauses: (Duration, Duration)) -> Arc<Self> {
        Arc::new(Self { decline, pauses, waiting: Mutex::default() })
    }

    /// A hold for which the store reported a failure may still have been taken, if the result of
    /// the commit never arrived.
    pub(crate) fn doubt(self: &Arc<Self>, auth_id: AuthId, error: &MoneyError) {
        if let MoneyError::Store(error) = error
            && may_be_written(error)
        {
            self.decline_later(auth_id);
        }
    }

    /// Declines an authorisation later, if it exists at all.
    pub(crate) fn decline_later(self: &Arc<Self>, auth_id: AuthId) {
        let mut waiting = self.lock();
        if waiting.doubtful.len() >= MAX_WAITING {
            return tracing::error!(%auth_id, "undecided until the next start: too many are");
        }
        waiting.doubtful.push_back(Doubtful { auth_id, may_come: None });
        if !std::mem::replace(&mut waiting.is_worked_on, true) {
            let own = Arc::clone(self);
            tokio::spawn(async move { own.work().await });
        }
    }

    async fn work(&self) {
        let (first, longest) = self.pauses;
        let mut pause = first;
        loop {
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
            if self.round().await {
                pause = first;
            }
            let mut waiting = self.lock();
            if waiting.doubtful.is_empty() {
                waiting.is_worked_on = false;
                return;
            }
        }
    }

    /// Tries all that wait, up to the first failure; returns whether any was finished.
    async fn round(&self) -> bool {
        let mut is_any_done = false;
        let count = self.lock().doubtful.len();
        for _ in 0..count {
            let Some(one) = self.lock().doubtful.pop_front() else { break };
            let auth_id = one.auth_id;
            // In a separate task: a panic must not end the single task that all the others wait
            // for.
            let declined = tokio::spawn((self.decline)(one)).await;
            match declined.unwrap_or(Err(AuthoriseError::BrokenOff)) {
                Ok(Declined::Done) => {
                    tracing::warn!(%auth_id, "decided once the store worked again")
                }
                Ok(Declined::NotThere) => {}
                Ok(Declined::MayCome(writes)) => {
                    let again = Doubtful { auth_id, may_come: Some(writes) };
                    self.lock().doubtful.push_back(again);
                    continue;
                }
                Err(error) => {
                    tracing::error!(%auth_id, %error, "still undecided");
                    // To the back: one that cannot be decided must not keep others waiting.
                    self.lock().doubtful.push_back(one);
                    break;
                }
            }
            is_any_done = true;
        }
        is_any_done
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// True if a write that failed like this may still have happened.
const fn may_be_written(error: &StoreError) -> bool {
    match error {
        StoreError::Engine(_) | StoreError::InDoubt(_) | StoreError::Overloaded => true,
        StoreError::Away(_)
        | StoreError::Conflict(_)
        | StoreError::Locked(_)
        | StoreError::Duplicate(_)
        | StoreError::KeyTaken
        | StoreError::Denied(_)
        | StoreError::Corrupt(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// More attempts than fit in an hour at the first pause.
    const FAILURES: u32 = 1_801;
    const PAUSES: (Duration, Duration) = (Duration::from_micros(1), Duration::from_micros(4));

    async fn until(came: impl Fn() -> bool) {
        let began = std::time::Instant::now();
        while !came() {
            assert!(began.elapsed() < Duration::from_secs(120), "it was given up");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn a_decline_is_retried_however_long_the_store_fails() {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let decline = move |_| -> Declining {
            let is_broken = counted.fetch_add(1, Ordering::SeqCst) < FAILURES;
            let failed = Err(AuthoriseError::Store(store::StoreError::Overloaded));
            Box::pin(async move { if is_broken { failed } else { Ok(Declined::Done) } })
        };
        let undecided = Undecided::over(Box::new(decline), PAUSES);
        undecided.decline_later(AuthId::from_i64(1));
        until(|| undecided.lock().doubtful.is_empty() && !undecided.lock().is_worked_on).await;
        assert_eq!(tries.load(Ordering::SeqCst), FAILURES + 1);
        // Work added after a rest is picked up again.
        undecided.decline_later(AuthId::from_i64(2));
        until(|| tries.load(Ordering::SeqCst) == FAILURES + 2).await;
    }

    #[tokio::test]
    async fn one_that_cannot_be_decided_delays_no_other() {
        let declined = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&declined);
        let decline = move |one: Doubtful| -> Declining {
            let seen = Arc::clone(&seen);
            Box::pin(async move {
                match one.auth_id.as_i64() {
                    1 => return Err(AuthoriseError::Store(store::StoreError::Overloaded)),
                    2 if !seen.lock().unwrap().contains(&3) => panic!("the first time"),
                    _ => {}
                }
                seen.lock().unwrap().push(one.auth_id.as_i64());
                Ok(Declined::Done)
            })
        };
        let undecided = Undecided::over(Box::new(decline), PAUSES);
        (1..=4).for_each(|id| undecided.decline_later(AuthId::from_i64(id)));
        until(|| *declined.lock().unwrap() == [3, 4, 2]).await;
    }

    #[tokio::test]
    async fn a_hold_that_may_still_arrive_is_looked_for_again() {
        let directory = tempfile::tempdir().unwrap();
        let clock = domain::Clock::system();
        let ids = Arc::new(domain::IdGenerator::new(clock.clone(), 1));
        let location = store::Location::Sqlite(directory.path().join("store.db"));
        let store = Store::open(location, clock, ids).await.unwrap();
        let writes = store.writes_under_way().await.unwrap();
        let tries = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&tries);
        let decline = move |one: Doubtful| -> Declining {
            let mut seen = seen.lock().unwrap();
            seen.push((one.auth_id.as_i64(), one.may_come.is_some()));
            let declined = match (one.auth_id.as_i64(), seen.len()) {
                (1, ..6) => Declined::MayCome(writes),
                (1, _) => Declined::Done,
                _ => Declined::NotThere,
            };
            Box::pin(std::future::ready(Ok(declined)))
        };
        let undecided = Undecided::over(Box::new(decline), PAUSES);
        (1..=2).for_each(|id| undecided.decline_later(AuthId::from_i64(id)));
        until(|| !undecided.lock().is_worked_on).await;
        let again = (1, true);
        assert_eq!(*tries.lock().unwrap(), [(1, false), (2, false), again, again, again, again]);
        store.close().await;
    }
}
