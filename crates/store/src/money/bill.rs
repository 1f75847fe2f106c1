//! The effects of a message on a whole bill: an authorisation and its increments, or a reservation
//! and its completion. Pure. A refused message changes nothing.
//!
//! A bill ends with its final clearing, its whole reversal or its completion. A clearing that is
//! not final may use up the original's hold, which then stays open, with nothing left, for
//! increments that are still to come.

use domain::{AuthId, Authorisation, AuthorisationStatus, Direction, HoldState, Money, Timestamp};
use ledger::{Account, LedgerError, Movement};

use super::steps::{acquirer_left_minor, acquirer_used_minor, billing_part, require_approved};
use super::{ClearAuthorisation, MoneyError, ReverseAuthorisation};

/// An authorisation and its approved increments, in order of arrival.
#[derive(Debug, Clone)]
pub(super) struct Bill {
    /// The authorisation that the network names.
    pub(super) original: Authorisation,
    /// The increments that raised it.
    pub(super) increments: Vec<Authorisation>,
}

/// The effect of a message on a bill, in both currencies.
#[derive(Debug)]
pub(super) struct Moved {
    /// The movements, each with the authorisation it belongs to.
    pub(super) movements: Vec<(AuthId, Movement)>,
    /// The amount in the billing currency.
    pub(super) amount: Money,
    /// The amount in the acquirer's currency.
    pub(super) acquirer_amount: Money,
}

impl Bill {
    /// The rest of all open holds, minor units.
    pub(super) fn held_minor(&self) -> i64 {
        let held = |it: &Authorisation| it.hold_remaining_minor;
        self.increments.iter().map(held).fold(held(&self.original), i64::saturating_add)
    }

    /// Its authorisations in order of arrival.
    fn members(&mut self) -> impl Iterator<Item = &mut Authorisation> {
        std::iter::once(&mut self.original).chain(&mut self.increments)
    }
}

/// Checks that `original` may be incremented, or that it is a reservation which may be completed,
/// even if its time has run out. `others` are the increments and completions of its bill.
pub(super) fn require_open(
    it: &Authorisation,
    original: &Authorisation,
    others: &[Authorisation],
) -> Result<(), MoneyError> {
    require_approved(original)?;
    let same_currency = original.amount.currency() == it.amount.currency();
    let is_open = match original.hold_state {
        HoldState::Pending => true,
        HoldState::Expired => it.is_completion(),
        HoldState::None | HoldState::Posted | HoldState::Voided => false,
    };
    let is_being_completed = others
        .iter()
        .any(|other| other.is_completion() && other.status != AuthorisationStatus::Declined);
    let increments = others.iter().filter(|other| other.is_increment());
    let is_spent = it.is_completion() && is_spent(original, increments);
    if !same_currency || !is_open || is_being_completed || is_spent {
        return Err(LedgerError::HoldClosed.into());
    }
    Ok(())
}

/// Posts a clearing of the original: its own hold is used first, then those of the increments in
/// order, each at its own rate; an excess over the bill counts at the original's rate. The posting
/// is the original's, so the increments' parts are released for it.
pub(super) fn clear(
    account: &mut Account,
    bill: &mut Bill,
    request: &ClearAuthorisation,
) -> Result<Moved, MoneyError> {
    require_approved(&bill.original)?;
    let (mut money, mut work) = (account.clone(), bill.clone());
    let left_minor = work.members().map(|it| clearable_minor(it)).fold(0, i64::saturating_add);
    let acquirer_minor = request.acquirer_amount_minor.unwrap_or(left_minor);
    // The network may force more than was authorised, but not once the original is used up: a
    // clearing that is sent twice must not post twice, not even beside an open increment.
    if clearable_minor(&work.original) == 0 && (left_minor == 0 || acquirer_minor > left_minor) {
        return Err(LedgerError::HoldClosed.into());
    }
    if acquirer_minor <= 0 {
        return Err(MoneyError::ExceedsAuthorisation);
    }
    let own_minor = clearable_minor(&work.original).min(acquirer_minor);
    let mut rest_minor = acquirer_minor - own_minor;
    let mut movements = Vec::new();
    let mut amount = Money::zero(money.currency);
    for increment in &mut work.increments {
        let part_minor = clearable_minor(increment).min(rest_minor);
        rest_minor -= part_minor;
        let released = use_increment(&mut money, increment, part_minor, request.is_final)?;
        movements.extend(released.movements.into_iter().map(|step| (increment.auth_id, step)));
        amount = amount.checked_add(released.amount).map_err(LedgerError::from)?;
    }
    let original = &mut work.original;
    let own_minor = own_minor.checked_add(rest_minor).ok_or(LedgerError::OutOfRange)?;
    let own = count_cleared(original, own_minor)?;
    amount = amount.checked_add(own).map_err(LedgerError::from)?;
    original.posted_minor =
        original.posted_minor.checked_add(amount.amount_minor()).ok_or(LedgerError::OutOfRange)?;
    let posted = post(&mut money, original, amount, request.is_final)?;
    movements.extend(posted.into_iter().map(|step| (original.auth_id, step)));
    let acquirer_amount = Money::new(acquirer_minor, original.acquirer_amount.currency());
    (*account, *bill) = (money, work);
    Ok(Moved { movements, amount, acquirer_amount })
}

