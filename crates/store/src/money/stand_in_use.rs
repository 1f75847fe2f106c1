//! What is approved in place of an enterprise on each day.

use domain::{Authorisation, Currency, EnterpriseId, Timestamp};

use super::DecideAuthorisation;
use super::batch::{Batch, LoadedStandIn, StandInKey};
use crate::StoreError;
use crate::engine::{Statement, Tx};
use crate::records::{Record as _, record, values_of};

/// What was approved in place of an enterprise on one day.
pub(crate) struct StandInUse {
    pub(super) enterprise_id: EnterpriseId,
    pub(super) currency: Currency,
    /// The day, counted in UTC+8 from 1970-01-01.
    pub(super) day: i64,
    /// In minor units.
    pub(super) approved_minor: i64,
}

record! {
    StandInUse in "stand_in_use" key (enterprise_id, currency, day) {
        enterprise_id,
        currency,
        day,
        approved_minor,
    }
}

/// The day to which an approval at `now` counts.
pub(super) const fn key_of(it: &Authorisation, now: Timestamp) -> StandInKey {
    (it.enterprise_id, it.amount.currency(), now.utc8_day_number())
}

/// The day on which a decision of `it` may stand in.
pub(super) fn stand_in_key(
    it: &Authorisation,
    decision: &DecideAuthorisation,
) -> Option<StandInKey> {
    decision.stand_in.map(|_| key_of(it, decision.now))
}

/// Reads and locks a day of stand-in. It comes after the accounts: a process that counts the first
/// approval of a day holds the lock of the deposit, so no two create the same row.
pub(super) fn lock_stand_in(key: StandInKey) -> Statement {
    Statement::new(StandInUse::texts().by_key_locked.as_str(), values_of(&key))
}

impl Batch {
    /// Takes over what was read of a day.
    pub(super) fn take_stand_in(&mut self, key: StandInKey, found: Option<StandInUse>) {
        let approved_minor = found.map_or(0, |it| it.approved_minor);
        self.stand_ins.insert(key, LoadedStandIn { approved_minor, is_changed: false });
    }

    /// Writes the days that changed.
    pub(super) async fn write_stand_ins(&self, tx: &Tx) -> Result<(), StoreError> {
        let changed = self.stand_ins.iter().filter(|(_, loaded)| loaded.is_changed);
        for (&(enterprise_id, currency, day), loaded) in changed {
            let approved_minor = loaded.approved_minor;
            tx.post_put(&StandInUse { enterprise_id, currency, day, approved_minor }).await?;
        }
        Ok(())
    }
}
