//! What processes that share a server tell one another each time they renew their leases: what
//! their rate limits counted, and the offset of business time that they have.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use domain::Clock;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::server_time::micros;

/// Makes reports of this process and takes those of others.
pub trait Reports: Send + Sync {
    /// What this process has counted by now.
    fn report(&self) -> Vec<u8>;

    /// Takes the last reports of all other living processes, for which the server was asked at
    /// `asked_at`.
    fn learn(&self, asked_at: Instant, others: &[OtherReport]);
}

/// The last report of another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherReport {
    /// Its node number.
    pub node: i64,
    /// Which holder of that number it is.
    pub epoch: i64,
    /// A number that is another one for each of its reports.
    pub serial: i64,
    /// The report was made at least so long before its readers asked for it.
    pub age: Duration,
    /// What its [`Reports::report`] returned.
    pub report: Vec<u8>,
}

/// How this process takes part.
#[derive(Default)]
pub(crate) struct Exchange {
    pub(super) reports: OnceLock<Arc<dyn Reports>>,
    /// The server's time at the last renewal, microseconds, and the clock's elapsed time at which
    /// its answer was here.
    server_time: Mutex<Option<(i64, Duration)>>,
    /// Asks for a renewal at once.
    pub(super) renew_now: Notify,
}

/// What this process tells with one renewal.
pub(super) struct Telling {
    pub(super) report: Option<Vec<u8>>,
    /// The server's time when the report was made, at the latest.
    pub(super) made_at_us: Option<i64>,
    pub(super) clock_offset_us: i64,
}

/// What it is told.
pub(super) struct Told {
    pub(super) server_us: i64,
    /// The stored offset of business time.
    pub(super) clock_offset_us: i64,
    pub(super) others: Vec<OtherReport>,
}

impl Exchange {
    /// What to tell now.
    pub(super) fn telling(&self, clock: &Clock) -> Telling {
        let anchor = *self.server_time.lock().unwrap_or_else(PoisonError::into_inner);
        // The time comes first, so whatever the report lacks happens after it.
        let made_at_us = anchor.map(|(server_us, then)| {
            let since = clock.elapsed().saturating_sub(then);
            server_us.saturating_add(micros(since))
        });
        let report = self.reports.get().filter(|_| made_at_us.is_some()).map(|it| it.report());
        let made_at_us = made_at_us.filter(|_| report.is_some());
        Telling { report, made_at_us, clock_offset_us: clock.offset_us() }
    }

    /// Takes what was told after `asked_at`; `answered` is the clock's elapsed time.
    pub(super) fn take(&self, told: &Told, asked_at: Instant, answered: Duration) {
        let mut anchor = self.server_time.lock().unwrap_or_else(PoisonError::into_inner);
        *anchor = Some((told.server_us, answered));
        drop(anchor);
        if let Some(reports) = self.reports.get() {
            reports.learn(asked_at, &told.others);
        }
    }
}
