//! Stand-in within a group: approvals in place of an enterprise that gave no usable answer, judged
//! in the commit of the decision (network-iso8583.md section 6.3).

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::{Authorisation, Cause, Currency, EnterpriseId, Timestamp};
use futures_util::future::try_join_all;

use super::apply::Group;
use super::batch::{Batch, LoadedStandIn, StandInKey};
use super::{Command, DecideAuthorisation};
use crate::StoreError;
use crate::engine::Tx;
use crate::records::record;

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
const fn key_of(it: &Authorisation, now: Timestamp) -> StandInKey {
    (it.enterprise_id, it.amount.currency(), now.utc8_day_number())
}

impl Batch {
    /// Reads and locks the days on which decisions of the group may stand in, after the accounts: a
    /// process that counts the first approval of a day holds the lock of the deposit, so no two
    /// create the same row.
    pub(super) async fn load_stand_ins(
        &mut self,
        tx: &Tx,
        commands: &[&Command],
    ) -> Result<(), StoreError> {
        let keys: BTreeSet<_> = commands.iter().filter_map(|it| self.stand_in_key(it)).collect();
        let reads = keys.into_iter().map(|key| async move {
            let found = tx.by_key_locked::<StandInUse>(key).await?;
            let approved_minor = found.map_or(0, |it| it.approved_minor);
            Ok::<_, StoreError>((key, LoadedStandIn { approved_minor, is_changed: false }))
        });
        self.stand_ins.extend(try_join_all(reads).await?);
        Ok(())
    }

    fn stand_in_key(&self, command: &Command) -> Option<StandInKey> {
        let Command::Decide(decision) = command else { return None };
        decision.stand_in?;
        let it = &self.authorisations.get(&decision.auth_id)?.authorisation;
        Some(key_of(it, decision.now))
    }

    /// Writes the days that changed.
    pub(super) async fn write_stand_ins(&self, tx: &Tx) -> Result<(), StoreError> {
        let changed = self.stand_ins.iter().filter(|(_, loaded)| loaded.is_changed);
        let writes = changed.map(|(&(enterprise_id, currency, day), loaded)| async move {
            let approved_minor = loaded.approved_minor;
            tx.put(&StandInUse { enterprise_id, currency, day, approved_minor }).await
        });
        try_join_all(writes).await.map(|_| ())
    }
}

impl Group<'_> {
    /// The decision of `it`: an approval where its terms allow one in place of the enterprise. An
    /// increment is judged by what it raises its bill to.
    pub(super) fn stood_in<'a>(
        &self,
        it: &Authorisation,
        decision: &'a DecideAuthorisation,
    ) -> Cow<'a, DecideAuthorisation> {
        let day = self.batch.stand_ins.get(&key_of(it, decision.now));
        let is_allowed = decision.stand_in.zip(day).is_some_and(|(terms, day)| {
            let raised_minor = self.raised_minor(it);
            terms.covers(it)
                && terms.allows(it.amount.amount_minor(), raised_minor, day.approved_minor)
        });
        if is_allowed {
            Cow::Owned(DecideAuthorisation { cause: Cause::StandInApproved, ..decision.clone() })
        } else {
            Cow::Borrowed(decision)
        }
    }

    /// Counts an authorisation that was approved in place of its enterprise.
    pub(super) fn count_stand_in(&mut self, it: &Authorisation, now: Timestamp) {
        if it.cause == Some(Cause::StandInApproved)
            && let Some(day) = self.batch.stand_ins.get_mut(&key_of(it, now))
        {
            let approved_minor = day.approved_minor.saturating_add(it.amount.amount_minor());
            *day = LoadedStandIn { approved_minor, is_changed: true };
        }
    }
}
