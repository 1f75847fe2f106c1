//! Log lines that would repeat with each call while something lasts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Pause between two such lines.
const TELLING_INTERVAL: Duration = Duration::from_secs(30);

/// When a line that would repeat was last written.
#[derive(Debug, Default)]
pub struct NowAndThen(Mutex<Option<Instant>>);

impl NowAndThen {
    /// No line was written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// True if a line is to be written now: the first, and again after 30 seconds.
    pub fn is_due(&self) -> bool {
        let mut told_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told_at.is_none_or(|told_at| told_at.elapsed() >= TELLING_INTERVAL);
        if is_due {
            *told_at = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_repeats_is_written_once_in_its_interval() {
        let telling = NowAndThen::new();
        assert!(telling.is_due());
        assert!(!telling.is_due());
        *telling.0.lock().unwrap() = Instant::now().checked_sub(TELLING_INTERVAL);
        assert!(telling.is_due());
    }
}
