//! What a message does to a whole bill: an authorisation and its increments, or a
//! reservation and its completion. Pure. Whatever is refused leaves everything as it was.
//!
//! A bill ends with its final clearing, its whole reversal or its completion. A clearing
//! that is not final may use up the original's hold; that stays open, with nothing left, for
//! the increments that are still to come.

use domain::{AuthId, Authorisation, AuthorisationStatus, Direction, HoldState, Money};
use ledger::{Account, LedgerError, Movement};

use super::steps::{acquirer_left_minor, acquirer_used_minor, billing_part, require_approved};
use super::{ClearAuthorisation, MoneyError, ReverseAuthorisation};

/// An authorisation and its approved increments, in order of arrival.
#[derive(Debug, Clone)]
pub(super) struct Bill {
    /// The authorisation that the network names.
    pub(super) original: Authorisation,
    /// What raised it.
    pub(super) increments: Vec<Authorisation>,
}

/// What a message did to a bill, in both currencies.
#[derive(Debug)]
pub(super) struct Moved {
    /// The movements, each with the authorisation it belongs to.
    pub(super) movements: Vec<(AuthId, Movement)>,
    /// In the billing currency.
    pub(super) amount: Money,
    /// In the acquirer's currency.
    pub(super) acquirer_amount: Money,
}

impl Bill {
    /// What the open holds have left, minor units.
    pub(super) fn held_minor(&self) -> i64 {
        let held = |it: &Authorisation| it.hold_remaining_minor;
        self.increments.iter().map(held).fold(held(&self.original), i64::saturating_add)
    }

    /// Its authorisations in order of arrival.
    fn members(&mut self) -> impl Iterator<Item = &mut Authorisation> {
        std::iter::once(&mut self.original).chain(&mut self.increments)
    }
}

/// Whether `original` may be incremented, or completed if it is a reservation whose time
/// may have run out. `others` are the increments and completions of its bill.
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

/// Posts a clearing of the original: its own hold is used first, then those of the
/// increments in order, each at its own rate; what exceeds the bill counts at the
/// original's. The posting is the original's, so the increments' parts are released to it.
pub(super) fn clear(
    account: &mut Account,
    bill: &mut Bill,
    request: &ClearAuthorisation,
) -> Result<Moved, MoneyError> {
    require_approved(&bill.original)?;
    let (mut money, mut work) = (account.clone(), bill.clone());
    let left_minor = work.members().map(|it| clearable_minor(it)).fold(0, i64::saturating_add);
    let acquirer_minor = request.acquirer_amount_minor.unwrap_or(left_minor);
    // The network may force more than was authorised, but not once the original is used up:
    // the same clearing sent twice must not post twice, nor beside an open increment.
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

/// Moves `amount` to what was spent, first from the original's own hold.
fn post(
    account: &mut Account,
    original: &mut Authorisation,
    amount: Money,
    is_final: bool,
) -> Result<Vec<Movement>, MoneyError> {
    let held_minor = original.hold_remaining_minor;
    let cleared = ledger::clear(account, original.hold_state, held_minor, amount, is_final)?;
    original.hold_remaining_minor = cleared.hold_remaining_minor;
    // A hold whose time ran out, or that never was, is closed by a final clearing too.
    close_if_empty(original, is_final);
    if is_final {
        original.hold_state = HoldState::Posted;
    }
    Ok(cleared.movements)
}

/// What was taken of an increment's hold, and what of it was cleared.
struct Released {
    movements: Vec<Movement>,
    amount: Money,
}

/// Releases what a clearing of the bill takes of an increment, and after a final one the rest.
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

/// Takes back a part of a bill, or all that is left of it: from what came last first, so
/// that the original is the last to go.
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

/// The reversal's own record, of which the enterprise is still to be told. Its money has
/// moved; the status waits for the enterprise's answer only so that no record is reported twice.
pub(super) fn reversal_record(
    original: &Authorisation,
    request: &ReverseAuthorisation,
    reversed: &Moved,
) -> Authorisation {
    let (auth_id, outs_id) = (request.reversal_id, original.outs_id);
    Authorisation {
        original_auth_id: Some(original.auth_id),
        direction: Direction::Incoming,
        auth_type: original.auth_type,
        transaction_type: original.transaction_type,
        acquirer_amount: reversed.acquirer_amount,
        fx_rate: original.fx_rate.clone(),
        merchant: original.merchant.clone(),
        ..Authorisation::purchase(original, auth_id, outs_id, reversed.amount, request.now)
    }
}

/// Gives an approved completion its hold: all that its reservation still holds is released,
/// and what the completion lacks of its amount is held instead, so that nothing is held
/// twice. A reservation that was reversed or cleared meanwhile is `HoldClosed`: its money is
/// given back or spent already. If it expired meanwhile and the deposit does not cover what
/// is lacking, that is `InsufficientFunds`: nothing is promised that is not there.
pub(super) fn complete(
    account: &mut Account,
    bill: &mut Bill,
    completion: &mut Authorisation,
) -> Result<Vec<(AuthId, Movement)>, MoneyError> {
    let (mut money, mut work, mut it) = (account.clone(), bill.clone(), completion.clone());
    if is_closed(&bill.original) || is_spent(&bill.original, bill.increments.iter()) {
        return Err(LedgerError::HoldClosed.into());
    }
    // What the deposit has to give beside what the reservation gives back.
    let lacking_minor = it.amount.amount_minor().saturating_sub(it.hold_remaining_minor);
    if lacking_minor.saturating_sub(bill.held_minor()) > money.available_minor.max(0) {
        return Err(LedgerError::InsufficientFunds.into());
    }
    let mut movements = Vec::new();
    // Those whose time ran out are closed too: what is completed is not cleared beside it.
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

/// Whether an approved increment may join the bill of `original`. Where that has ended while
/// the enterprise was asked, nothing would ever use its hold: that is `HoldClosed`.
pub(super) fn join(original: &Authorisation) -> Result<(), MoneyError> {
    if is_closed(original) { Err(LedgerError::HoldClosed.into()) } else { Ok(()) }
}

/// Gives back up to `most_minor` of what a hold has left.
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

/// Closes a hold that has nothing left and that nothing can follow, or that is to be closed
/// in any case. While something of the acquirer's amount is left, something can: where parts
/// are rounded, the last of them may be zero in the billing currency.
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

/// Cleared for good or wholly given back by the network.
const fn is_closed(it: &Authorisation) -> bool {
    matches!(it.hold_state, HoldState::Posted | HoldState::Voided)
}

/// Whether anything of a bill was cleared, which a completion would spend again, or its
/// original was reversed wholly.
fn is_spent<'a>(
    original: &Authorisation,
    mut increments: impl Iterator<Item = &'a Authorisation>,
) -> bool {
    let is_cleared = |it: &Authorisation| it.cleared_acquirer_minor > 0;
    is_used_up(original) || is_cleared(original) || increments.any(is_cleared)
}

/// Cleared and reversed wholly, whether or not its hold is closed.
fn is_used_up(it: &Authorisation) -> bool {
    acquirer_left_minor(it) <= 0
}

/// How much of the acquirer amount a clearing or a reversal may still use.
fn clearable_minor(it: &Authorisation) -> i64 {
    if is_closed(it) { 0 } else { acquirer_left_minor(it).max(0) }
}

#[cfg(test)]
mod tests;
