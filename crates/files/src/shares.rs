//! One enterprise's share of the embedded store: concurrent uploads, and bytes per day.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::EnterpriseId;

use crate::error::FileError;
use crate::{MAX_FILE_BYTES, ObjectKey};

/// Most concurrent uploads of one enterprise; all together may have three times as many.
pub(crate) const MAX_UPLOADS_OF_ENTERPRISE: u64 = 8;
/// Least that a file counts as, bytes: even the smallest costs a directory entry.
const LEAST_COUNTED_BYTES: u64 = 64 * 1024;
/// Days of enterprises that are remembered; a forgotten one is counted again from the disk.
const MAX_DAYS_KNOWN: usize = 4_096;

/// A day of an enterprise, as keys name it.
type DayOf = (String, EnterpriseId);

/// The daily limit, and each enterprise's use of it.
pub(crate) struct Shares {
    daily_bytes: u64,
    days: Mutex<HashMap<DayOf, Taken>>,
}

/// An enterprise's use on a day.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    bytes: u64,
    under_way: u64,
}

impl Shares {
    pub(crate) fn new(daily_bytes: u64) -> Self {
        Self { daily_bytes, days: Mutex::default() }
    }

    /// Grants an upload under `key`. `stored` counts what the disk holds for its day and
    /// enterprise; it is called once per day, so a restart gives nothing back.
    ///
    /// # Errors
    /// Too many uploads at once, the day's bytes are used up, or the disk cannot be read.
    pub(crate) fn admit(
        self: &Arc<Self>,
        key: &ObjectKey,
        stored: impl FnOnce() -> io::Result<u64>,
    ) -> Result<Share, FileError> {
        let day_of = (key.day().to_owned(), key.enterprise_id());
        let is_known = self.days().contains_key(&day_of);
        let stored_bytes = if is_known { 0 } else { stored()? };
        let mut days = self.days();
        if days.len() >= MAX_DAYS_KNOWN {
            days.retain(|_, taken| taken.under_way > 0);
        }
        let fresh = Taken { bytes: stored_bytes, under_way: 0 };
        let taken = days.entry(day_of.clone()).or_insert(fresh);
        if taken.under_way >= MAX_UPLOADS_OF_ENTERPRISE {
            return Err(FileError::Overloaded);
        }
        let promised = (taken.under_way + 1).saturating_mul(MAX_FILE_BYTES);
        if taken.bytes.saturating_add(promised) > self.daily_bytes {
            return Err(FileError::DayUsedUp);
        }
        taken.under_way += 1;
        Ok(Share { shares: Arc::clone(self), day_of, kept_bytes: 0 })
    }

    fn days(&self) -> MutexGuard<'_, HashMap<DayOf, Taken>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes that a stored file of this length counts as.
pub(crate) fn counted(bytes: u64) -> u64 {
    bytes.max(LEAST_COUNTED_BYTES)
}

/// The right to one upload. Released when it goes out of scope.
pub(crate) struct Share {
    shares: Arc<Shares>,
    day_of: DayOf,
    kept_bytes: u64,
}

impl Share {
    /// The file is stored; it counts from now on, even if it replaced another.
    pub(crate) fn keep(&mut self, bytes: u64) {
        self.kept_bytes = counted(bytes);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut days = self.shares.days();
        if let Some(taken) = days.get_mut(&self.day_of) {
            taken.under_way = taken.under_way.saturating_sub(1);
            taken.bytes = taken.bytes.saturating_add(self.kept_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{FileType, SystemRandom, Timestamp};

    use super::*;
    use crate::Folder;

    const DAILY_BYTES: u64 = 4 * MAX_FILE_BYTES;

    fn key(enterprise: i64, now: &str) -> ObjectKey {
        let now = Timestamp::parse_rfc3339(now).unwrap();
        let enterprise = EnterpriseId::from_i64(enterprise);
        ObjectKey::new(Folder::Kyc, enterprise, FileType::Pdf, now, &SystemRandom)
    }

    fn shares(daily_bytes: u64) -> Arc<Shares> {
        Arc::new(Shares::new(daily_bytes))
    }

    #[test]
    fn one_enterprise_leaves_room_for_others() {
        let shares = shares(u64::MAX);
        let today = key(1, "2026-01-12T00:00:00Z");
        let mut held: Vec<_> = (0..MAX_UPLOADS_OF_ENTERPRISE)
            .map(|_| shares.admit(&today, || Ok(0)).unwrap())
            .collect();
        assert!(matches!(shares.admit(&today, || Ok(0)), Err(FileError::Overloaded)));
        assert!(shares.admit(&key(2, "2026-01-12T00:00:00Z"), || Ok(0)).is_ok());
        held.pop();
        assert!(shares.admit(&today, || Ok(0)).is_ok());
    }

    #[test]
    fn the_bytes_of_a_day_are_limited_and_earlier_files_count() {
        let shares = shares(DAILY_BYTES);
        let today = key(1, "2026-01-12T00:00:00Z");
        let admit = || shares.admit(&today, || Ok(MAX_FILE_BYTES));
        let (mut first, dropped) = (admit().unwrap(), admit().unwrap());
        let third = admit().unwrap();
        assert!(matches!(admit(), Err(FileError::DayUsedUp)), "all that is left is promised");
        first.keep(MAX_FILE_BYTES);
        drop((first, dropped, third));
        let mut small = admit().unwrap();
        small.keep(1);
        drop(small);
        assert!(admit().is_ok());
        let (one, two) = (admit().unwrap(), admit());
        assert!(matches!(two, Err(FileError::DayUsedUp)), "a small file counts too");
        drop(one);
        assert!(shares.admit(&key(2, "2026-01-12T00:00:00Z"), || Ok(0)).is_ok());
        assert!(shares.admit(&key(1, "2026-01-12T16:00:00Z"), || Ok(0)).is_ok(), "the next day");
    }
}
