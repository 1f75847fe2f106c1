//! The steps of money commands on one authorisation and one account. Pure.

use domain::{
    Authorisation, AuthorisationStatus, Cause, Direction, HoldState, Money, Timestamp,
    TransactionType,
};
use ledger::{Account, Movement};

use super::{DecideAuthorisation, FailedCheck, MoneyError};

/// The billing amount of the step of an authorisation's acquirer amount from `before_minor` to
/// `after_minor`. The whole is the authorised amount, and parts that follow one another add up to
/// it, so no rounding is left over.
pub(super) fn billing_part(
    authorisation: &Authorisation,
    before_minor: i64,
    after_minor: i64,
) -> Money {
    let at = |minor: i64| billing_position(authorisation, minor);
    Money::new(at(after_minor) - at(before_minor), authorisation.amount.currency())
}

/// The billing amount, rounded half up, that the first `minor` units of the acquirer
/// amount stand for.
fn billing_position(authorisation: &Authorisation, minor: i64) -> i64 {
    let (amount, acquirer_amount) = (authorisation.amount, authorisation.acquirer_amount);
    share_minor(minor, acquirer_amount.amount_minor(), amount.amount_minor())
}

/// What of `shared_minor` falls to `part_minor` of `whole_minor`, rounded half up.
pub(super) fn share_minor(part_minor: i64, whole_minor: i64, shared_minor: i64) -> i64 {
    let whole = i128::from(whole_minor);
    if whole <= 0 {
        return 0;
    }
    let scaled = i128::from(part_minor) * i128::from(shared_minor);
    let rounded = (2 * scaled + whole).div_euclid(2 * whole);
    // Amounts from outside are bounded far below an i64 (Money::MAX_INPUT_MINOR).
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

/// The part of the billing amount that is not reversed.
pub(super) fn unreversed_minor(authorisation: &Authorisation) -> i64 {
    let reversed_minor = authorisation.reversed_acquirer_minor;
    let whole_minor = authorisation.acquirer_amount.amount_minor();
    billing_part(authorisation, reversed_minor, whole_minor).amount_minor()
}

/// The part of the acquirer amount that is neither cleared nor reversed.
pub(super) fn acquirer_left_minor(authorisation: &Authorisation) -> i64 {
    authorisation.acquirer_amount.amount_minor() - acquirer_used_minor(authorisation)
}

pub(super) const fn acquirer_used_minor(authorisation: &Authorisation) -> i64 {
    authorisation.cleared_acquirer_minor.saturating_add(authorisation.reversed_acquirer_minor)
}

/// Takes the hold of a new authorisation, or declines it because the deposit does not cover it. An
/// inquiry holds nothing, whatever its amount, and neither does an amount that the cardholder
/// receives; a completion holds only what its reservation, which holds `reserved_minor`, lacks.
pub(super) fn begin(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
    reserved_minor: i64,
) -> Result<Option<Movement>, MoneyError> {
    if authorisation.status != AuthorisationStatus::Pending {
        return Ok(None);
    }
    let lacking_minor = authorisation.amount.amount_minor().saturating_sub(reserved_minor);
    let is_covered = lacking_minor <= 0 || is_incoming(authorisation);
    if is_inquiry(authorisation) || (account.is_some() && is_covered) {
        // An increment that rounds to zero is a part of its bill, to be cleared or reversed.
        let is_part = authorisation.is_increment();
        authorisation.hold_state = if is_part { HoldState::Pending } else { HoldState::None };
        return Ok(None);
    }
    let lacking = Money::new(lacking_minor, authorisation.amount.currency());
    let taken = account.map(|account| ledger::hold(account, lacking));
    match taken {
        Some(Ok(movement)) => {
            authorisation.hold_state = HoldState::Pending;
            authorisation.hold_remaining_minor = lacking_minor;
            Ok(Some(movement))
        }
        None | Some(Err(ledger::LedgerError::InsufficientFunds)) => {
            authorisation.decide(Cause::DepositExhausted, authorisation.created_at);
            Ok(None)
        }
        Some(Err(error)) => Err(error.into()),
    }
}

/// Decides an authorisation; a decline gives the hold back. `failed` is the check of the commit
/// that turns an approval into a decline.
pub(super) fn decide(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
    decision: &DecideAuthorisation,
    failed: Option<FailedCheck>,
) -> Result<Option<Movement>, MoneyError> {
    let cause = match failed {
        Some(failed) => failed.cause(authorisation),
        None => decision.cause.clone(),
    };
    if !cause.is_approval() {
        return decline(account, authorisation, cause, decision.now);
    }
    authorisation.decide(cause, decision.now);
    authorisation.auth_code.clone_from(&decision.auth_code);
    Ok(None)
}

/// Declines an authorisation and gives its hold back.
pub(super) fn decline(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
    cause: Cause,
    now: Timestamp,
) -> Result<Option<Movement>, MoneyError> {
    let mut movement = None;
    if authorisation.hold_state == HoldState::Pending {
        movement = give_back(account, authorisation, HoldState::Voided)?;
    }
    authorisation.decide(cause, now);
    Ok(movement)
}

/// Gives back the rest of a hold; nothing of one that clearings used up.
pub(super) fn give_back(
    account: Option<&mut Account>,
    authorisation: &mut Authorisation,
    state: HoldState,
) -> Result<Option<Movement>, MoneyError> {
    let account = account.ok_or(MoneyError::NotFound)?;
    let left = Money::new(authorisation.hold_remaining_minor, authorisation.amount.currency());
    let movement = match state {
        _ if !left.is_positive() => None,
        HoldState::Expired => Some(ledger::expire(account, left)?),
        _ => Some(ledger::release(account, left.amount_minor(), left)?),
    };
    authorisation.hold_remaining_minor = 0;
    authorisation.hold_state = state;
    authorisation.hold_expires_at = None;
    Ok(movement)
}

/// True if an open hold's time has run out.
pub(super) fn is_expired(authorisation: &Authorisation, now: Timestamp) -> bool {
    authorisation.hold_state == HoldState::Pending
        && authorisation.status != AuthorisationStatus::Pending
        && authorisation.hold_expires_at.is_some_and(|at| at <= now)
}

/// True if the cardholder receives money: a refund or a reversal.
fn is_incoming(authorisation: &Authorisation) -> bool {
    authorisation.direction == Direction::Incoming
}

/// True if it moves nothing (cardbridge-open-api.md section 8.2).
fn is_inquiry(authorisation: &Authorisation) -> bool {
    authorisation.transaction_type == TransactionType::Inquiry
}

pub(super) fn require_approved(authorisation: &Authorisation) -> Result<(), MoneyError> {
    if authorisation.is_approved_purchase() { Ok(()) } else { Err(MoneyError::NotApproved) }
}
