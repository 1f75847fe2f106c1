//! Counts messages that cannot be taken: they cannot be decoded, are not signed rightly, or have a
//! PIN block that cannot be opened. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// So many of a connection within the window are tolerated; the next one closes.
const MOST: usize = 10;
/// The window.
const WINDOW: Duration = Duration::from_secs(60);

/// The latest of them.
#[derive(Debug)]
pub(crate) struct Garbage {
    most: usize,
    latest: VecDeque<Instant>,
}

impl Default for Garbage {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Garbage {
    /// Tolerates that many within a minute.
    pub(crate) const fn new(most: usize) -> Self {
        Self { most, latest: VecDeque::new() }
    }

    /// True if none was counted yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.latest.is_empty()
    }

    /// Counts one more; true if that is too many.
    pub(crate) fn is_too_much(&mut self, now: Instant) -> bool {
        while self.latest.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.latest.pop_front();
        }
        self.latest.push_back(now);
        self.latest.len() > self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_within_a_minute_is_too_much() {
        let (mut garbage, start) = (Garbage::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        for second in 0..10 {
            assert!(!garbage.is_too_much(after(second)));
        }
        assert!(garbage.is_too_much(after(59)));
        let mut slow = Garbage::default();
        for number in 0..100 {
            assert!(!slow.is_too_much(after(6 * number)));
        }
    }
}
