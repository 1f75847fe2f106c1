//! The effect of each business event on an account and on a hold.

use domain::{HoldState, Money};

use crate::{Account, Bucket, LedgerError, TransferKind};

/// One step of a business event; it becomes a [`crate::Transfer`] once it has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// The reason.
    pub kind: TransferKind,
    /// Bucket the money leaves.
    pub from: Bucket,
    /// Bucket the money enters.
    pub to: Bucket,
    /// The amount.
    pub amount: Money,
}

/// The result of a clearing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing {
    /// The steps, in order.
    pub movements: Vec<Movement>,
    /// The rest of the hold, minor units.
    pub hold_remaining_minor: i64,
}

fn step(
    account: &mut Account,
    kind: TransferKind,
    from: Bucket,
    to: Bucket,
    amount: Money,
) -> Result<Movement, LedgerError> {
    if amount.currency() != account.currency {
        return Err(LedgerError::CurrencyMismatch);
    }
    account.shift(from, to, amount.amount_minor())?;
    Ok(Movement { kind, from, to, amount })
}

/// The owner brings money.
///
/// # Errors
/// Not above zero, another currency, or out of range.
pub fn deposit(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    step(account, TransferKind::Deposit, Bucket::Funding, Bucket::Available, amount)
}

/// The owner takes money back, never more than is available.
///
/// # Errors
/// As [`deposit`], or not enough is available.
pub fn withdraw(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    require_available(account, amount)?;
    step(account, TransferKind::Withdrawal, Bucket::Available, Bucket::Funding, amount)
}

/// Sets money aside for an authorisation, never more than is available.
///
/// # Errors
/// As [`deposit`], or not enough is available.
pub fn hold(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    require_available(account, amount)?;
    step(account, TransferKind::Hold, Bucket::Available, Bucket::Held, amount)
}

/// Sets aside again the amount that other holds of the same bill have just released, even if the
/// account was forced below zero and has less available.
///
/// # Errors
/// As [`deposit`].
pub fn hold_again(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    step(account, TransferKind::Hold, Bucket::Available, Bucket::Held, amount)
}

/// Sets money aside that the network has promised already, even if less is available: the account
/// may go below zero and is then flagged.
///
/// # Errors
/// As [`deposit`].
pub fn hold_forced(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    let movement = hold_again(account, amount)?;
    account.forced_negative |= account.available_minor < 0;
    Ok(movement)
}

/// Releases `amount` of a hold that has `remaining_minor` left.
///
/// # Errors
/// The hold has less left, or as [`deposit`].
pub fn release(
    account: &mut Account,
    remaining_minor: i64,
    amount: Money,
) -> Result<Movement, LedgerError> {
    give_back(account, TransferKind::Release, remaining_minor, amount)
}

/// Releases all that a hold has left because it expired.
///
/// # Errors
/// As [`release`].
pub fn expire(account: &mut Account, remaining: Money) -> Result<Movement, LedgerError> {
    give_back(account, TransferKind::Expiry, remaining.amount_minor(), remaining)
}

fn give_back(
    account: &mut Account,
    kind: TransferKind,
    remaining_minor: i64,
    amount: Money,
) -> Result<Movement, LedgerError> {
    if amount.amount_minor() > remaining_minor {
        return Err(LedgerError::ExceedsHold);
    }
    step(account, kind, Bucket::Held, Bucket::Available, amount)
}

/// Spends `amount` for good. It comes from the hold as far as that goes; the rest is forced from
/// what is available, which may go below zero: the network decides, and the account is flagged. A
/// final clearing releases what the hold has left. Part of a converted amount may round to zero and
/// then spends nothing.
///
/// # Errors
/// Below zero, another currency, or out of range.
pub fn clear(
    account: &mut Account,
    hold_state: HoldState,
    remaining_minor: i64,
    amount: Money,
    is_final: bool,
) -> Result<Clearing, LedgerError> {
    if amount.amount_minor() < 0 {
        return Err(LedgerError::NotPositive);
    }
    let mut work = account.clone();
    let mut movements = Vec::with_capacity(3);
    let part = |minor| Money::new(minor, amount.currency());
    let held_minor = if hold_state == HoldState::Pending { remaining_minor } else { 0 };
    let from_hold = amount.amount_minor().min(held_minor);
    if from_hold > 0 {
        let kind = TransferKind::Clearing;
        movements.push(step(&mut work, kind, Bucket::Held, Bucket::Posted, part(from_hold))?);
    }
    let forced = amount.amount_minor() - from_hold;
    if forced > 0 {
        let kind = TransferKind::Clearing;
        movements.push(step(&mut work, kind, Bucket::Available, Bucket::Posted, part(forced))?);
        work.forced_negative |= work.available_minor < 0;
    }
    let mut left = held_minor - from_hold;
    if is_final && left > 0 {
        movements.push(release(&mut work, left, part(left))?);
        left = 0;
    }
    *account = work;
    Ok(Clearing { movements, hold_remaining_minor: left })
}

