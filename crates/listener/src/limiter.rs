//! Limits on the requests of one caller in a period, for any kind of caller. Each process counts
//! for itself what it is asked, and what other processes reported (`shared.rs`).

mod caller;
mod limit_name;
mod report;
#[cfg(test)]
mod several;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use caller::{Caller, Naming};
pub use limit_name::LimitName;
pub use shared::SharedLimits;

use report::Entry;

/// Most callers remembered.
const MAX_CALLERS: usize = 10_000;
/// The time for which a caller is remembered whose use counts no longer, so that a report of others
/// about it does not start from nothing. Longer than a report takes to be read.
const REMEMBERED: Duration = Duration::from_secs(15);

/// The limit on a caller's requests. A call has a weight, usually 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// A total weight within a window that begins with a caller's first call.
    Window {
        /// Weight of all calls.
        weight: u64,
        /// Length.
        window: Duration,
    },
    /// The same, but a caller who exceeds it waits for a whole window from then on.
    CutOff {
        /// Weight of all calls.
        weight: u64,
        /// Length of the window, and of the wait.
        window: Duration,
    },
    /// A bucket that calls drain and time refills.
    Bucket {
        /// Weight of a full bucket.
        burst: u64,
        /// Weight refilled per second; at least 1.
        per_second: u64,
    },
}

/// The result of counting a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// True if the call is within the limit.
    pub is_granted: bool,
    /// Weight left.
    pub remaining: u64,
    /// Whole seconds, rounded up, until the full limit is available again.
    pub reset_seconds: u64,
}

/// A caller's use of its limit.
#[derive(Clone, Copy)]
struct Used {
    /// The time from which none of it counts: the end of the window, or of the bucket's refill.
    until: Instant,
    /// Weight of the calls in the window; a bucket keeps its weight in `until`.
    weight: u64,
    /// Weight that this process has counted for as long as it remembers the caller.
    counted: u64,
    /// The part of it that a report had.
    reported: u64,
    /// A window that begins with what others granted and ends after this one, with its weight.
    /// Without it, windows that begin at different times would each let the whole limit through.
    later: Option<(Instant, u64)>,
    /// The time for which the bucket was full. What others granted meanwhile used this refill, so
    /// it does not drain the bucket once it is reported.
    unused: Duration,
}

/// One limit for each of many callers, in bounded memory.
pub struct Limiter {
    name: LimitName,
    naming: Naming,
    callers: Mutex<Callers>,
}

struct Callers {
    limit: Limit,
    /// By their names in reports.
    used: HashMap<u128, Used>,
}

impl Limiter {
    pub(crate) fn new(name: LimitName, naming: Naming, limit: Limit) -> Self {
        Self { name, naming, callers: Mutex::new(Callers { limit, used: HashMap::new() }) }
    }

    /// Sets another limit, which applies from now on to what was used so far.
    pub fn set(&self, limit: Limit) {
        self.callers().limit = limit;
    }

    /// True if another call of weight 1 would be granted; counts nothing.
    pub fn would_grant(&self, caller: &(impl Caller + ?Sized), now: Instant) -> bool {
        let (caller, callers) = (self.name_of(caller), self.callers());
        callers.limit.charge(callers.used_by(caller, now), 1, now).1.is_granted
    }

    /// True if the caller exceeded its limit and has to wait; counts nothing.
    pub fn is_exceeded(&self, caller: &(impl Caller + ?Sized), now: Instant) -> bool {
        let (caller, callers) = (self.name_of(caller), self.callers());
        callers.limit.is_exceeded(callers.used_by(caller, now))
    }

    /// Counts a call.
    pub fn charge(&self, caller: &(impl Caller + ?Sized), weight: u64, now: Instant) -> Allowance {
        let (caller, mut callers) = (self.name_of(caller), self.callers());
        callers.make_room(now);
        let before = callers.used_by(caller, now);
        let (after, allowance) = callers.limit.charge(before, weight, now);
        callers.used.insert(caller, after);
        allowance
    }

    /// Counts a call of weight 1; false if it is one too many.
    pub fn admits(&self, caller: &(impl Caller + ?Sized), now: Instant) -> bool {
        self.charge(caller, 1, now).is_granted
    }

    fn name_of(&self, caller: &(impl Caller + ?Sized)) -> u128 {
        caller::name(&self.naming, self.name, caller)
    }

