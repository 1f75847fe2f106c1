//! Velocity limits within a group: what purchases use, and what is given back. A reversal, a
//! decline, an expiry and the end of a hold that was not wholly cleared give back; a clearing does
//! not count again (operator-and-sandbox.md section 5).

use std::collections::BTreeSet;

use domain::{
    AuthId, Authorisation, AuthorisationStatus, HoldState, Money, VelocityExcess, VelocityShare,
    VelocityUse,
};
use ledger::{Bucket, Movement};

use super::apply::Group;
use super::batch::{Batch, LoadedUse, PanKey};
use super::bill::Bill;
use super::terms::VelocityTerms;
use crate::StoreError;
use crate::engine::Tx;
use crate::records::{Counted, PanUse};

impl Batch {
    /// The PANs of bills that were read, to which the group's commands may give something back.
    pub(super) fn pans_of_bills(&self) -> BTreeSet<PanKey> {
        let members = self.bills.values().flatten();
        let loaded = members.filter_map(|auth_id| self.authorisations.get(auth_id));
        loaded.filter_map(|it| Some((it.authorisation.enterprise_id, it.counted?.pan_id))).collect()
    }

    /// Takes over a use that was read.
    pub(super) fn take_use(&mut self, key: PanKey, used: Option<VelocityUse>) {
        let used = used.unwrap_or_default();
        self.velocity_uses.insert(key, LoadedUse { used, is_changed: false });
    }

    /// Writes the uses that changed.
    pub(super) async fn write_velocity_uses(&self, tx: &Tx) -> Result<(), StoreError> {
        let changed = self.velocity_uses.iter().filter(|(_, loaded)| loaded.is_changed);
        for (&(enterprise_id, pan_id), loaded) in changed {
            tx.post_put(&PanUse { enterprise_id, pan_id, used: loaded.used }).await?;
        }
        Ok(())
    }
}

