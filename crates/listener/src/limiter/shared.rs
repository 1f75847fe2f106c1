//! Limits that the processes on one PostgreSQL share: each tells the others what it granted, and
//! counts what they told. Nobody is refused whom one process with all calls would admit; what
//! others granted since their last report is granted beyond the limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{OtherReport, Reports};
use tokio::time::Instant;

use super::limit_name::LimitName;
use super::report::Report;
use super::{Limit, Limiter, Naming};

/// All limits of this process that others share.
pub struct SharedLimits {
    naming: Naming,
    limiters: Mutex<HashMap<LimitName, Arc<Limiter>>>,
    /// The last report of each other process, by its node number.
    others: Mutex<HashMap<i64, Known>>,
}

/// The last report of another process.
struct Known {
    epoch: i64,
    serial: i64,
    /// When it was made, at the latest.
    made_at: Instant,
    report: Report,
    counted: HashMap<(LimitName, u128), u64>,
}

impl SharedLimits {
    /// No limits yet; all processes of a store name callers alike.
    #[must_use]
    pub fn new(naming: Naming) -> Arc<Self> {
        Arc::new(Self { naming, limiters: Mutex::default(), others: Mutex::default() })
    }

    /// The limit with this name; its first caller says what it is.
    pub fn limiter(&self, name: LimitName, limit: Limit) -> Arc<Limiter> {
        let make = || Arc::new(Limiter::new(name, Arc::clone(&self.naming), limit));
        Arc::clone(locked(&self.limiters).entry(name).or_insert_with(make))
    }

    fn all(&self) -> HashMap<LimitName, Arc<Limiter>> {
        locked(&self.limiters).clone()
    }

    pub(super) fn report_at(&self, now: Instant) -> Vec<u8> {
        let limiters = self.all();
        let mut report = Report::default();
        for name in LimitName::ALL {
            if let Some(limiter) = limiters.get(&name) {
                report.add(name, limiter.report(now));
            }
        }
        report.to_bytes()
    }

    /// Counts what is new in the reports of all other living processes, which were asked for at
    /// `asked_at`. What a dead one told before goes on counting for as long as it would have:
    /// those calls were granted.
    pub(super) fn learn_at(&self, asked_at: Instant, others: &[OtherReport], now: Instant) {
        let limiters = self.all();
        let mut known = locked(&self.others);
        known.retain(|node, _| others.iter().any(|other| other.node == *node));
        for other in others {
            let before = known.get(&other.node).filter(|before| before.epoch == other.epoch);
            if before.is_some_and(|before| before.serial == other.serial) {
                continue;
            }
            let after = Known::of(other, asked_at);
            // What a process counted before its first report that is read here has no time.
            if let Some(before) = before {
                after.count_since(before, &limiters, now);
            }
            known.insert(other.node, after);
        }
        if let Some(known_to) = known.values().map(|other| other.made_at).min() {
            limiters.values().for_each(|limiter| limiter.forget_unused_before(known_to, now));
        }
    }
}

impl Known {
    fn of(other: &OtherReport, asked_at: Instant) -> Self {
        let report = Report::parse(&other.report);
        let counted = report.entries.iter().map(|it| ((it.limit, it.caller), it.counted)).collect();
        Self {
            epoch: other.epoch,
            serial: other.serial,
            made_at: asked_at.checked_sub(other.age).unwrap_or(asked_at),
            report,
            counted,
        }
    }

    /// Counts what this report has beyond the one before it.
    fn count_since(
        &self,
        before: &Self,
        limiters: &HashMap<LimitName, Arc<Limiter>>,
        now: Instant,
    ) {
        for entry in &self.report.entries {
            let weight = match before.counted.get(&(entry.limit, entry.caller)) {
                // Less than before: the caller was forgotten and came again.
                Some(earlier) => entry.counted.checked_sub(*earlier).unwrap_or(entry.counted),
                // It may have been counted long ago.
                None if before.report.is_cut(entry.limit) => 0,
                None => entry.counted,
            };
            if let Some(limiter) = limiters.get(&entry.limit).filter(|_| weight > 0) {
                limiter.count_elsewhere(entry.caller, weight, before.made_at, now);
            }
        }
    }
}

impl Reports for SharedLimits {
    fn report(&self) -> Vec<u8> {
        self.report_at(Instant::now())
    }

    fn learn(&self, asked_at: Instant, others: &[OtherReport]) {
        self.learn_at(asked_at, others, Instant::now());
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
