//! The authorisations of a bill, as the commands of a group see them.

use std::collections::BTreeSet;

use domain::{Authorisation, AuthorisationStatus, Direction};

use super::apply::Group;
use super::bill::Bill;
use super::{MoneyError, steps};

impl Group<'_> {
    /// The amount to which an authorisation raises its bill, minor units of the billing currency:
    /// all that was requested and not declined, less what was reversed.
    pub(super) fn raised_minor(&self, increment: &Authorisation) -> i64 {
        let original = self.first_of_bill(increment.clone()).ok();
        let Some(original) = original.filter(|it| it.auth_id != increment.auth_id) else {
            return increment.amount.amount_minor();
        };
        let mut members = self.followers(&original);
        members.retain(|it| {
            let is_other = it.auth_id != increment.auth_id;
            is_other && it.is_increment() && it.status != AuthorisationStatus::Declined
        });
        members.push(original);
        let kept = members.iter().map(steps::unreversed_minor);
        kept.fold(increment.amount.amount_minor(), i64::saturating_add)
    }

    /// The authorisation that increments of the bill of `it` raise.
    pub(super) fn first_of_bill(&self, it: Authorisation) -> Result<Authorisation, MoneyError> {
        match it.original_auth_id.filter(|_| it.is_increment()) {
            Some(first) => self.first_of_bill(self.loaded(first)?),
            None => Ok(it),
        }
    }

    /// The increments and completions of an authorisation and of its increments, in order of
    /// arrival, including those that this group began.
    pub(super) fn followers(&self, original: &Authorisation) -> Vec<Authorisation> {
        let members = self.batch.bills.get(&original.outs_id).into_iter().flatten();
        let loaded = members.filter_map(|auth_id| self.loaded(*auth_id).ok());
        let new = self.batch.new_authorisations.iter().map(|new| &new.authorisation);
        let new = new.map(|it| self.loaded(it.auth_id).unwrap_or_else(|_| it.clone()));
        let mut raised = BTreeSet::from([original.auth_id]);
        let follows = |it: &Authorisation| {
            let is_follower = it.direction == Direction::Outgoing
                && it.original_auth_id.is_some_and(|named| raised.contains(&named));
            if is_follower && it.is_increment() {
                raised.insert(it.auth_id);
            }
            is_follower
        };
        loaded.chain(new).filter(follows).collect()
    }

    /// An authorisation with the approved increments that a message about it covers.
    pub(super) fn bill(&self, original: &Authorisation) -> Bill {
        let mut increments = self.followers(original);
        increments.retain(|it| it.status == AuthorisationStatus::Approved && it.is_increment());
        Bill { original: original.clone(), increments }
    }
}