/// Spent money comes back. The network may give back more than was spent here, since it may refund
/// a purchase made elsewhere; `posted` below zero flags the account.
///
/// # Errors
/// As [`deposit`].
pub fn refund(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    let movement = step(account, TransferKind::Refund, Bucket::Posted, Bucket::Available, amount)?;
    account.forced_negative |= account.posted_minor < 0;
    Ok(movement)
}

/// Money goes from one account to another of the same enterprise and currency: it leaves the first
/// as a withdrawal and enters the second as a deposit.
///
/// # Errors
/// Not enough is available, or as [`deposit`]; both accounts are then unchanged.
pub fn transfer(
    from: &mut Account,
    to: &mut Account,
    amount: Money,
) -> Result<(Movement, Movement), LedgerError> {
    let (mut giver, mut taker) = (from.clone(), to.clone());
    require_available(&giver, amount)?;
    let kind = TransferKind::Transfer;
    let left = step(&mut giver, kind, Bucket::Available, Bucket::Funding, amount)?;
    let entered = step(&mut taker, kind, Bucket::Funding, Bucket::Available, amount)?;
    (*from, *to) = (giver, taker);
    Ok((left, entered))
}

/// Moves all that a closed account has available to its heir. If the account is overdrawn, because
/// the network took more than was held, the heir covers the shortfall; the heir may go below zero
/// and is then flagged. Returns the movements on the closed account and on its heir.
///
/// # Errors
/// Another currency, or out of range; both accounts are then unchanged.
pub fn sweep(
    closed: &mut Account,
    heir: &mut Account,
) -> Result<Option<(Movement, Movement)>, LedgerError> {
    if closed.available_minor == 0 {
        return Ok(None);
    }
    if closed.available_minor > 0 {
        let amount = Money::new(closed.available_minor, closed.currency);
        return transfer(closed, heir, amount).map(Some);
    }
    let lacking = closed.available_minor.checked_neg().ok_or(LedgerError::OutOfRange)?;
    let amount = Money::new(lacking, closed.currency);
    let (mut taker, mut giver) = (closed.clone(), heir.clone());
    let kind = TransferKind::Transfer;
    let left = step(&mut giver, kind, Bucket::Available, Bucket::Funding, amount)?;
    let entered = step(&mut taker, kind, Bucket::Funding, Bucket::Available, amount)?;
    giver.forced_negative |= giver.available_minor < 0;
    (*closed, *heir) = (taker, giver);
    Ok(Some((entered, left)))
}

/// Charges for a service, never more than is available.
///
/// # Errors
/// As [`withdraw`].
pub fn charge(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    require_available(account, amount)?;
    step(account, TransferKind::Fee, Bucket::Available, Bucket::Posted, amount)
}

/// Charges for a service that was already rendered, even if less is available: the account may go
/// below zero and is then flagged.
///
/// # Errors
/// As [`deposit`].
pub fn charge_rendered(account: &mut Account, amount: Money) -> Result<Movement, LedgerError> {
    let movement = step(account, TransferKind::Fee, Bucket::Available, Bucket::Posted, amount)?;
    account.forced_negative |= account.available_minor < 0;
    Ok(movement)
}

fn require_available(account: &Account, amount: Money) -> Result<(), LedgerError> {
    if amount.amount_minor() > account.available_minor {
        return Err(LedgerError::InsufficientFunds);
    }
    Ok(())
}