    fn callers(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted here, those first who used most since the last report. Forgets callers
    /// whose use counts no longer.
    fn report(&self, now: Instant) -> Vec<Entry> {
        let mut callers = self.callers();
        callers.used.retain(|_, used| {
            let until = used.later.map_or(used.until, |(until, _)| until.max(used.until));
            until + REMEMBERED > now || used.counted != used.reported
        });
        let mut entries: Vec<_> = callers
            .used
            .iter_mut()
            .filter(|(_, used)| used.counted > 0)
            .map(|(caller, used)| {
                let fresh = used.counted - used.reported;
                used.reported = used.counted;
                (fresh, Entry { limit: self.name, caller: *caller, counted: used.counted })
            })
            .collect();
        entries.sort_unstable_by_key(|(fresh, entry)| (u64::MAX - fresh, entry.caller));
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Counts what another process granted a caller, at `since` at the earliest.
    fn count_elsewhere(&self, caller: u128, weight: u64, since: Instant, now: Instant) {
        let mut callers = self.callers();
        callers.make_room(now);
        let before = callers.used_by(caller, now);
        if let Some(after) = callers.limit.count_elsewhere(before, weight, since, now) {
            callers.used.insert(caller, after);
        }
    }

    /// Everything that others granted before `known_to` has been counted: what buckets did not use
    /// before it is lost.
    fn forget_unused_before(&self, known_to: Instant, now: Instant) {
        let most = now.saturating_duration_since(known_to);
        let mut callers = self.callers();
        callers.used.values_mut().for_each(|used| used.unused = used.unused.min(most));
    }
}

impl Callers {
    /// The caller's use as it is at `now`.
    fn used_by(&self, caller: u128, now: Instant) -> Used {
        let unknown = Used {
            until: now,
            weight: 0,
            counted: 0,
            reported: 0,
            later: None,
            unused: Duration::MAX,
        };
        self.limit.at(self.used.get(&caller).copied().unwrap_or(unknown), now)
    }

    /// Makes room for one more caller: callers whose use no longer counts are dropped and, if there
    /// are none, the half that used least. A flood of callers who each called once therefore pushes
    /// itself out, and nobody who has called often.
    fn make_room(&mut self, now: Instant) {
        if self.used.len() < MAX_CALLERS {
            return;
        }
        self.used.retain(|_, used| used.until > now);
        if self.used.len() < MAX_CALLERS {
            return;
        }
        let mut callers: Vec<_> =
            self.used.iter().map(|(caller, used)| (used.weight, used.until, *caller)).collect();
        let half = callers.len() / 2;
        callers.select_nth_unstable(half);
        for (_, _, caller) in &callers[..half] {
            self.used.remove(caller);
        }
    }
}

impl Limit {
    /// A use as it is at `now`: a window that is over gives way to a later one, or to one that
    /// begins now.
    fn at(self, used: Used, now: Instant) -> Used {
        if used.until > now {
            return used;
        }
        match self {
            Self::Window { window, .. } | Self::CutOff { window, .. } => {
                let later = used.later.filter(|(until, _)| *until > now);
                let (until, weight) = later.unwrap_or((now + window, 0));
                Used { until, weight, later: None, ..used }
            }
            Self::Bucket { .. } => {
                Used { until: now, unused: used.unused.saturating_add(now - used.until), ..used }
            }
        }
    }

    /// The caller's use after a call, and the result of the call. `before` is the use at `now`.
    fn charge(self, before: Used, weight: u64, now: Instant) -> (Used, Allowance) {
        let mut used = before;
        match self {
            Self::Window { weight: most, window } | Self::CutOff { weight: most, window } => {
                if !self.is_exceeded(used) {
                    used.weight = used.weight.saturating_add(weight);
                    let is_cut_off = matches!(self, Self::CutOff { .. }) && self.is_exceeded(used);
                    // A caller who is already cut off must not begin a new window, which would end
                    // the cut-off.
                    if is_cut_off {
                        used.until = now + window;
                    }
                    if is_cut_off || !self.is_exceeded(used) {
                        used.counted = used.counted.saturating_add(weight);
                        used.later =
                            used.later.map(|(until, of)| (until, of.saturating_add(weight)));
                    }
                }
                let remaining = most.saturating_sub(used.weight);
                (used, Allowance::new(!self.is_exceeded(used), remaining, used.until, now))
            }
            Self::Bucket { burst, per_second } => {
                let weight = weight.min(burst.saturating_add(1));
                let charged = used.until + filling(weight, per_second);
                let is_granted = charged <= now + filling(burst, per_second);
                if is_granted {
                    used.until = charged;
                    used.counted = used.counted.saturating_add(weight);
                }
                let spent = missing_ms(used.until, now).saturating_mul(per_second) / 1_000;
                let remaining = burst.saturating_sub(spent);
                (used, Allowance::new(is_granted, remaining, used.until, now))
            }
        }
    }

    /// The caller's use once a weight is counted that another process granted, at `since` at the
    /// earliest; `None` if it is the same. `before` is the use at `now`. It never counts for longer
    /// than if it had been known at once, so nobody is refused below the limit of all processes
    /// together (docs/decisions/022-shared-limits.md).
    fn count_elsewhere(
        self,
        before: Used,
        weight: u64,
        since: Instant,
        now: Instant,
    ) -> Option<Used> {
        let mut used = before;
        match self {
            Self::Window { window, .. } | Self::CutOff { window, .. } => {
                let until = since + window;
                if until <= now {
                    return None;
                }
                if used.weight > 0 && used.until < until {
                    let (later, of) = used.later.unwrap_or((until, 0));
                    used.later = Some((later.min(until), of.saturating_add(weight)));
                }
                if !self.is_exceeded(used) {
                    used.weight = used.weight.saturating_add(weight);
                    // The window begins with the first of these calls; and so does a cut-off, since
                    // all that was known before was within the limit.
                    used.until = match self {
                        Self::CutOff { .. } if self.is_exceeded(used) => until,
                        _ => used.until.min(until),
                    };
                }
            }
            Self::Bucket { per_second, .. } => {
                let filling = filling(weight, per_second);
                let unused = used.unused.min(now.saturating_duration_since(since)).min(filling);
                used.unused -= unused;
                used.until += filling - unused;
            }
        }
        Some(used)
    }

    fn is_exceeded(self, used: Used) -> bool {
        match self {
            Self::Window { weight, .. } | Self::CutOff { weight, .. } => used.weight > weight,
            Self::Bucket { .. } => false,
        }
    }
}

/// The time in which this weight is refilled.
fn filling(weight: u64, per_second: u64) -> Duration {
    Duration::from_millis(weight.saturating_mul(1_000) / per_second.max(1))
}

impl Allowance {
    fn new(is_granted: bool, remaining: u64, until: Instant, now: Instant) -> Self {
        let reset_seconds = missing_ms(until, now).div_ceil(1_000);
        Self { is_granted, remaining, reset_seconds }
    }
}

fn missing_ms(until: Instant, now: Instant) -> u64 {
    u64::try_from(until.saturating_duration_since(now).as_millis()).unwrap_or(u64::MAX)
}
