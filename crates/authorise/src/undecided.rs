//! Authorisations whose hold or decision could not be written for certain: declined as soon
//! as the store takes it, however long that is. Their callers went without an answer, and
//! their holds must not wait for a restart.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::AuthId;
use store::{MoneyError, Store, StoreError};

use crate::authoriser::Authoriser;
use crate::notice::Teller;
use crate::recover::decline_unwritten;
use crate::request::AuthoriseError;

/// Pause before the first try; each failure doubles it, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Most authorisations that are remembered (8 bytes each); the next start declines more.
const MAX_WAITING: usize = 1_000_000;

/// Declines one authorisation.
type Decline = Box<dyn Fn(AuthId) -> Declining + Send + Sync>;
type Declining = Pin<Box<dyn Future<Output = Result<(), AuthoriseError>> + Send>>;

/// What is to be declined, and the one task that does it.
pub(crate) struct Undecided {
    decline: Decline,
    /// The first pause and the longest.
    pauses: (Duration, Duration),
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    ids: VecDeque<AuthId>,
    is_worked_on: bool,
}

impl Authoriser {
    /// A hold of which the store told a failure may have been taken all the same, where the
    /// end of the commit was not heard of.
    pub(crate) fn doubt(&self, auth_id: AuthId, error: &MoneyError) {
        let is_nothing_written = matches!(error, MoneyError::Store(StoreError::KeyTaken));
        if !is_nothing_written && matches!(error, MoneyError::Store(_)) {
            self.undecided.decline_later(auth_id);
        }
    }
}

impl Undecided {
    pub(crate) fn new(store: Store, teller: Option<Teller>) -> Arc<Self> {
        let decline = move |auth_id| -> Declining {
            let (store, teller) = (store.clone(), teller.clone());
            Box::pin(async move { decline_unwritten(&store, teller.as_ref(), auth_id).await })
        };
        Self::over(Box::new(decline), (FIRST_PAUSE, LONGEST_PAUSE))
    }

    fn over(decline: Decline, pauses: (Duration, Duration)) -> Arc<Self> {
        Arc::new(Self { decline, pauses, waiting: Mutex::default() })
    }

    /// Declines an authorisation later, if it is there at all.
    pub(crate) fn decline_later(self: &Arc<Self>, auth_id: AuthId) {
        let mut waiting = self.lock();
        if waiting.ids.len() >= MAX_WAITING {
            return tracing::error!(%auth_id, "undecided until the next start: too many are");
        }
        waiting.ids.push_back(auth_id);
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
            while let Some(auth_id) = self.next() {
                match (self.decline)(auth_id).await {
                    Ok(()) => tracing::warn!(%auth_id, "decided once the store worked again"),
                    Err(AuthoriseError::Missing(_)) => {}
                    Err(error) => {
                        tracing::error!(%auth_id, %error, "still undecided");
                        // Behind the others: one that cannot be decided keeps none waiting.
                        self.lock().ids.push_back(auth_id);
                        break;
                    }
                }
                pause = first;
            }
            let mut waiting = self.lock();
            if waiting.ids.is_empty() {
                waiting.is_worked_on = false;
                return;
            }
        }
    }

    fn next(&self) -> Option<AuthId> {
        self.lock().ids.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// More tries than an hour holds at the first pause.
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
    async fn however_long_the_store_fails_it_is_not_given_up() {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        let decline = move |_| -> Declining {
            let is_broken = counted.fetch_add(1, Ordering::SeqCst) < FAILURES;
            let failed = Err(AuthoriseError::Store(store::StoreError::Overloaded));
            Box::pin(async move { if is_broken { failed } else { Ok(()) } })
        };
        let undecided = Undecided::over(Box::new(decline), PAUSES);
        undecided.decline_later(AuthId::from_i64(1));
        until(|| undecided.lock().ids.is_empty() && !undecided.lock().is_worked_on).await;
        assert_eq!(tries.load(Ordering::SeqCst), FAILURES + 1);
        // What comes after a rest is taken up again.
        undecided.decline_later(AuthId::from_i64(2));
        until(|| tries.load(Ordering::SeqCst) == FAILURES + 2).await;
    }

    #[tokio::test]
    async fn one_that_cannot_be_decided_keeps_no_other_waiting() {
        let declined = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&declined);
        let decline = move |auth_id: AuthId| -> Declining {
            let told = Arc::clone(&told);
            Box::pin(async move {
                if auth_id.as_i64() == 1 {
                    return Err(AuthoriseError::Store(store::StoreError::Overloaded));
                }
                told.lock().unwrap().push(auth_id.as_i64());
                Ok(())
            })
        };
        let undecided = Undecided::over(Box::new(decline), PAUSES);
        (1..=4).for_each(|id| undecided.decline_later(AuthId::from_i64(id)));
        until(|| *declined.lock().unwrap() == [2, 3, 4]).await;
    }
}