/// Posts `amount`, first from the original's own hold.
fn post(
    account: &mut Account,
    original: &mut Authorisation,
    amount: Money,
    is_final: bool,
) -> Result<Vec<Movement>, MoneyError> {
    let held_minor = original.hold_remaining_minor;
    let cleared = ledger::clear(account, original.hold_state, held_minor, amount, is_final)?;
    original.hold_remaining_minor = cleared.hold_remaining_minor;
    // A final clearing also closes a hold whose time ran out, or that never existed.
    close_if_empty(original, is_final);
    if is_final {
        original.hold_state = HoldState::Posted;
    }
    Ok(cleared.movements)
}

/// The released part of an increment's hold, and the amount that was cleared.
struct Released {
    movements: Vec<Movement>,
    amount: Money,
}

/// Releases what a clearing of the bill takes from an increment; after a final one, also the rest.
fn use_increment(
    account: &mut Account,
    increment: &mut Authorisation,
    part_minor: i64,
    is_final: bool,
) -> Result<Released, MoneyError> {
    let amount = count_cleared(increment, part_minor)?;
    let mut movements = Vec::new();
    let of_hold_minor = if is_final { i64::MAX } else { amount.amount_minor() };
    movements.extend(release(account, increment, of_hold_minor)?);
    close_if_empty(increment, is_final && !is_closed(increment));
    Ok(Released { movements, amount })
}

/// Counts `part_minor` of the acquirer amount as cleared; returns it in the billing currency.
fn count_cleared(it: &mut Authorisation, part_minor: i64) -> Result<Money, MoneyError> {
    let used_minor = acquirer_used_minor(it);
    let after_minor = used_minor.checked_add(part_minor).ok_or(LedgerError::OutOfRange)?;
    let amount = billing_part(it, used_minor, after_minor);
    it.cleared_acquirer_minor =
        it.cleared_acquirer_minor.checked_add(part_minor).ok_or(LedgerError::OutOfRange)?;
    Ok(amount)
}

/// Takes back a part of a bill, or all that is left of it, latest first: the original is the last
/// to go.
pub(super) fn reverse(
    account: &mut Account,
    bill: &mut Bill,
    request: &ReverseAuthorisation,
) -> Result<Moved, MoneyError> {
    require_approved(&bill.original)?;
    let (mut money, mut work) = (account.clone(), bill.clone());
    let mut open: Vec<_> =
        work.members().filter(|it| it.hold_state == HoldState::Pending).collect();
    let left_minor = open.iter().map(|it| clearable_minor(it)).fold(0, i64::saturating_add);
    if left_minor == 0 {
        return Err(LedgerError::HoldClosed.into());
    }
    let acquirer_minor = request.acquirer_amount_minor.unwrap_or(left_minor);
    if acquirer_minor <= 0 || acquirer_minor > left_minor {
        return Err(MoneyError::ExceedsAuthorisation);
    }
    let mut rest_minor = acquirer_minor;
    let mut movements = Vec::new();
    let mut amount = Money::zero(money.currency);
    for it in open.iter_mut().rev() {
        let part_minor = clearable_minor(it).min(rest_minor);
        rest_minor -= part_minor;
        let used_minor = acquirer_used_minor(it);
        let part = billing_part(it, used_minor, used_minor + part_minor);
        movements.extend(release(&mut money, it, part.amount_minor())?.map(|s| (it.auth_id, s)));
        it.reversed_acquirer_minor += part_minor;
        close_if_empty(it, acquirer_minor == left_minor);
        amount = amount.checked_add(part).map_err(LedgerError::from)?;
    }
    let acquirer_amount = Money::new(acquirer_minor, work.original.acquirer_amount.currency());
    (*account, *bill) = (money, work);
    Ok(Moved { movements, amount, acquirer_amount })
}

/// The reversal's own record, which is still to be reported to the enterprise. Its money has moved;
/// the status waits for the enterprise's answer only so that no record is reported twice.
pub(super) fn reversal_record(
    original: &Authorisation,
    (auth_id, now): (AuthId, Timestamp),
    (amount, acquirer_amount): (Money, Money),
) -> Authorisation {
    let outs_id = original.outs_id;
    Authorisation {
        original_auth_id: Some(original.auth_id),
        direction: Direction::Incoming,
        auth_type: original.auth_type,
        transaction_type: original.transaction_type,
        acquirer_amount,
        fx_rate: original.fx_rate.clone(),
        merchant: original.merchant.clone(),
        ..Authorisation::purchase(original, auth_id, outs_id, amount, now)
    }
}

