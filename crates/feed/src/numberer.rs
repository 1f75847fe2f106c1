//! The worker that numbers events. Of several processes the living one with the lowest node number
//! works; the others do too while events have waited for long.

use std::time::Duration;

use store::{NowAndThen, Store, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// Pause between looks. Events that are committed meanwhile share a page, so numbers cost the same
/// few round trips however many purchases there are.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// Pause between questions whose turn it is.
const TURN_PAUSE: Duration = Duration::from_secs(3);
/// Pause between looks for pages that are no longer kept.
const FORGET_PAUSE: Duration = Duration::from_secs(600);
/// Pause between looks from the very beginning.
const WHOLE_LOOK_PAUSE: Duration = Duration::from_secs(60);
/// The most commits of numbers, and of deletions, in one look.
const MAX_ROUNDS: usize = 100;
/// Days for which events are kept, in business time.
const KEPT_DAYS: i64 = 40;

/// Numbers events again and again.
pub struct Numberer {
    store: Store,
    has_turn: bool,
    asks_at: Instant,
    forgets_at: Instant,
    /// The place from which the next look begins, and until when that may be.
    look_from: Option<(i64, Instant)>,
    telling: NowAndThen,
}

impl Numberer {
    /// A worker on this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let now = Instant::now();
        Self {
            store,
            has_turn: false,
            asks_at: now,
            forgets_at: now,
            look_from: None,
            telling: NowAndThen::new(),
        }
    }

    /// Works until `stopped` turns true.
    pub async fn keep_numbering(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = sleep(if self.has_turn { LOOK_PAUSE } else { TURN_PAUSE }) => {}
            }
            if let Err(error) = self.look().await
                && self.telling.is_due()
            {
                tracing::warn!(%error, "events are not numbered for now");
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.asks_at <= now {
            self.has_turn = self.store.numbers_events().await?;
            self.asks_at = now + TURN_PAUSE;
        }
        if !self.has_turn {
            return Ok(());
        }
        self.number(now).await?;
        if self.forgets_at <= now {
            let kept_ms = KEPT_DAYS * 24 * 60 * 60 * 1_000;
            let before = self.store.clock().now().plus_millis(-kept_ms);
            for _ in 0..MAX_ROUNDS {
                if !self.store.forget_events(before).await? {
                    self.forgets_at = now + FORGET_PAUSE;
                    break;
                }
            }
        }
        Ok(())
    }

    async fn number(&mut self, now: Instant) -> Result<(), StoreError> {
        for _ in 0..MAX_ROUNDS {
            let from = self.look_from.filter(|(_, until)| now < *until);
            let numbered = match from {
                Some((place, _)) => self.store.number_events_from(place).await?,
                None => self.store.number_events().await?,
            };
            let until = from.map_or(now + WHOLE_LOOK_PAUSE, |(_, until)| until);
            self.look_from = Some((numbered.look_from, until));
            if !numbered.is_more {
                break;
            }
        }
        Ok(())
    }
}
