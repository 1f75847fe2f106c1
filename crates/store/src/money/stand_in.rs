//! Stand-in within a group: approvals in place of an enterprise that gave no usable answer, judged
//! in the commit of the decision (network-iso8583.md section 6.3).

use std::borrow::Cow;

use domain::{Authorisation, Cause, Timestamp};

use super::DecideAuthorisation;
use super::apply::Group;
use super::batch::LoadedStandIn;
use super::stand_in_use::key_of;

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