/// Gives an approved completion its hold: all that its reservation still holds is released, and
/// what the completion lacks of its amount is held instead, so nothing is held twice. A reservation
/// that was reversed or cleared meanwhile is `HoldClosed`, because its money is given back or
/// spent. If the reservation expired meanwhile and the deposit does not cover what is lacking, that
/// is `InsufficientFunds`.
pub(super) fn complete(
    account: &mut Account,
    bill: &mut Bill,
    completion: &mut Authorisation,
) -> Result<Vec<(AuthId, Movement)>, MoneyError> {
    let (mut money, mut work, mut it) = (account.clone(), bill.clone(), completion.clone());
    if is_closed(&bill.original) || is_spent(&bill.original, bill.increments.iter()) {
        return Err(LedgerError::HoldClosed.into());
    }
    // The deposit must cover what exceeds the reservation's holds.
    let lacking_minor = it.amount.amount_minor().saturating_sub(it.hold_remaining_minor);
    if lacking_minor.saturating_sub(bill.held_minor()) > money.available_minor.max(0) {
        return Err(LedgerError::InsufficientFunds.into());
    }
    let mut movements = Vec::new();
    // Those whose time ran out are closed too: a completed bill is not cleared beside its
    // completion.
    for member in work.members().filter(|it| !is_closed(it)) {
        movements.extend(release(&mut money, member, i64::MAX)?.map(|step| (member.auth_id, step)));
        close_if_empty(member, true);
    }
    if lacking_minor > 0 {
        let lacking = Money::new(lacking_minor, money.currency);
        movements.push((it.auth_id, ledger::hold_again(&mut money, lacking)?));
        it.hold_remaining_minor =
            it.hold_remaining_minor.checked_add(lacking_minor).ok_or(LedgerError::OutOfRange)?;
        it.hold_state = HoldState::Pending;
    }
    (*account, *bill, *completion) = (money, work, it);
    Ok(movements)
}

/// Checks that an approved increment may join the bill of `original`. If the bill ended while the
/// enterprise was asked, nothing would ever use the increment's hold: that is `HoldClosed`.
pub(super) fn join(original: &Authorisation) -> Result<(), MoneyError> {
    if is_closed(original) { Err(LedgerError::HoldClosed.into()) } else { Ok(()) }
}

/// Gives back up to `most_minor` of the rest of a hold.
fn release(
    account: &mut Account,
    it: &mut Authorisation,
    most_minor: i64,
) -> Result<Option<Movement>, MoneyError> {
    let minor = it.hold_remaining_minor.min(most_minor);
    if minor <= 0 {
        return Ok(None);
    }
    let part = Money::new(minor, it.amount.currency());
    let movement = ledger::release(account, it.hold_remaining_minor, part)?;
    it.hold_remaining_minor -= minor;
    Ok(Some(movement))
}

/// Closes a hold if it has nothing left and nothing can follow it, or in any case if `always`.
/// Something can follow while part of the acquirer's amount is left: where parts are rounded, the
/// last of them may be zero in the billing currency.
fn close_if_empty(it: &mut Authorisation, always: bool) {
    let is_used_up = it.hold_remaining_minor == 0 && is_used_up(it);
    let is_empty = it.hold_state == HoldState::Pending && is_used_up;
    let ends_empty = is_empty && it.original_auth_id.is_some();
    if !ends_empty && !always {
        return;
    }
    let is_cleared = it.cleared_acquirer_minor > 0;
    it.hold_state = if is_cleared { HoldState::Posted } else { HoldState::Voided };
    it.hold_expires_at = None;
}

/// True if it was cleared for good or wholly given back by the network.
const fn is_closed(it: &Authorisation) -> bool {
    matches!(it.hold_state, HoldState::Posted | HoldState::Voided)
}

/// True if anything of a bill was cleared, which a completion would spend again, or if its original
/// was reversed wholly.
fn is_spent<'a>(
    original: &Authorisation,
    mut increments: impl Iterator<Item = &'a Authorisation>,
) -> bool {
    let is_cleared = |it: &Authorisation| it.cleared_acquirer_minor > 0;
    is_used_up(original) || is_cleared(original) || increments.any(is_cleared)
}

/// True if nothing of it is left to clear or reverse, even if its hold is open.
fn is_used_up(it: &Authorisation) -> bool {
    acquirer_left_minor(it) <= 0
}

/// The part of the acquirer amount that a clearing or a reversal may still use.
fn clearable_minor(it: &Authorisation) -> i64 {
    if is_closed(it) { 0 } else { acquirer_left_minor(it).max(0) }
}

#[cfg(test)]
mod tests;