impl Group<'_> {
    /// The first limit that a new authorisation would exceed. A completion counts with what its
    /// reservation, which holds `reserved_minor`, lacks. The increments of a bill together must not
    /// exceed the limit of a single authorisation; their bill is locked by this group.
    pub(super) fn excess(
        &self,
        it: &Authorisation,
        terms: Option<&VelocityTerms>,
        reserved_minor: i64,
    ) -> Option<VelocityExcess> {
        let terms = terms.filter(|_| it.status == AuthorisationStatus::Pending)?;
        if it.is_increment() && terms.limits.is_above_single(self.raised_minor(it)) {
            return Some(VelocityExcess::Single);
        }
        let loaded = self.batch.velocity_uses.get(&(it.enterprise_id, terms.pan_id))?;
        let share = share(it, it.amount.amount_minor().saturating_sub(reserved_minor).max(0));
        let used = terms.at(loaded.used, it.created_at);
        let most_minor = terms.own.and_then(|own| own.total_minor);
        let total = used.exceeds_total(most_minor, share).then_some(VelocityExcess::Total);
        used.excess(&terms.limits, share).or(total)
    }

    /// Counts a new authorisation, if its hold was taken. A completion that lacks nothing counts
    /// with zero for now: it may lack something when it is decided.
    pub(super) fn count(
        &mut self,
        it: &Authorisation,
        terms: Option<&VelocityTerms>,
    ) -> Option<Counted> {
        let is_counted = |terms: &&VelocityTerms| {
            let may_lack = it.is_completion() && it.status == AuthorisationStatus::Pending;
            (it.hold_state == HoldState::Pending || may_lack) && terms.are_counted()
        };
        let terms = terms.filter(is_counted)?;
        let loaded = self.batch.velocity_uses.get_mut(&(it.enterprise_id, terms.pan_id))?;
        let used = terms.at(loaded.used, it.created_at);
        let share = share(it, it.hold_remaining_minor);
        *loaded = LoadedUse { used: used.plus(share), is_changed: true };
        Some(Counted {
            pan_id: terms.pan_id,
            day: used.day.first_day,
            amount_minor: share.amount_minor,
        })
    }

    /// Gives back to the limits what a movement gave back of an authorisation's hold.
    pub(super) fn give_back(&mut self, it: &Authorisation, movement: Option<Movement>) {
        let Some(loaded) = self.batch.authorisations.get_mut(&it.auth_id) else { return };
        let (Some(counted), Some(movement)) = (loaded.counted.as_mut(), movement) else { return };
        // A completion changes what its reservation counts with, even if nothing else of that
        // changes.
        loaded.is_changed = true;
        let share = counted.share_of(movement.amount.amount_minor(), it.original_auth_id);
        counted.amount_minor -= share.amount_minor;
        let key = (it.enterprise_id, counted.pan_id);
        if let Some(loaded) = self.batch.velocity_uses.get_mut(&key) {
            let used = loaded.used.minus(share, counted.day);
            let is_changed = loaded.is_changed || used != loaded.used;
            *loaded = LoadedUse { used, is_changed };
        }
    }

    /// Gives back to the limits what was given back of a hold. A completion's hold took over that
    /// of its reservation, which still counts with the reservation.
    pub(super) fn give_back_taken_over(&mut self, auth_id: AuthId, movement: Movement) {
        let Some(it) = self.batch.authorisations.get(&auth_id) else { return };
        let it = it.authorisation.clone();
        let mut counting = vec![it.clone()];
        if let Some(original) = it.original_auth_id.filter(|_| it.is_completion()) {
            counting.extend(self.reserving(&it, original));
        }
        self.give_back_from(&counting, movement);
    }

    /// Gives back to the limits what an approved completion does not use of its reservation, or
    /// counts what the completion holds beyond the reservation's hold, which may have expired
    /// meanwhile. This may exceed a limit, which was kept when the completion came. `movements` are
    /// those of the approval.
    pub(super) fn count_completion(
        &mut self,
        completion: &Authorisation,
        bill: &Bill,
        movements: &[(AuthId, Movement)],
    ) {
        let unused_minor = given_back_minor(movements);
        if unused_minor < 0 {
            return self.count_more(completion, -unused_minor);
        }
        self.give_back_unused(bill, movements);
    }

    /// Gives back to the limits what a clearing or a completion left unused of its bill's holds, as
    /// a reversal of the rest would. `movements` are those of the clearing or completion.
    pub(super) fn give_back_unused(&mut self, bill: &Bill, movements: &[(AuthId, Movement)]) {
        let unused_minor = given_back_minor(movements);
        let Some((_, movement)) = movements.first().filter(|_| unused_minor > 0) else { return };
        let amount = Money::new(unused_minor, movement.amount.currency());
        let movement = Movement { amount, ..*movement };
        if bill.original.is_completion() {
            return self.give_back_taken_over(bill.original.auth_id, movement);
        }
        let counting: Vec<_> =
            bill.increments.iter().rev().chain([&bill.original]).cloned().collect();
        self.give_back_from(&counting, movement);
    }

    /// Adds to what an authorisation counts with, on the day that it counts towards.
    fn count_more(&mut self, it: &Authorisation, amount_minor: i64) {
        let Some(loaded) = self.batch.authorisations.get_mut(&it.auth_id) else { return };
        let Some(counted) = loaded.counted.as_mut() else { return };
        counted.amount_minor = counted.amount_minor.saturating_add(amount_minor);
        loaded.is_changed = true;
        if let Some(loaded) = self.batch.velocity_uses.get_mut(&(it.enterprise_id, counted.pan_id))
        {
            let share = VelocityShare { amount_minor, count: 0 };
            *loaded =
                LoadedUse { used: loaded.used.plus_of_day(share, counted.day), is_changed: true };
        }
    }

    /// A reservation and its approved increments, latest first. An undecided increment holds and
    /// counts for itself.
    fn reserving(&self, completion: &Authorisation, original: AuthId) -> Vec<Authorisation> {
        let members = self.batch.bills.get(&completion.outs_id).into_iter().flatten().rev();
        let loaded = members.filter_map(|auth_id| self.batch.authorisations.get(auth_id));
        let of_reservation = |it: &&Authorisation| {
            let is_raise = it.is_increment() && it.status == AuthorisationStatus::Approved;
            it.auth_id == original || (is_raise && it.original_auth_id == Some(original))
        };
        loaded.map(|loaded| &loaded.authorisation).filter(of_reservation).cloned().collect()
    }

    /// Takes a movement's amount off what `counting` count with, in order.
    fn give_back_from(&mut self, counting: &[Authorisation], movement: Movement) {
        let mut left_minor = movement.amount.amount_minor();
        for it in counting {
            let loaded = self.batch.authorisations.get(&it.auth_id);
            let counted_minor = loaded.and_then(|it| it.counted).map_or(0, |it| it.amount_minor);
            let part_minor = counted_minor.min(left_minor);
            if part_minor > 0 {
                let amount = Money::new(part_minor, movement.amount.currency());
                self.give_back(it, Some(Movement { amount, ..movement }));
                left_minor -= part_minor;
            }
        }
    }
}

/// The amount that movements made available, minor units; negative if they took from it.
fn given_back_minor(movements: &[(AuthId, Movement)]) -> i64 {
    let left = |movement: &Movement| match (movement.from, movement.to) {
        (_, Bucket::Available) => movement.amount.amount_minor(),
        (Bucket::Available, _) => -movement.amount.amount_minor(),
        _ => 0,
    };
    movements.iter().fold(0, |sum, (_, movement)| left(movement).saturating_add(sum))
}

/// The share of `amount_minor` of a new authorisation. An increment or a completion, which names an
/// original, does not count as another authorisation.
fn share(it: &Authorisation, amount_minor: i64) -> VelocityShare {
    VelocityShare { amount_minor, count: i64::from(it.original_auth_id.is_none()) }
}
